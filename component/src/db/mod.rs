//! Engines behind the store's port, as the component sees them. Each adapter knows the interface it calls and no other;
//! what SQLite's own words mean is decided here, once for every adapter to it.

#[cfg(target_family = "wasm")]
mod postgres;
#[cfg(target_family = "wasm")]
mod sqlite;
#[cfg(target_family = "wasm")]
mod store;

#[cfg(target_family = "wasm")]
pub(crate) use store::Store;

use cairn_registry::Error;

/// What SQLite's message means. The interface passes it on as text, the same in every host.
#[must_use]
pub fn sqlite_failure(message: &str) -> Error {
    let says = |words: &str| message.contains(words);
    if says("no such table") || says("no such column") || says("no such index") {
        Error::unavailable(
            "the database has no schema, or an older one: run `cairn migrate up`",
            message,
        )
    } else if says("constraint failed") {
        Error::stale("the stored state has changed").because(message)
    } else if says("locked") || says("busy") {
        Error::unavailable("the database is busy: try again", message)
    } else if says("is full") {
        Error::full(message)
    } else if says("unable to open")
        || says("I/O error")
        || says("not a database")
        || says("malformed")
    {
        Error::unavailable("the database cannot be read: see `cairn doctor`", message)
    } else {
        Error::internal(message)
    }
}

#[cfg(test)]
mod tests {
    use cairn_registry::ErrorKind;

    use super::sqlite_failure;

    #[test]
    fn what_an_operator_can_mend_is_no_internal_error() {
        let check = |message, kind| assert_eq!(sqlite_failure(message).kind(), kind, "{message}");
        check("no such table: view", ErrorKind::Unavailable);
        check("no such column: v.meta", ErrorKind::Unavailable);
        check("no such index: view_live", ErrorKind::Unavailable);
        check("database is locked", ErrorKind::Unavailable);
        check("unable to open database file", ErrorKind::Unavailable);
        check("disk I/O error", ErrorKind::Unavailable);
        check("file is not a database", ErrorKind::Unavailable);
        check("database disk image is malformed", ErrorKind::Unavailable);
        check("database or disk is full", ErrorKind::Full);
        check("near \"SELEC\": syntax error", ErrorKind::Internal);
        check("UNIQUE constraint failed: view.name", ErrorKind::Stale);
        check("NOT NULL constraint failed: view.name", ErrorKind::Stale);
    }

    #[test]
    fn a_missing_schema_names_its_remedy() {
        let error = sqlite_failure("no such table: view");
        assert!(error.message().contains("cairn migrate up"));
        assert!(!error.message().contains("view"));
    }
}
