//! Rows: the port engines stand behind, what differs between them, and a file per noun with its SQL.
//!
//! Verbs: `find` (maybe one), `get` (one, or an error), `list`, `insert`, `update`, `upsert`, `delete`, `claim`. Reads run
//! at once; writes are [`Statement`]s as data, which `ops` gathers into one batch.

mod dialect;
pub(crate) mod entry;
pub(crate) mod fenced;
pub(crate) mod finding;
mod follow;
pub(crate) mod generation;
pub(crate) mod import;
pub(crate) mod listing;
pub(crate) mod page;
mod plan;
mod port;
pub mod postgres;
pub(crate) mod registry;
pub(crate) mod seen;
pub(crate) mod source;
pub mod sqlite;
mod text;
pub(crate) mod view;
pub(crate) mod walk;

pub use listing::head;
pub use port::{Db, Engine, Expect, Row, Statement, Value};

/// What is said of a database without the schema, on every engine.
pub const NO_SCHEMA: &str = "the database has no schema, or an older one: run `cairn migrate up`";

/// What is said of a SQLite file that another process writes to for longer than one waits.
pub const BUSY: &str = "the database is busy: try again";

/// `?first, ?first+1, …` for a list of `count` parameters.
fn placeholders(first: usize, count: usize) -> String {
    let list: Vec<String> = (first..first + count)
        .map(|index| format!("?{index}"))
        .collect();
    list.join(", ")
}

/// Most names in one `IN` list: far below the 32,766 parameters of SQLite 3.40 and few enough to plan quickly.
pub(crate) const MOST_NAMES: usize = 500;
