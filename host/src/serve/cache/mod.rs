//! Answers kept in front of the component. A kept answer is as good as a new one: it is dropped as soon as the
//! database's generation moves, and kept only where the answer's own headers allow it. Where that is wanted, one that is
//! no longer fresh stands in, and says so, when no new one is to be had (`stale-if-error`, RFC 5861 section 4).

mod flight;
mod policy;

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use http::HeaderValue;

use super::answer::Answer;
pub(crate) use flight::{Flight, Flights, Turn};
pub(crate) use policy::{Key, Wish, may_keep, wish};

/// What the cache did for a request, for its header, the log and the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Not a read.
    None,
    Hit,
    /// A kept answer that is no longer fresh, for want of a new one.
    Stale,
    Miss,
    Bypass,
}

impl Outcome {
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Hit => Some("hit"),
            Self::Stale => Some("stale"),
            Self::Miss => Some("miss"),
            Self::Bypass => Some("bypass"),
        }
    }
}

/// What is known about a key.
pub(crate) enum Found {
    Kept(Kept),
    /// The last answer was not to be kept; there is no point in waiting for another's.
    NotKept,
    Nothing,
}

/// A kept answer.
pub(crate) struct Kept {
    pub(crate) answer: Arc<Answer>,
    pub(crate) age: Duration,
    pub(crate) stale: bool,
}

/// How long a stale answer is given without asking for a new one again.
const RETRY: Duration = Duration::from_secs(1);

/// Answers by key, in a bounded number of bytes.
pub(crate) struct Cache {
    /// Bytes.
    capacity: usize,
    /// How long an answer may stand in after it was fresh.
    stale_if_error: Duration,
    hasher: RandomState,
    slots: RwLock<HashMap<u64, Slot>>,
    /// The generation that all slots belong to.
    generation: AtomicU64,
    /// Counts lookups; the slot with the lowest number goes first.
    clock: AtomicU64,
}

struct Slot {
    target: Box<str>,
    accept: Option<HeaderValue>,
    origin: Option<HeaderValue>,
    answer: Option<Arc<Answer>>,
    since: Instant,
    /// Without an end, as long as the generation.
    fresh: Option<Duration>,
    /// Until this age it is given although it is no longer fresh.
    stands_in: Duration,
    used: AtomicU64,
}

impl Slot {
    fn is_for(&self, key: &Key<'_>) -> bool {
        *self.target == *key.target
            && self.accept.as_ref() == key.accept
            && self.origin.as_ref() == key.origin
    }

    fn is_fresh(&self, age: Duration) -> bool {
        self.fresh.is_none_or(|fresh| age < fresh)
    }

    /// Whether it may stand in for an answer that is not to be had.
    fn may_stand_in(&self, age: Duration, beyond: Duration) -> bool {
        let fresh = self.fresh.unwrap_or(Duration::MAX);
        self.answer.is_some() && age < fresh.saturating_add(beyond)
    }

    fn size(&self) -> usize {
        self.target.len()
            + size_of::<Self>()
            + self.answer.as_ref().map_or(0, |answer| answer.size())
    }
}

impl Cache {
    pub(crate) fn new(capacity: usize, stale_if_error: Duration) -> Self {
        Self {
            capacity,
            stale_if_error,
            hasher: RandomState::new(),
            slots: RwLock::default(),
            generation: AtomicU64::new(0),
            clock: AtomicU64::new(0),
        }
    }

    /// Largest body worth keeping: one answer must not push all others out.
    pub(crate) fn largest(&self) -> usize {
        self.capacity / 8
    }

    pub(crate) fn hash(&self, key: &Key<'_>) -> u64 {
        self.hasher.hash_one(key)
    }

    pub(crate) fn find(&self, key: &Key<'_>, hash: u64, generation: u64) -> Found {
        if self.generation.load(Ordering::Acquire) != generation {
            self.move_to(generation);
            return Found::Nothing;
        }
        let slots = self.read();
        let Some(slot) = slots.get(&hash).filter(|slot| slot.is_for(key)) else {
            return Found::Nothing;
        };
        let age = slot.since.elapsed();
        let stale = !slot.is_fresh(age);
        if stale && age >= slot.stands_in {
            return Found::Nothing;
        }
        slot.used.store(
            self.clock.fetch_add(1, Ordering::Relaxed),
            Ordering::Relaxed,
        );
        match &slot.answer {
            Some(answer) => Found::Kept(Kept {
                answer: Arc::clone(answer),
                age,
                stale,
            }),
            None => Found::NotKept,
        }
    }

    /// What stands in for an answer that is not to be had, for others who ask soon as well.
    pub(crate) fn fall_back(&self, key: &Key<'_>, hash: u64, generation: u64) -> Option<Kept> {
        let mut slots = self.write();
        let is_current = self.generation.load(Ordering::Acquire) == generation;
        let slot = slots
            .get_mut(&hash)
            .filter(|slot| is_current && slot.is_for(key))?;
        let age = slot.since.elapsed();
        if !slot.may_stand_in(age, self.stale_if_error) {
            return None;
        }
        slot.stands_in = age.saturating_add(RETRY);
        Some(Kept {
            answer: Arc::clone(slot.answer.as_ref()?),
            age,
            stale: !slot.is_fresh(age),
        })
    }

    /// Keeps an answer, or that there is none to keep. `generation` is the one before the answer was asked for: what
    /// was read while the database moved on may be old, and is dropped with its generation. A failure leaves what may
    /// stand in for it.
    pub(crate) fn keep(
        &self,
        key: &Key<'_>,
        hash: u64,
        generation: u64,
        answer: Option<Arc<Answer>>,
        fresh: Option<Duration>,
    ) {
        let slot = Slot {
            target: key.target.into(),
            accept: key.accept.cloned(),
            origin: key.origin.cloned(),
            answer,
            since: Instant::now(),
            fresh,
            stands_in: Duration::ZERO,
            used: AtomicU64::new(self.clock.fetch_add(1, Ordering::Relaxed)),
        };
        let mut slots = self.write();
        let stands_in = |old: &Slot| {
            old.is_for(key) && old.may_stand_in(old.since.elapsed(), self.stale_if_error)
        };
        if slot.answer.is_none() && slots.get(&hash).is_some_and(stands_in) {
            return;
        }
        if self.generation.load(Ordering::Acquire) == generation {
            slots.insert(hash, slot);
            trim(&mut slots, self.capacity);
        }
    }

    /// Makes room after answers grew by a coding.
    pub(crate) fn trim(&self) {
        trim(&mut self.write(), self.capacity);
    }

    /// Bytes and answers.
    pub(crate) fn figures(&self) -> (usize, usize) {
        let slots = self.read();
        let answers = slots.values().filter(|slot| slot.answer.is_some()).count();
        (slots.values().map(Slot::size).sum(), answers)
    }

    fn move_to(&self, generation: u64) {
        let mut slots = self.write();
        self.generation.store(generation, Ordering::Release);
        slots.clear();
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<u64, Slot>> {
        self.slots.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<u64, Slot>> {
        self.slots.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops what was used longest ago until an eighth of the room is free, so that this walk is rare.
fn trim(slots: &mut HashMap<u64, Slot>, capacity: usize) {
    let mut size: usize = slots.values().map(Slot::size).sum();
    if size <= capacity {
        return;
    }
    let mut by_use: Vec<_> = slots
        .iter()
        .map(|(hash, slot)| (slot.used.load(Ordering::Relaxed), *hash, slot.size()))
        .collect();
    by_use.sort_unstable();
    for (_, hash, bytes) in by_use {
        if size <= capacity - capacity / 8 {
            break;
        }
        slots.remove(&hash);
        size -= bytes;
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Response;

    use super::*;
    use crate::serve::coding::Effort;

    fn answer(size: usize) -> Arc<Answer> {
        let (parts, ()) = Response::new(()).into_parts();
        Arc::new(Answer::new(
            parts,
            Bytes::from(vec![b'x'; size]),
            Effort::Thorough,
        ))
    }

    fn key(target: &str) -> Key<'_> {
        Key {
            target,
            accept: None,
            origin: None,
        }
    }

    struct Known(Cache);

    impl Known {
        fn keep(&self, target: &str, generation: u64, size: usize, fresh: Option<Duration>) {
            let key = key(target);
            self.0.keep(
                &key,
                self.0.hash(&key),
                generation,
                Some(answer(size)),
                fresh,
            );
        }

        fn has(&self, target: &str, generation: u64) -> bool {
            let key = key(target);
            matches!(
                self.0.find(&key, self.0.hash(&key), generation),
                Found::Kept(..)
            )
        }
    }

    #[test]
    fn an_answer_lives_as_long_as_its_generation_and_its_freshness() {
        let cache = Known(Cache::new(1 << 20, Duration::ZERO));
        cache.keep("/a", 0, 10, None);
        cache.keep("/b", 0, 10, Some(Duration::ZERO));
        assert!(cache.has("/a", 0));
        assert!(!cache.has("/b", 0), "no longer fresh");
        assert!(!cache.has("/a?", 0), "another target");
        cache.keep("/c", 7, 10, None);
        assert!(
            !cache.has("/c", 0),
            "of a generation that is not the current one"
        );
        assert!(!cache.has("/a", 1), "the database has moved on");
        assert!(!cache.has("/a", 0), "and does not come back");
    }

    #[test]
    fn an_answer_that_is_no_longer_fresh_stands_in_where_that_is_wanted() {
        let minute = Duration::from_secs(60);
        for (wanted, generation, expected) in [
            (minute, 0, Some(true)),
            (minute, 1, None),
            (Duration::ZERO, 0, None),
        ] {
            let cache = Known(Cache::new(1 << 20, wanted));
            cache.keep("/a", 0, 10, Some(Duration::ZERO));
            let (key, nothing) = (key("/a"), None);
            let hash = cache.0.hash(&key);
            cache.0.keep(&key, hash, 0, nothing, None);
            assert!(!cache.has("/a", 0), "nobody has failed to get a new one");
            let found = cache.0.fall_back(&key, hash, generation);
            assert_eq!(found.map(|kept| kept.stale), expected, "{wanted:?}");
            assert_eq!(cache.has("/a", 0), expected.is_some(), "for others too");
        }
    }

    #[test]
    fn bytes_are_bounded_and_the_least_used_goes_first() {
        let cache = Known(Cache::new(100_000, Duration::ZERO));
        for number in 0..200 {
            cache.keep(&format!("/{number}"), 0, 2000, None);
            assert!(cache.has("/0", 0), "used all the time, gone at {number}");
        }
        let (bytes, answers) = cache.0.figures();
        assert!(bytes <= 100_000, "{bytes}");
        assert!((20..=32).contains(&answers), "{answers}");
        assert!(cache.has("/199", 0) && !cache.has("/1", 0));
    }
}
