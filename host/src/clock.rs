//! The time of day. Everything that decides by it is given it as an argument; this is where it comes from.

use std::{
    sync::LazyLock,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use cairn_registry::model::Timestamp;

/// First look at a clock that was never set.
static FIRST: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The time of day. A clock before 1970 was never set: time then counts from 1970, so that it goes on.
pub(crate) fn now() -> Timestamp {
    let first = *FIRST;
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    after_1970(since.unwrap_or_else(|_| first.elapsed()))
}

fn after_1970(since: Duration) -> Timestamp {
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
