//! A copy of an embedded database, made while others write, and the way back. A copy is a file that stock SQLite opens: no
//! log beside it, nobody's lease in force once it is in place. Servers have tools of their own: `postgres/tools.rs`.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use cairn_registry::{
    Error, ErrorKind,
    store::{Row, Value},
};
use rustix::process::{Flock, FlockOffsetType, FlockType, fcntl_getlk};

use super::{
    connection::{Connection, Role, failed},
    identity,
};
use crate::{
    migrate::{self, Applied, STEPS},
    output::{self, Access, Output, Protected, Replace, Staged},
};

/// What every file of SQLite begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// What lies beside a database that was not closed.
const LEFT: [&str; 3] = ["-wal", "-shm", "-journal"];

/// What was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    pub bytes: u64,
    /// Number of the last schema step.
    pub schema: i64,
    /// Entries, whether or not a registry shows them.
    pub entries: i64,
    /// Of the namespace that has come farthest.
    pub generation: i64,
    pub change_sequence: i64,
}

/// Copies the database as it is now; others may read and write meanwhile. `begun` is told where the copy grows.
pub fn backup(
    database: &Path,
    busy_timeout: Duration,
    mut output: Output,
    begun: impl FnOnce(&Path),
) -> Result<Copied> {
    if let Some(staged) = output.staged() {
        begun(staged);
        let copied = copy(database, busy_timeout, staged)?;
        output.finish()?;
        return Ok(copied);
    }
    // A pipe or a device takes bytes in order, which SQLite does not write.
    let folder = database.parent().context("the database is in no folder")?;
    let mut staged = tempfile::Builder::new()
        .prefix(".backup-")
        .tempfile_in(folder)
        .with_context(|| folder.display().to_string())?;
    begun(staged.path());
    let copied = copy(database, busy_timeout, staged.path())?;
    let sent = io::copy(staged.as_file_mut(), &mut output);
    sent.with_context(|| format!("{} cannot be written", output.name()))?;
    output.finish()?;
    Ok(copied)
}

fn copy(database: &Path, busy_timeout: Duration, to: &Path) -> Result<Copied> {
    let path = to.to_str().context("the path is not UTF-8")?;
    identity::require_ours(database)?;
    let mut connection = Connection::open(database, Role::Copier, busy_timeout)?;
    let copied = connection.execute("VACUUM INTO ?1", &[path.into()]);
    copied.map_err(failed).map_err(|error| {
        if error.kind() == ErrorKind::Full {
            anyhow::anyhow!("there is no room left for the copy at {path}: name a place with more")
        } else {
            anyhow::Error::new(error).context(database.display().to_string())
        }
    })?;
    examine(to, "PRAGMA quick_check(1)")
}

/// What was put in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    pub copied: Copied,
    /// Files of the database that was there before, which are gone.
    pub removed: Vec<PathBuf>,
    /// Schema steps that the next start will apply.
    pub behind: usize,
}

/// Puts a backup where the database is to be. What may not be there, and what is not whole, is refused before anything is
/// changed.
pub fn restore(
    backup: &Path,
    database: &Path,
    replace: Replace,
    protected: &Protected,
) -> Result<Restored> {
    let database = output::resolved(database)?;
    refuse_original(backup, &database)?;
    ensure!(
        !identity::is_foreign(&database),
        "{} is a database of another program, which is never replaced: name another place by --database FILE",
        database.display()
    );
    protected.refuse(&database)?;
    refuse_used(&database)?;
    if let Some(folder) = database.parent() {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    let mut copy = Staged::beside(&database, replace, Access::Owner).map_err(|error| {
        let place = database.display();
        match replace == Replace::No && database.exists() {
            true => anyhow::anyhow!(
                "there is a database at {place} already: restore into an empty place (--database FILE), or replace it \
                 with --force"
            ),
            false => error,
        }
    })?;
    let mut file = File::open(backup).with_context(|| backup.display().to_string())?;
    io::copy(&mut file, copy.file()).with_context(|| backup.display().to_string())?;
    let told = || format!("{} is not restored", backup.display());
    refuse_text(copy.path()).with_context(told)?;
    let copied = examine(copy.path(), "PRAGMA integrity_check(1)").with_context(told)?;
    let behind = schema(copy.path()).with_context(told)?;
    settle(copy.path()).with_context(told)?;
    // It took a while to get here.
    refuse_used(&database)?;
    let removed = sweep(&database)?;
    copy.finish()?;
    Ok(Restored {
        copied,
        removed,
        behind,
    })
}

/// A database with a log beside it is not a backup: what the log holds would be lost.
fn refuse_original(backup: &Path, database: &Path) -> Result<()> {
    let found = backup
        .canonicalize()
        .with_context(|| backup.display().to_string())?;
    ensure!(
        !output::is_same_file(&found, database),
        "{} is the database itself",
        backup.display()
    );
    let log = beside(&found, "-wal");
    ensure!(
        !log.metadata().is_ok_and(|log| log.len() > 0),
        "{} belongs to {}, which is not a backup but a database in use: copy it by `cairn backup`",
        log.display(),
        backup.display()
    );
    Ok(())
}

/// Whoever has a database open in cairn's way holds a lock on it.
fn refuse_used(database: &Path) -> Result<()> {
    if let Some(user) = user(database).with_context(|| database.display().to_string())? {
        let who = user.map_or("a process".to_owned(), |id| format!("process {id}"));
        bail!(
            "{who} has {} open: stop it (cairn serve, cairn sync), then restore",
            database.display()
        );
    }
    Ok(())
}

/// Who holds one of SQLite's locks on a file, by its number where that can be told.
fn user(database: &Path) -> io::Result<Option<Option<i32>>> {
    /// Where SQLite locks: <https://www.sqlite.org/src/file/src/os.h>.
    const PENDING: u64 = 0x4000_0000;
    const LENGTH: u64 = 512;

    let file = match File::open(database) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let wanted = Flock {
        start: PENDING,
        length: LENGTH,
        pid: None,
        typ: FlockType::WriteLock,
        offset_type: FlockOffsetType::Set,
    };
    let held = fcntl_getlk(&file, &wanted)?;
    Ok(held.map(|lock| lock.pid.map(|id| id.as_raw_nonzero().get())))
}

fn refuse_text(path: &Path) -> Result<()> {
    let mut start = [0; MAGIC.len()];
    let read = File::open(path)?.read_exact(&mut start);
    ensure!(
        read.is_ok() && start == *MAGIC,
        "it is not a SQLite database: name a file that `cairn backup` made"
    );
    Ok(())
}

/// Whether the copy is whole, and what is in it.
fn examine(path: &Path, check: &str) -> Result<Copied> {
    let mut connection = Connection::open(path, Role::Copier, Duration::ZERO)?;
    let said = connection.query(check, &[]).map_err(failed)?;
    let said = said.rows.into_iter().flatten().next();
    match said {
        Some(Value::Text(said)) if said == "ok" => {}
        Some(Value::Text(said)) => bail!("it is damaged ({said}): use another backup"),
        _ => bail!("it cannot be checked: use another backup"),
    }
    let facts = "SELECT (SELECT max(number) FROM schema_version), (SELECT count(*) FROM entry), \
                 COALESCE(max(value), 0), COALESCE(max(change_seq), 0) FROM generation";
    let rows = connection.query(facts, &[]).map_err(failed);
    let rows = rows.context("it is not a database of cairn, or has no schema yet")?;
    let number = |value: &Value| match value {
        Value::Integer(number) => *number,
        _ => 0,
    };
    let numbers: Vec<i64> = rows.rows.iter().flatten().map(number).collect();
    let [schema, entries, generation, change_sequence] = numbers.as_slice() else {
        bail!("it is not a database of cairn");
    };
    Ok(Copied {
        bytes: fs::metadata(path)?.len(),
        schema: *schema,
        entries: *entries,
        generation: *generation,
        change_sequence: *change_sequence,
    })
}

/// How many steps the copy lacks. One that this binary cannot work on, or with steps of another program, is refused.
fn schema(path: &Path) -> Result<usize> {
    let mut connection = Connection::open(path, Role::Copier, Duration::ZERO)?;
    let rows = connection
        .query(migrate::APPLIED, &[])
        .map_err(failed)?
        .rows;
    let rows = rows.into_iter().map(Row::new);
    let applied: Vec<Applied> = rows.map(migrate::applied).collect::<Result<_, Error>>()?;
    migrate::standing(&applied)?;
    let later: Vec<i64> = migrate::unknown(&applied).map(|one| one.number).collect();
    let is_ours = |one: &Applied| {
        later.contains(&one.number) || STEPS.iter().any(|step| step.name == one.name)
    };
    ensure!(
        !applied.is_empty() && applied.iter().all(is_ours),
        "it is not a database of cairn: its schema has other steps"
    );
    Ok(migrate::pending(&applied).count())
}

/// Nobody who held a lease then may write now, and whoever remembers a generation has to look again.
fn settle(path: &Path) -> Result<()> {
    let mut connection = Connection::open(path, Role::Copier, Duration::ZERO)?;
    connection
        .script(
            "BEGIN; UPDATE source SET fence = fence + 1, lease_owner = '', lease_until = 0; \
             UPDATE generation SET value = value + 1; COMMIT; PRAGMA journal_mode = DELETE;",
        )
        .map_err(failed)
        .context("it is not a database of cairn")
}

/// The log of the database that was there would be taken for the new one's.
fn sweep(database: &Path) -> Result<Vec<PathBuf>> {
    let mut removed = Vec::new();
    for end in LEFT {
        let file = beside(database, end);
        match fs::remove_file(&file) {
            Ok(()) => removed.push(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| file.display().to_string()),
        }
    }
    Ok(removed)
}

fn beside(database: &Path, end: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(end);
    name.into()
}
