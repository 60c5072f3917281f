//! The embedded database behind [`cairn_registry::store::Db`]. Engine specifics end here: no other room names libsql.

mod connection;
mod libsql;
mod session;
mod writer;

pub use libsql::Libsql;
pub use session::{Session, Table};
