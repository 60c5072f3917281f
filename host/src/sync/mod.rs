//! Synchronisation: records come from the sources that the operator has named and go into the store.

mod formats;
mod sources;
