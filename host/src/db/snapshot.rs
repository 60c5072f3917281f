//! The database as it was at one moment, for whoever reads it from end to end while others write: one transaction on one
//! connection. It never writes.

use std::sync::Mutex;

use cairn_registry::{
    Error, Result,
    store::{Db, Engine, Row, Statement, Value},
};

use super::{
    Libsql, Postgres,
    connection::{Connection, Role, failed},
    libsql::lock,
    postgres::Session,
};

/// A moment of a database.
pub struct Snapshot(Inner);

enum Inner {
    Libsql(Mutex<Connection>),
    Postgres(Session),
}

/// Whoever takes the rows away may be slow. The moment is that of the first query.
const SERVER: [&str; 3] = [
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    "SET LOCAL idle_in_transaction_session_timeout = 0",
    "SELECT 1",
];

impl Snapshot {
    pub(super) fn of_file(db: &Libsql) -> Result<Self> {
        let mut connection = db.connect(Role::Reader)?;
        // The moment is that of the first read.
        connection.script("BEGIN").map_err(failed)?;
        connection
            .query("SELECT count(*) FROM sqlite_master", &[])
            .map_err(failed)?;
        Ok(Self(Inner::Libsql(Mutex::new(connection))))
    }

    pub(super) async fn of_server(db: &Postgres) -> Result<Self> {
        let session = db.session();
        for sql in SERVER {
            session.run(sql, &[]).await?;
        }
        Ok(Self(Inner::Postgres(session)))
    }
}

impl Db for Snapshot {
    fn engine(&self) -> Engine {
        match self.0 {
            Inner::Libsql(_) => Engine::Sqlite,
            Inner::Postgres(_) => Engine::Postgres,
        }
    }

    async fn query(&self, sql: &str, parameters: Vec<Value>) -> Result<Vec<Row>> {
        let rows = match &self.0 {
            Inner::Libsql(connection) => {
                let table = lock(connection).query(sql, &parameters);
                table.map_err(failed)?.rows
            }
            Inner::Postgres(session) => session.run(sql, &parameters).await?.rows,
        };
        Ok(rows.into_iter().map(Row::new).collect())
    }

    async fn batch(&self, _: Vec<Statement>) -> Result<()> {
        Err(Error::internal("a snapshot is read only"))
    }
}
