//! Engines behind the store's port, as the component sees them. Each adapter knows the interface it calls and no other.

#[cfg(target_family = "wasm")]
mod postgres;
#[cfg(target_family = "wasm")]
mod sqlite;
#[cfg(target_family = "wasm")]
mod store;
#[cfg(target_family = "wasm")]
pub(crate) mod variables;

#[cfg(target_family = "wasm")]
pub(crate) use store::Store;
