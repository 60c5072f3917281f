//! The engine that the variable `database_url` asks for: a server, or without a value SQLite. Beside a server there may be
//! a standby, by `database_read_url`.

use cairn_registry::{
    ErrorKind, Result,
    store::{Db, Engine, Row, Statement, Value},
};

use super::{
    postgres::Postgres,
    sqlite::Sqlite,
    variables::{Unread, given},
};

/// Which engine: the address of a server, or nothing.
const VARIABLE: &str = "database_url";

/// The address of its standby, or nothing.
const STANDBY: &str = "database_read_url";

/// The database of this component.
#[derive(Debug)]
pub(crate) enum Store {
    Sqlite(Sqlite),
    Postgres(Postgres),
    /// A standby for reads. What it cannot answer the primary does; what is written goes there anyway.
    Standby {
        standby: Postgres,
        primary: Postgres,
    },
    /// An unknown one: its variables cannot be read.
    Unread(Unread),
}

impl Store {
    /// Asks the host which one it is, and which one reads may go to. A host without such a variable has SQLite only.
    pub(crate) async fn choose() -> Result<(Self, Option<Self>), Unread> {
        let Some(address) = given(VARIABLE).await? else {
            return Ok((Self::Sqlite(Sqlite::default()), None));
        };
        let reads = given(STANDBY).await?.map(|standby| Self::Standby {
            standby: Postgres::new(standby),
            primary: Postgres::new(address.clone()),
        });
        Ok((Self::Postgres(Postgres::new(address)), reads))
    }
}

impl Db for Store {
    fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(db) => db.engine(),
            Self::Unread(_) => Engine::Sqlite,
            Self::Postgres(db) | Self::Standby { primary: db, .. } => db.engine(),
        }
    }

    async fn query(&self, sql: &str, parameters: Vec<Value>) -> Result<Vec<Row>> {
        match self {
            Self::Sqlite(db) => db.query(sql, parameters).await,
            Self::Unread(unread) => Err(unread.error()),
            Self::Postgres(db) => db.query(sql, parameters).await,
            Self::Standby { standby, primary } => {
                match standby.query(sql, parameters.clone()).await {
                    Err(error) if is_for_the_primary(error.kind()) => {
                        primary.query(sql, parameters).await
                    }
                    done => done,
                }
            }
        }
    }

    async fn batch(&self, statements: Vec<Statement>) -> Result<()> {
        match self {
            Self::Sqlite(db) => db.batch(statements).await,
            Self::Unread(unread) => Err(unread.error()),
            Self::Postgres(db) | Self::Standby { primary: db, .. } => db.batch(statements).await,
        }
    }
}

/// A standby that is lost or too far behind, has no schema yet, or gave a read up because it had to go on.
fn is_for_the_primary(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Unavailable | ErrorKind::Stale)
}
