//! What a guest may call, one file per interface. An interface translates and nothing more: rules live behind it.

pub(crate) mod outbound;
pub(crate) mod output;
pub(crate) mod sqlite;
pub mod variables;

/// Bindings of the world in `wit/`.
pub(crate) mod bindings {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "imports",
        imports: {
            "spin:sqlite/sqlite.[static]connection.open": trappable,
            "spin:sqlite/sqlite.[method]connection.execute": async | trappable,
            "spin:sqlite/sqlite.[method]connection.last-insert-rowid": trappable,
            "spin:sqlite/sqlite.[method]connection.changes": trappable,
            default: trappable,
        },
        with: { "spin:sqlite/sqlite.connection": crate::db::Session },
    });
}
