//! One connection with its prepared statements. It is used by one thread at a time and never waits for anything but
//! the disk and the lock of another process.

use std::{future::Future, path::Path, time::Duration};

use ::libsql::{Builder, Error as Failure, Rows, Statement, Value as Raw, params::Params};
use cairn_registry::{
    Error, Result,
    store::{Value, sqlite::Failed},
};
use futures_util::FutureExt;

use super::prepared::Prepared;

/// Statements kept prepared.
const PREPARED: usize = 64;

/// Rows in full, with the names of their columns.
#[derive(Debug, Default)]
pub struct Table {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Value>>,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Reader,
    Writer,
    /// Makes a copy, or mends one that nobody else has: the form of the journal stays as it is.
    Copier,
}

pub(super) struct Connection {
    raw: ::libsql::Connection,
    prepared: Prepared<Statement>,
}

impl Connection {
    pub(super) fn open(path: &Path, role: Role, busy_timeout: Duration) -> Result<Self> {
        let raw = now(Builder::new_local(path).build())
            .and_then(|database| database.connect())
            .map_err(failed)?;
        raw.busy_timeout(busy_timeout).map_err(failed)?;
        let mut connection = Self {
            raw,
            prepared: Prepared::new(PREPARED),
        };
        connection.script(settings(role)).map_err(failed)?;
        Ok(connection)
    }

    /// Runs a statement and reads all its rows.
    pub(super) fn query(&mut self, sql: &str, parameters: &[Value]) -> Result<Table, Failure> {
        self.step(sql, parameters, |rows| {
            let columns = (0..rows.column_count())
                .map(|column| rows.column_name(column).unwrap_or_default().to_owned())
                .collect::<Vec<_>>();
            let mut table = Table {
                columns,
                rows: Vec::new(),
            };
            while let Some(row) = now(rows.next())? {
                let values = (0..rows.column_count())
                    .map(|column| row.get_value(column).map(lift))
                    .collect::<Result<_, _>>()?;
                table.rows.push(values);
            }
            Ok(table)
        })
    }

    /// Runs a statement and gives the number of rows it returned or, when it returns none by nature, changed.
    pub(super) fn execute(&mut self, sql: &str, parameters: &[Value]) -> Result<u64, Failure> {
        let before = self.raw.total_changes();
        let (returns, count) = self.step(sql, parameters, |rows| {
            let mut count = 0;
            while now(rows.next())?.is_some() {
                count += 1;
            }
            Ok((rows.column_count() > 0, count))
        })?;
        if returns {
            return Ok(count);
        }
        // `changes` keeps its value over statements that change nothing by nature, such as DDL.
        let touched = self.raw.total_changes() != before;
        Ok(if touched { self.raw.changes() } else { 0 })
    }

    /// Runs a text of several statements without parameters.
    pub(super) fn script(&mut self, sql: &str) -> Result<(), Failure> {
        now(self.raw.execute_batch(sql)).map(drop)
    }

    pub(super) fn in_transaction(&self) -> bool {
        !self.raw.is_autocommit()
    }

    pub(super) fn last_insert_rowid(&self) -> i64 {
        self.raw.last_insert_rowid()
    }

    pub(super) fn changes(&self) -> u64 {
        self.raw.changes()
    }

    fn step<T>(
        &mut self,
        sql: &str,
        parameters: &[Value],
        read: impl FnOnce(&mut Rows) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let statement = self.prepare(sql)?;
        // A parameter left out would keep the value that an earlier caller bound.
        let wanted = statement.parameter_count();
        if wanted != parameters.len() {
            let given = parameters.len();
            return Err(Failure::Misuse(format!(
                "{given} parameters for {wanted} placeholders"
            )));
        }
        let parameters = Params::Positional(parameters.iter().map(lower).collect());
        let outcome = now(statement.query(parameters)).and_then(|mut rows| read(&mut rows));
        // A statement that is not reset keeps its read transaction open, and with it the log from being checkpointed.
        statement.reset();
        outcome
    }

    fn prepare(&mut self, sql: &str) -> Result<&Statement, Failure> {
        let at = match self.prepared.find(sql) {
            Some(at) => at,
            None => self.prepared.keep(sql, now(self.raw.prepare(sql))?),
        };
        self.prepared
            .get(at)
            .ok_or_else(|| Failure::Misuse("a statement vanished from its cache".to_owned()))
    }
}

/// Readers are many and their pages are in the operating system's cache anyway, so that each keeps little. Memory
/// mapping would count every page ever touched as resident.
fn settings(role: Role) -> &'static str {
    match role {
        Role::Reader => "PRAGMA query_only = ON; PRAGMA cache_size = -1024; PRAGMA mmap_size = 0;",
        Role::Copier => "PRAGMA cache_size = -8192; PRAGMA mmap_size = 0;",
        Role::Writer => {
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -8192; \
             PRAGMA mmap_size = 0; PRAGMA journal_size_limit = 67108864;"
        }
    }
}

/// The library's functions are `async` for its remote engines; a local one has always finished when it returns.
fn now<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    future.now_or_never().unwrap_or_else(|| {
        Err(Failure::Misuse(
            "a local call did not finish at once".to_owned(),
        ))
    })
}

fn lower(value: &Value) -> Raw {
    match value {
        Value::Null => Raw::Null,
        Value::Integer(value) => Raw::Integer(*value),
        Value::Real(value) => Raw::Real(*value),
        Value::Text(value) => Raw::Text(value.clone()),
        Value::Blob(value) => Raw::Blob(value.clone()),
    }
}

fn lift(value: Raw) -> Value {
    match value {
        Raw::Null => Value::Null,
        Raw::Integer(value) => Value::Integer(value),
        Raw::Real(value) => Value::Real(value),
        Raw::Text(value) => Value::Text(value),
        Raw::Blob(value) => Value::Blob(value),
    }
}

/// Which of the domain's errors a failure is.
pub(super) fn failed(failure: Failure) -> Error {
    let cause = failure.to_string();
    match failure {
        Failure::SqliteFailure(code, message) => Failed::by_code(code, &message).because(cause),
        Failure::ConnectionFailed(_) => Failed::Unusable.because(cause),
        _ => Error::internal(cause),
    }
}

/// Whether a reader refused a statement because it writes.
pub(super) fn refused_write(failure: &Failure) -> bool {
    const READONLY: i32 = 8;
    matches!(failure, Failure::SqliteFailure(code, _) if code & 0xff == READONLY)
}
