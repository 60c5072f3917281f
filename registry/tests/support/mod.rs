//! The store port over stock SQLite (bundled rusqlite), for tests: a process that links no libsql.

use std::{fs, path::Path, sync::Mutex};

use cairn_registry::{
    Error, Result,
    store::{Db, Engine, Expect, Row, Statement, Value},
};
use rusqlite::{Connection, params_from_iter, types};

/// One connection behind a lock.
pub struct Sqlite(Mutex<Connection>);

impl Sqlite {
    /// An empty database in memory, with the schema.
    pub fn in_memory() -> Self {
        Self::migrated(Connection::open_in_memory().expect("memory"))
    }

    /// A database file as it is.
    pub fn open(path: &Path) -> Self {
        Self(Mutex::new(Connection::open(path).expect("database file")))
    }

    /// A new database file, with the schema.
    pub fn create(path: &Path) -> Self {
        Self::migrated(Connection::open(path).expect("database file"))
    }

    fn migrated(connection: Connection) -> Self {
        for sql in migrations() {
            connection.execute_batch(&sql).expect("migration");
        }
        Self(Mutex::new(connection))
    }

    /// Runs statements as they stand.
    pub fn execute_batch(&self, sql: &str) {
        self.0
            .lock()
            .expect("lock")
            .execute_batch(sql)
            .expect("statements");
    }
}

/// The migrations for SQLite, in order.
pub fn migrations() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("migrations")
        .map(|file| file.expect("file").path())
        .filter(|path| {
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            name.ends_with(".sql")
                && !name.ends_with(".down.sql")
                && !name.ends_with(".postgres.sql")
        })
        .collect();
    files.sort();
    files
        .iter()
        .map(|path| fs::read_to_string(path).expect("migration"))
        .collect()
}

impl Db for Sqlite {
    fn engine(&self) -> Engine {
        Engine::Sqlite
    }

    async fn query(&self, sql: &str, parameters: Vec<Value>) -> Result<Vec<Row>> {
        let connection = self.0.lock().expect("lock");
        let mut statement = connection.prepare_cached(sql).map_err(broken)?;
        let columns = statement.column_count();
        let mut rows = statement
            .query(params_from_iter(parameters.into_iter().map(bind)))
            .map_err(broken)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(broken)? {
            let values = (0..columns).map(|column| row.get::<_, types::Value>(column).map(value));
            found.push(Row::new(values.collect::<Result<_, _>>().map_err(broken)?));
        }
        Ok(found)
    }

    async fn batch(&self, statements: Vec<Statement>) -> Result<()> {
        let mut connection = self.0.lock().expect("lock");
        let transaction = connection.transaction().map_err(broken)?;
        for statement in statements {
            let mut prepared = transaction.prepare_cached(&statement.sql).map_err(broken)?;
            let touched = prepared
                .execute(params_from_iter(statement.parameters.into_iter().map(bind)))
                .map_err(|error| Error::internal(format!("{error}: {}", statement.sql)))?;
            if let Expect::Exactly(rows) = statement.expect
                && u64::try_from(touched).ok() != Some(rows)
            {
                return Err(Error::stale(statement.sql));
            }
        }
        transaction.commit().map_err(broken)
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err wants"
)]
fn broken(error: rusqlite::Error) -> Error {
    Error::internal(error.to_string())
}

fn bind(value: Value) -> types::Value {
    match value {
        Value::Null => types::Value::Null,
        Value::Integer(value) => types::Value::Integer(value),
        Value::Real(value) => types::Value::Real(value),
        Value::Text(value) => types::Value::Text(value),
        Value::Blob(value) => types::Value::Blob(value),
    }
}

fn value(value: types::Value) -> Value {
    match value {
        types::Value::Null => Value::Null,
        types::Value::Integer(value) => Value::Integer(value),
        types::Value::Real(value) => Value::Real(value),
        types::Value::Text(value) => Value::Text(value),
        types::Value::Blob(value) => Value::Blob(value),
    }
}
