//! How full the instances of a thread are. Requests that come at the same moment would each have an instance made for
//! them, because none is there yet that could tell it has room for all: sixteen where one would do.

use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

/// Instances that a thread has in any case. While one takes a request in it is not to be had for a moment; were it the
/// only one, the library would have another made for whoever waits, and with none to be made send all of them back.
const PAIR: usize = 2;

/// Instances in which nothing has moved for as long may be held up by a guest that computes: another one is made then.
const LIVELY: Duration = Duration::from_millis(5);

/// Instances of one thread, and the requests in them.
#[derive(Debug)]
pub(super) struct Crowd {
    begun: Instant,
    /// Instances that take requests.
    open: AtomicUsize,
    /// Requests that wait for their answers.
    inside: AtomicUsize,
    /// When the last request came in or was answered: microseconds since the beginning.
    moved: AtomicU64,
}

impl Crowd {
    pub(super) fn new() -> Self {
        Self {
            begun: Instant::now(),
            open: AtomicUsize::new(0),
            inside: AtomicUsize::new(0),
            moved: AtomicU64::new(0),
        }
    }

    /// Whether instances that take `each` so many requests get on, and have room for another.
    pub(super) fn has_room(&self, each: usize) -> bool {
        let open = self.open.load(Ordering::Acquire);
        let moved = Duration::from_micros(self.moved.load(Ordering::Acquire));
        let still = self.begun.elapsed().saturating_sub(moved);
        open >= PAIR
            && self.inside.load(Ordering::Acquire) < open.saturating_mul(each)
            && still < LIVELY
    }

    /// An instance takes requests.
    pub(super) fn open(&self) {
        self.open.fetch_add(1, Ordering::AcqRel);
        self.moved();
    }

    /// An instance takes no more of them.
    pub(super) fn close(&self) {
        self.open.fetch_sub(1, Ordering::AcqRel);
    }

    pub(super) fn enter(&self) {
        self.inside.fetch_add(1, Ordering::AcqRel);
        self.moved();
    }

    pub(super) fn leave(&self) {
        self.inside.fetch_sub(1, Ordering::AcqRel);
        self.moved();
    }

    fn moved(&self) {
        let now = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.moved.store(now, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_in_two_instances_that_get_on_and_are_not_full() {
        let crowd = Crowd::new();
        assert!(!crowd.has_room(1), "none is there");
        crowd.open();
        assert!(!crowd.has_room(1), "there is but one");
        crowd.open();
        assert!(crowd.has_room(1));
        crowd.enter();
        crowd.enter();
        assert!(!crowd.has_room(1), "both are full");
        crowd.open();
        assert!(crowd.has_room(1));
        crowd.close();
        assert!(!crowd.has_room(1), "the third takes no more");
        crowd.leave();
        assert!(crowd.has_room(1));
        std::thread::sleep(LIVELY);
        assert!(!crowd.has_room(1), "nothing has moved");
    }
}
