//! The time of day. Everything that decides by it is given it as an argument; this is where it comes from.

use std::time::{SystemTime, UNIX_EPOCH};

use cairn_registry::model::Timestamp;

/// A clock before 1970 is one that was never set.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
