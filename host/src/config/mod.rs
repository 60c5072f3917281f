//! The configuration of the native host: read once at start from a YAML file, the environment and flags, checked as a
//! whole, and handed on as typed values. It opens no database and no socket, and nothing in here reads it again later.
//!
//! `keys.rs`, `list_keys.rs` and `refused.rs` declare every key once; the rest of the folder knows by heart only those that
//! its rules are about. A new setting is a field in `model.rs` and a row in a table.

mod access;
mod changed;
mod check;
mod document;
mod draft;
mod element;
mod env;
mod error;
mod files;
mod forms;
mod key;
mod keys;
mod layer;
mod list_keys;
mod load;
pub mod model;
mod networks;
mod postgres_url;
mod refused;
mod scalar;
mod server;
mod show;
mod slot;
mod source;
mod suggest;
mod telemetry;
#[cfg(test)]
mod tests;
mod tree;
mod units;
mod url;
mod words;
mod yaml;

pub use changed::changed;
pub use document::document;
pub use env::{Lookup, Process};
pub use error::{At, ConfigError, Problem};
pub use files::named_files;
pub use load::{Overrides, file, load};
pub use model::*;
pub use show::{effective, effective_json};
