//! What a guest may call, one file per interface. An interface translates and nothing more: rules live behind it.

pub(crate) mod outbound;
pub(crate) mod output;
pub mod postgres;
mod repeats;
pub(crate) mod sqlite;
pub(crate) mod traced;
pub mod variables;

/// Bindings of the world in `wit/`.
pub(crate) mod bindings {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "imports",
        imports: {
            "spin:postgres/postgres.[method]connection-builder.build": async | trappable,
            "spin:postgres/postgres.[static]connection.open": async | trappable,
            "spin:postgres/postgres.[method]connection.query": async | trappable,
            "spin:postgres/postgres.[method]connection.execute": async | trappable,
            "spin:sqlite/sqlite.[static]connection.open": trappable,
            "spin:sqlite/sqlite.[method]connection.execute": async | trappable,
            "spin:sqlite/sqlite.[method]connection.last-insert-rowid": trappable,
            "spin:sqlite/sqlite.[method]connection.changes": trappable,
            default: trappable,
        },
        with: {
            "spin:postgres/postgres.connection": crate::db::postgres::Session,
            "spin:postgres/postgres.connection-builder": super::postgres::Builder,
            "spin:sqlite/sqlite.connection": crate::db::Session,
        },
    });
}
