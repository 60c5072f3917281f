//! The domain of cairn, in reading order:
//!
//! * [`error`]: the one error, without transport.
//! * [`model`]: values and rules, synchronous.
//! * [`kinds`]: what differs from one kind of asset to the next, a file each.
//! * [`store`]: the port that engines stand behind, and the SQL, a file per noun.
//! * [`ops`]: use cases, the only door for surfaces and for the sync daemon.
//!
//! Nothing here owns a driver, a socket, a clock or the environment: time comes in with [`ops::Cx`], rows through
//! [`store::Db`].

pub mod error;
pub mod kinds;
pub mod model;
pub mod ops;
pub mod store;

pub use error::{Error, Kind as ErrorKind, Result};
