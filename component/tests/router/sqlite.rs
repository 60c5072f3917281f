//! The store's port over stock SQLite.

use std::{fs, path::Path, sync::Mutex};

use cairn_registry::{
    Error, Result,
    store::{Db, Engine, Expect, Row, Statement, Value, sqlite::Failed},
};
use rusqlite::{Connection, ErrorCode, types::Value as Stored};

/// One connection to a file.
pub(crate) struct Sqlite(Mutex<Connection>);

impl Sqlite {
    pub(crate) fn open(path: &Path) -> Self {
        Self(Mutex::new(Connection::open(path).expect("a database file")))
    }

    /// An empty database in memory: no schema.
    pub(crate) fn without_schema() -> Self {
        Self(Mutex::new(
            Connection::open_in_memory().expect("a database"),
        ))
    }

    /// Applies every migration for SQLite, in order.
    pub(crate) fn migrate(&self) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
        let mut steps: Vec<_> = fs::read_dir(folder)
            .expect("the migrations")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| is_step(path.to_str().expect("a name")))
            .collect();
        steps.sort();
        assert!(!steps.is_empty());
        for step in steps {
            let sql = fs::read_to_string(&step).expect("a migration");
            self.lock()
                .execute_batch(&sql)
                .expect("a migration that runs");
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Connection> {
        self.0.lock().expect("no test panics while it holds this")
    }

    pub(crate) fn read(&self, sql: &str, parameters: Vec<Value>) -> rusqlite::Result<Vec<Row>> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(sql)?;
        let columns = statement.column_count();
        let row = |row: &rusqlite::Row<'_>| (0..columns).map(|at| row.get(at).map(lift)).collect();
        let rows = statement.query_map(
            rusqlite::params_from_iter(parameters.into_iter().map(lower)),
            row,
        )?;
        rows.map(|row| row.map(Row::new)).collect()
    }
}

fn is_step(path: &str) -> bool {
    path.ends_with(".sql") && !path.ends_with(".down.sql") && !path.ends_with(".postgres.sql")
}

impl Db for Sqlite {
    fn engine(&self) -> Engine {
        Engine::Sqlite
    }

    async fn query(&self, sql: &str, parameters: Vec<Value>) -> Result<Vec<Row>> {
        self.read(sql, parameters).map_err(failure)
    }

    async fn batch(&self, statements: Vec<Statement>) -> Result<()> {
        let mut connection = self.lock();
        let transaction = connection.transaction().map_err(failure)?;
        for statement in statements {
            let rows = run(&transaction, &statement).map_err(failure)?;
            if statement.expect != Expect::Any && statement.expect != Expect::Exactly(rows as u64) {
                return Err(Error::stale("another number of rows"));
            }
        }
        transaction.commit().map_err(failure)
    }
}

/// The rows that a statement returned or, when it returns none by nature, changed.
fn run(connection: &Connection, statement: &Statement) -> rusqlite::Result<usize> {
    let parameters = statement.parameters.iter().cloned().map(lower);
    let parameters = rusqlite::params_from_iter(parameters);
    let mut prepared = connection.prepare_cached(&statement.sql)?;
    if prepared.column_count() == 0 {
        return prepared.execute(parameters);
    }
    let rows = prepared.query_map(parameters, |_| Ok(()))?;
    rows.collect::<rusqlite::Result<Vec<()>>>()
        .map(|rows| rows.len())
}

fn failure(error: rusqlite::Error) -> Error {
    if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) {
        return Error::stale(error.to_string());
    }
    let message = error.to_string();
    Failed::by_message(&message).because(message)
}

fn lower(value: Value) -> Stored {
    match value {
        Value::Null => Stored::Null,
        Value::Integer(value) => Stored::Integer(value),
        Value::Real(value) => Stored::Real(value),
        Value::Text(value) => Stored::Text(value),
        Value::Blob(value) => Stored::Blob(value),
    }
}

fn lift(value: Stored) -> Value {
    match value {
        Stored::Null => Value::Null,
        Stored::Integer(value) => Value::Integer(value),
        Stored::Real(value) => Value::Real(value),
        Stored::Text(value) => Value::Text(value),
        Stored::Blob(value) => Value::Blob(value),
    }
}
