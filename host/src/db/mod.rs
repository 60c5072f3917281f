//! The engines behind [`cairn_registry::store::Db`]: an embedded database, and one on a server. Engine specifics end here:
//! no other room names libsql or a driver of Postgres.

mod connection;
mod libsql;
mod postgres;
mod session;
mod writer;

pub use libsql::Libsql;
pub use postgres::{Answer, Column, Postgres, Session as PostgresSession};
pub use session::{Session, Table};
