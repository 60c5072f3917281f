//! Rows: the port engines stand behind, what differs between them, and a file per noun with its SQL.

mod port;

pub use port::{Db, Engine, Expect, Row, Statement, Value};
