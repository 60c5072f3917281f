//! The engines behind [`cairn_registry::store::Db`]: an embedded database, and one on a server. Engine specifics end here:
//! no other room names libsql or a driver of Postgres.

mod connection;
mod libsql;
pub mod postgres;
mod prepared;
mod session;
mod store;
mod writer;

pub use libsql::Libsql;
pub use postgres::Postgres;
pub use session::{Session, Table};
pub use store::Store;
