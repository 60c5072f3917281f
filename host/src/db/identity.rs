//! The identity of a database file: new, of cairn, or of another program. It is told without writing a byte, so that a
//! mistyped path leaves the other program's file as it was.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
    time::Duration,
};

use cairn_registry::{Error, Result, store::Value};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::connection::{Connection, Role, failed};

/// First bytes of each file of SQLite.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// `CARN`, the application id of cairn's files.
pub(super) const APPLICATION_ID: i64 = 0x4341_524e;

/// Place of the application id in the header, in big-endian order.
const ID_AT: std::ops::Range<usize> = 68..72;

/// Columns of the table that says which schema steps a database has.
const OUR_COLUMNS: &str = "number name applied_at since";

const NOT_OURS: &str = "not a database of cairn";

/// Everything of a path that is not special in a URI.
const IN_URI: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'.')
    .remove(b'-')
    .remove(b'_');

/// Refuses a file that another program made, or that is no database.
pub(super) fn require_ours(path: &Path) -> Result<()> {
    let Some(header) = header(path)? else {
        return Ok(());
    };
    let id = header.get(ID_AT).map_or(0, |bytes| {
        bytes
            .iter()
            .fold(0, |id, byte| (id << 8) | i64::from(*byte))
    });
    match id {
        APPLICATION_ID => Ok(()),
        0 => require_our_tables(path),
        _ => Err(foreign(path, &format!("its application id is {id:#010x}"))),
    }
}

/// Returns true for a database that another program made. A damaged file is none.
pub(super) fn is_foreign(path: &Path) -> bool {
    require_ours(path).is_err_and(|error| error.cause() == Some(NOT_OURS))
}

/// Gives a database its application id, if it has none. A failure is none of the caller's: the id is looked for again at
/// the next start.
pub(super) fn mark(connection: &mut Connection) {
    let found = connection.query("PRAGMA application_id", &[]);
    let found = found.ok().and_then(|found| found.rows.into_iter().next());
    if found.as_deref() == Some(&[Value::Integer(0)])
        && let Err(error) = connection.script(&format!("PRAGMA application_id = {APPLICATION_ID}"))
    {
        tracing::debug!(%error, "the database file has no application id yet");
    }
}

/// The first bytes of a database; nothing of a file that is absent or empty.
fn header(path: &Path) -> Result<Option<[u8; 100]>> {
    let mut header = [0; 100];
    let read = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Ok(found) if !found.is_file() => Err(io::Error::other("it is not a regular file")),
        Ok(found) if found.len() == 0 => return Ok(None),
        Ok(_) => File::open(path).and_then(|mut file| file.read_exact(&mut header)),
        Err(error) => Err(error),
    };
    match read {
        Ok(()) if header.starts_with(MAGIC) => Ok(Some(header)),
        Ok(()) => Err(no_database(path)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(no_database(path)),
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn require_our_tables(path: &Path) -> Result<()> {
    let tables = match tables(path, "immutable=1") {
        // The file alone may lack what lies in its log, or be in the middle of a checkpoint.
        Ok(tables) if !tables.is_empty() || !has_log(path) => tables,
        _ => tables_with_log(path)?,
    };
    let steps = tables.iter().find(|(name, _)| name == "schema_version");
    match (tables.first(), steps) {
        (None, _) => Ok(()),
        (_, Some((_, columns))) if columns == OUR_COLUMNS => Ok(()),
        (Some((name, _)), _) => Err(foreign(path, &format!("it has a table {name:?}"))),
    }
}

fn has_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    fs::metadata(log).is_ok_and(|log| log.len() > 0)
}

/// A reading connection that is closed last would fold the log into the file; a read-only one does not.
fn tables_with_log(path: &Path) -> Result<Vec<(String, String)>> {
    tables(path, "mode=ro")
}

/// Tables with the names of their columns.
fn tables(path: &Path, how: &str) -> Result<Vec<(String, String)>> {
    let absolute = std::path::absolute(path).map_err(|error| unreadable(path, &error))?;
    let text = absolute
        .to_str()
        .ok_or_else(|| unreadable(path, &io::Error::other("its path is not UTF-8")))?;
    let address = format!("file:{}?{how}", utf8_percent_encode(text, IN_URI));
    let mut connection =
        Connection::open(Path::new(&address), Role::Copier, Duration::from_secs(5))?;
    let sql = "SELECT m.name, (SELECT group_concat(c.name, ' ') FROM pragma_table_info(m.name) AS c) \
               FROM sqlite_master AS m WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
               AND (m.sql IS NULL OR m.sql NOT LIKE 'CREATE VIRTUAL%')";
    let found = connection.query(sql, &[]).map_err(failed)?;
    let text = |value: Option<Value>| match value {
        Some(Value::Text(text)) => text,
        _ => String::new(),
    };
    let rows = found.rows.into_iter().map(|row| {
        let mut row = row.into_iter();
        (text(row.next()), text(row.next()))
    });
    Ok(rows.collect())
}

fn foreign(path: &Path, why: &str) -> Error {
    Error::unavailable(
        format!(
            "{} is a database of another program ({why}) and was left as it is: name a file of its own for cairn by \
             database.path",
            path.display()
        ),
        NOT_OURS,
    )
}

fn no_database(path: &Path) -> Error {
    Error::unavailable(
        format!(
            "{} is not a SQLite database and was left as it is: name another file by database.path, or restore a backup \
             over it",
            path.display()
        ),
        "no header of SQLite",
    )
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    Error::unavailable(
        format!(
            "the database file {} cannot be read by this user: mend its owner or mode, or name another by database.path",
            path.display()
        ),
        error.to_string(),
    )
}

#[cfg(test)]
#[path = "tests/identity.rs"]
mod tests;
