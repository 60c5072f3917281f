//! SQLite behind `spin:sqlite`. Reads share one connection per instance; a batch has one of its own, so that no other
//! request gets into its transaction. The list form of `execute` is used: it does not suspend, which is cheaper than
//! streams for the few rows a statement gives, and leaves no moment at which a request could be dropped half way.

use std::sync::{Mutex, MutexGuard, PoisonError};

use cairn_registry::{
    Error, Result,
    store::{Db, Engine, Row, Statement, Value, sqlite::Failed},
};
use spin_sdk::sqlite::wit::sqlite::{Connection, Error as Failure, RowResult, Value as SpinValue};

/// The name under which the database is granted to the component.
const DATABASE: &str = "default";

/// The database granted to this component.
#[derive(Debug, Default)]
pub(crate) struct Sqlite {
    /// For reads; opened with the first one, dropped when the host no longer knows it.
    reader: Mutex<Option<Connection>>,
}

impl Db for Sqlite {
    fn engine(&self) -> Engine {
        Engine::Sqlite
    }

    async fn query(&self, sql: &str, parameters: Vec<Value>) -> Result<Vec<Row>> {
        let mut reader = self.reader();
        let connection = match reader.take() {
            Some(connection) => connection,
            None => open()?,
        };
        match execute(&connection, sql, parameters) {
            Ok(rows) => {
                *reader = Some(connection);
                Ok(rows.into_iter().map(lift_row).collect())
            }
            Err(failure) => {
                if !matches!(failure, Failure::InvalidConnection) {
                    *reader = Some(connection);
                }
                Err(lift_failure(failure))
            }
        }
    }

    async fn batch(&self, statements: Vec<Statement>) -> Result<()> {
        let writer = open()?;
        let run = |sql: &str| execute(&writer, sql, Vec::new()).map_err(lift_failure);
        run("BEGIN IMMEDIATE")?;
        let done = statements
            .into_iter()
            .try_for_each(|statement| write(&writer, statement));
        match done.and_then(|()| run("COMMIT").map(drop)) {
            Ok(()) => Ok(()),
            Err(error) => {
                // Undone with the connection anyway; asking frees the lock at once.
                let _ = run("ROLLBACK");
                Err(error)
            }
        }
    }
}

impl Sqlite {
    /// Nothing panics while this is held, so a poisoned lock cannot be; if it were, the connection would still be good.
    fn reader(&self) -> MutexGuard<'_, Option<Connection>> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open() -> Result<Connection> {
    Connection::open(DATABASE).map_err(lift_failure)
}

fn execute(
    connection: &Connection,
    sql: &str,
    parameters: Vec<Value>,
) -> Result<Vec<RowResult>, Failure> {
    let parameters: Vec<_> = parameters.into_iter().map(lower).collect();
    Ok(connection.execute(sql, &parameters)?.rows)
}

fn write(connection: &Connection, statement: Statement) -> Result<()> {
    let Statement {
        sql,
        parameters,
        expect,
    } = statement;
    let parameters: Vec<_> = parameters.into_iter().map(lower).collect();
    let answer = connection.execute(&sql, &parameters);
    let answer = answer.map_err(lift_failure)?;
    // A guard may read: the rows it gives count, and what an earlier statement changed does not.
    let found = match answer.columns.is_empty() {
        true => connection.changes(),
        false => answer.rows.len() as u64,
    };
    expect.check(found, &sql)
}

fn lower(value: Value) -> SpinValue {
    match value {
        Value::Null => SpinValue::Null,
        Value::Integer(value) => SpinValue::Integer(value),
        Value::Real(value) => SpinValue::Real(value),
        Value::Text(value) => SpinValue::Text(value),
        Value::Blob(value) => SpinValue::Blob(value),
    }
}

fn lift_row(row: RowResult) -> Row {
    Row::new(row.values.into_iter().map(lift).collect())
}

fn lift(value: SpinValue) -> Value {
    match value {
        SpinValue::Null => Value::Null,
        SpinValue::Integer(value) => Value::Integer(value),
        SpinValue::Real(value) => Value::Real(value),
        SpinValue::Text(value) => Value::Text(value),
        SpinValue::Blob(value) => Value::Blob(value),
    }
}

fn lift_failure(failure: Failure) -> Error {
    match failure {
        Failure::NoSuchDatabase | Failure::AccessDenied => Error::unavailable(
            "the database is not granted to the component: add sqlite_databases = [\"default\"] to its manifest",
            failure.to_string(),
        ),
        Failure::InvalidConnection => Error::unavailable(
            "the database connection was lost: try again",
            failure.to_string(),
        ),
        Failure::DatabaseFull => Error::full(failure.to_string()),
        Failure::Io(message) => Failed::by_message(&message).because(message),
    }
}
