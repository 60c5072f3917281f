//! How full the instances of a thread are. Requests that come at the same moment would each have an instance made for
//! them, because none is there yet that could tell it has room for all: sixteen where one would do.

use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

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
        let places = self.open.load(Ordering::Acquire).saturating_mul(each);
        let moved = Duration::from_micros(self.moved.load(Ordering::Acquire));
        let still = self.begun.elapsed().saturating_sub(moved);
        self.inside.load(Ordering::Acquire) < places && still < LIVELY
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
    fn there_is_room_in_an_instance_that_gets_on_and_is_not_full() {
        let crowd = Crowd::new();
        assert!(!crowd.has_room(2), "none is there");
        crowd.open();
        assert!(crowd.has_room(2));
        crowd.enter();
        crowd.enter();
        assert!(!crowd.has_room(2), "it is full");
        crowd.open();
        crowd.enter();
        assert!(crowd.has_room(2));
        crowd.close();
        assert!(!crowd.has_room(2), "the other one takes no more");
        crowd.leave();
        crowd.leave();
        assert!(crowd.has_room(2));
        std::thread::sleep(LIVELY);
        assert!(!crowd.has_room(2), "nothing has moved");
    }
}
