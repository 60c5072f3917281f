//! Postgres behind `spin:postgres`. Reads share one connection per instance; a batch has one of its own, so that no other
//! request gets into its transaction. A host may hand on a connection that somebody left in a transaction: whoever opens
//! one rolls back first. The functions that do not hold the instance up are used, since a server may take its time.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cairn_registry::{
    Error, Result,
    store::{
        Db, Engine, Row, Statement, Value,
        postgres::{PLANNING, failure, numbered},
    },
};
use spin_sdk::pg::{
    DbValue, ParameterValue, PgError as Failure, QueryError, wit::postgres::Connection,
};

/// The server at an address that is granted to this component.
pub(crate) struct Postgres {
    /// Outside our own host there is a password in it.
    address: String,
    /// For reads; opened with the first one, dropped when something is wrong with it.
    reader: Mutex<Option<Arc<Connection>>>,
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").finish_non_exhaustive()
    }
}

impl Db for Postgres {
    fn engine(&self) -> Engine {
        Engine::Postgres
    }

    /// A connection that went bad since it was used last is no failure of the server: the statement gets a new one.
    async fn query(&self, sql: &str, parameters: Vec<Value>) -> Result<Vec<Row>> {
        let sql = numbered(sql);
        let parameters: Vec<_> = parameters.into_iter().map(lower).collect();
        let kept = self.kept().clone();
        if let Some(reader) = kept {
            match rows(&reader, sql.clone(), parameters.clone()).await {
                Err(failure) if is_lost(&failure) => *self.kept() = None,
                done => return done.map_err(lift_failure),
            }
        }
        let reader = Arc::new(self.open().await?);
        *self.kept() = Some(Arc::clone(&reader));
        rows(&reader, sql, parameters).await.map_err(lift_failure)
    }

    async fn batch(&self, statements: Vec<Statement>) -> Result<()> {
        // Dropped in the end, whatever the end is: nobody else gets into this transaction.
        let writer = self.open().await?;
        execute(&writer, "BEGIN", Vec::new()).await?;
        for statement in statements {
            let Statement {
                sql,
                parameters,
                expect,
            } = statement;
            let found = execute(&writer, &sql, parameters).await?;
            if let Err(stale) = expect.check(found, &sql) {
                let _ = execute(&writer, "ROLLBACK", Vec::new()).await;
                return Err(stale);
            }
        }
        execute(&writer, "COMMIT", Vec::new()).await.map(drop)
    }
}

impl Postgres {
    pub(crate) fn new(address: String) -> Self {
        Self {
            address,
            reader: Mutex::default(),
        }
    }

    async fn open(&self) -> Result<Connection> {
        let connection = Connection::open_async(self.address.clone())
            .await
            .map_err(lift_failure)?;
        execute(&connection, "ROLLBACK", Vec::new()).await?;
        // A server that is not Postgres may know fewer settings, and then plans by itself.
        let _ = rows(&connection, PLANNING.to_owned(), Vec::new()).await;
        Ok(connection)
    }

    /// Nothing panics while this is held, so a poisoned lock cannot be; if it were, the connection would still be good.
    fn kept(&self) -> MutexGuard<'_, Option<Arc<Connection>>> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn rows(
    connection: &Connection,
    sql: String,
    parameters: Vec<ParameterValue>,
) -> Result<Vec<Row>, Failure> {
    let (_columns, rows, end) = connection.query_async(sql, parameters).await?;
    let rows = rows.collect().await;
    end.await?;
    Ok(rows.into_iter().map(lift_row).collect())
}

async fn execute(connection: &Connection, sql: &str, parameters: Vec<Value>) -> Result<u64> {
    let parameters = parameters.into_iter().map(lower).collect();
    let touched = connection.execute_async(numbered(sql), parameters).await;
    touched.map_err(lift_failure)
}

fn lower(value: Value) -> ParameterValue {
    match value {
        Value::Null => ParameterValue::DbNull,
        Value::Integer(value) => ParameterValue::Int64(value),
        Value::Real(value) => ParameterValue::Floating64(value),
        Value::Text(value) => ParameterValue::Str(value),
        Value::Blob(value) => ParameterValue::Binary(value),
    }
}

fn lift_row(row: Vec<DbValue>) -> Row {
    Row::new(row.into_iter().map(lift).collect())
}

/// What the registry's tables cannot hold is told by its absence when the row is read.
fn lift(value: DbValue) -> Value {
    match value {
        DbValue::Boolean(value) => Value::Integer(value.into()),
        DbValue::Int8(value) => Value::Integer(value.into()),
        DbValue::Int16(value) => Value::Integer(value.into()),
        DbValue::Int32(value) => Value::Integer(value.into()),
        DbValue::Int64(value) => Value::Integer(value),
        DbValue::Floating32(value) => Value::Real(value.into()),
        DbValue::Floating64(value) => Value::Real(value),
        DbValue::Str(value) => Value::Text(value),
        DbValue::Binary(value) => Value::Blob(value),
        _ => Value::Null,
    }
}

/// Whether it says more of the connection than of the statement.
fn is_lost(failure: &Failure) -> bool {
    /// Prepared statements that the schema has left behind.
    const LEFT_BEHIND: [&str; 2] = ["0A000", "26000"];
    match failure {
        Failure::ConnectionFailed(_) | Failure::QueryFailed(QueryError::Text(_)) => true,
        Failure::QueryFailed(QueryError::DbError(error)) => {
            let code = error.code.as_str();
            LEFT_BEHIND.contains(&code) || code.starts_with("57P") || code.starts_with("08")
        }
        Failure::BadParameter(_) | Failure::ValueConversionFailed(_) | Failure::Other(_) => false,
    }
}

fn lift_failure(error: Failure) -> Error {
    match error {
        Failure::QueryFailed(QueryError::DbError(error)) => failure(&error.code, error.as_text),
        Failure::ConnectionFailed(told) => {
            Error::unavailable("the database cannot be reached", told)
        }
        Failure::QueryFailed(QueryError::Text(told)) => {
            Error::unavailable("the database connection was lost", told)
        }
        Failure::BadParameter(told) | Failure::ValueConversionFailed(told) => Error::internal(told),
        Failure::Other(told) => Error::unavailable("the database is not available", told),
    }
}
