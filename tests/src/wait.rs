//! Waiting for something to become true, instead of sleeping for a guess.

use std::{
    thread,
    time::{Duration, Instant},
};

/// Asks again and again until there is something, for at most `patience`; panics with `what` was waited for.
pub fn until<T>(what: &str, patience: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + patience;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited {patience:?} for {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
