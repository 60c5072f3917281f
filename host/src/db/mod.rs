//! The engines behind [`cairn_registry::store::Db`]: an embedded database, and one on a server. Engine specifics end here:
//! no other room names libsql or a driver of Postgres.

mod backup;
mod connection;
mod connections;
mod identity;
mod libsql;
pub mod postgres;
mod prepared;
mod session;
mod snapshot;
mod store;
mod writer;
mod writes;

pub use backup::{Copied, Restored, backup, restore};
pub use connections::Connections;
pub use libsql::Libsql;
pub use postgres::Postgres;
pub use session::{Session, Table};
pub use snapshot::Snapshot;
pub use store::Store;
pub use writes::Writes;
