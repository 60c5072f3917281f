//! Keys outside lists that work, each declared once with its default, its place and its documentation. Nothing else in
//! this folder names a default or the place of a key. `list_keys.rs` does the same for sources and registries.

mod database;
mod general;
mod limits;
mod operation;
mod telemetry;

use std::sync::LazyLock;

use super::{key::Key, model::Config};

/// Scalars of the configuration, in the order of the documentation.
pub(super) static CONFIG: LazyLock<Vec<Key<Config>>> = LazyLock::new(|| {
    [
        general::GENERAL,
        database::DATABASE,
        operation::OPERATION,
        limits::LIMITS,
        telemetry::TELEMETRY,
    ]
    .concat()
});
