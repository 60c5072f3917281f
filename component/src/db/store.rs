//! The engine that the variable `database_url` asks for: a server, or without a value SQLite.

use cairn_registry::{
    Result,
    store::{Db, Engine, Row, Statement, Value},
};
use spin_sdk::variables::{self, Error};

use super::{postgres::Postgres, sqlite::Sqlite};

/// Which engine: the address of a server, or nothing.
const VARIABLE: &str = "database_url";

/// The database of this component.
#[derive(Debug)]
pub(crate) enum Store {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Store {
    /// Asks the host which one it is. A host without such a variable has SQLite only.
    pub(crate) async fn choose() -> Result<Self, Error> {
        match variables::get(VARIABLE).await {
            Ok(address) if !address.is_empty() => Ok(Self::Postgres(Postgres::new(address))),
            Ok(_) | Err(Error::Undefined(_)) => Ok(Self::Sqlite(Sqlite::default())),
            Err(error) => Err(error),
        }
    }
}

impl Db for Store {
    fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(db) => db.engine(),
            Self::Postgres(db) => db.engine(),
        }
    }

    async fn query(&self, sql: &str, parameters: Vec<Value>) -> Result<Vec<Row>> {
        match self {
            Self::Sqlite(db) => db.query(sql, parameters).await,
            Self::Postgres(db) => db.query(sql, parameters).await,
        }
    }

    async fn batch(&self, statements: Vec<Statement>) -> Result<()> {
        match self {
            Self::Sqlite(db) => db.batch(statements).await,
            Self::Postgres(db) => db.batch(statements).await,
        }
    }
}
