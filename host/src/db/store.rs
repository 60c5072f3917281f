//! The one engine that the configuration asks for, whichever it is.

use std::sync::Arc;

use cairn_registry::{
    Result,
    store::{Db, Engine, Row, Statement, Value},
};

use super::{Connections, Libsql, Postgres, Snapshot, Writes, postgres};
use crate::config::model::Database;

/// The database. Its clones are the same one.
#[derive(Clone)]
pub enum Store {
    Libsql(Arc<Libsql>),
    Postgres(Arc<Postgres>),
}

impl From<Libsql> for Store {
    fn from(db: Libsql) -> Self {
        Self::Libsql(Arc::new(db))
    }
}

impl From<Postgres> for Store {
    fn from(db: Postgres) -> Self {
        Self::Postgres(Arc::new(db))
    }
}

impl Store {
    /// The file or the server that the configuration names. A server is not asked yet.
    pub fn open(database: &Database) -> Result<Self> {
        match &database.postgres {
            Some(server) => Postgres::new(server).map(Self::from),
            None => Libsql::open(database).map(Self::from),
        }
    }

    /// Moves with every commit, of this process at once and of others soon. It counts nothing: only equality means
    /// something.
    #[must_use]
    pub fn generation(&self) -> u64 {
        match self {
            Self::Libsql(db) => db.generation(),
            Self::Postgres(db) => db.generation(),
        }
    }

    /// From now on commits of other processes are noticed too. For a file they always are.
    pub fn follow(&self) {
        if let Self::Postgres(db) = self {
            db.follow();
        }
    }

    /// How the standby stands that is read from, if there is one.
    #[must_use]
    pub fn standby(&self) -> Option<postgres::Standing> {
        match self {
            Self::Libsql(_) => None,
            Self::Postgres(db) => db.standby(),
        }
    }

    /// State by the last batch that shows something of it.
    #[must_use]
    pub fn writes(&self) -> Writes {
        match self {
            Self::Libsql(db) => db.last_write.get(),
            Self::Postgres(db) => db.last_write.get(),
        }
    }

    /// Connections for reading that are open. On a server they are for writing too.
    #[must_use]
    pub fn open_readers(&self) -> usize {
        match self {
            Self::Libsql(db) => db.open_readers(),
            Self::Postgres(db) => db.open_connections(),
        }
    }

    /// Connections of this process: those to the server, or those that read the file.
    #[must_use]
    pub fn connections(&self) -> Connections {
        match self {
            Self::Libsql(db) => db.connections(),
            Self::Postgres(db) => db.connections(),
        }
    }

    /// The database as it is now, for as long as the value lives.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        match self {
            Self::Libsql(db) => Snapshot::of_file(db),
            Self::Postgres(db) => Snapshot::of_server(db).await,
        }
    }

    /// Lets what has begun finish and closes all connections.
    pub async fn close(&self) {
        match self {
            Self::Libsql(db) => db.close().await,
            Self::Postgres(db) => db.close(),
        }
    }
}

impl Db for Store {
    fn engine(&self) -> Engine {
        match self {
            Self::Libsql(db) => db.engine(),
            Self::Postgres(db) => db.engine(),
        }
    }

    async fn query(&self, sql: &str, parameters: Vec<Value>) -> Result<Vec<Row>> {
        match self {
            Self::Libsql(db) => db.query(sql, parameters).await,
            Self::Postgres(db) => db.query(sql, parameters).await,
        }
    }

    async fn batch(&self, statements: Vec<Statement>) -> Result<()> {
        let size = statements.len();
        let (outcome, last_write) = match self {
            Self::Libsql(db) => (db.batch(statements).await, &db.last_write),
            Self::Postgres(db) => (db.batch(statements).await, &db.last_write),
        };
        last_write.note(size, &outcome);
        outcome
    }
}
