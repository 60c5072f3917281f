//! Notices an upstream that repeats itself: page after page with a new cursor and nothing new on it.

use std::{
    collections::{HashSet, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
};

use crate::sync::formats::{Item, identity};

/// Pages in a row that may bring no key that is new to the pass.
const BARREN_PAGES: u32 = 10;

/// The message for a pass that ends here.
pub(super) const REPEATS: &str = "the upstream repeats itself: the last 10 pages brought no record that was new to this \
    pass, and yet each had a new cursor; report it to the operator of the upstream";

/// The keys that a pass has met.
#[derive(Default)]
pub(super) struct Progress {
    /// Digests of names and versions.
    met: HashSet<u64>,
    fresh: bool,
    barren: u32,
}

impl Progress {
    pub(super) fn note(&mut self, item: &Item) {
        if let Some(digest) = digest(item) {
            self.fresh |= self.met.insert(digest);
        }
    }

    /// Ends a page; false after too many pages in a row without a new key.
    pub(super) fn next_page(&mut self) -> bool {
        self.barren = match std::mem::take(&mut self.fresh) {
            true => 0,
            false => self.barren + 1,
        };
        self.barren < BARREN_PAGES
    }
}

/// What tells an item from others. An entry without a name is told by its content.
fn digest(item: &Item) -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    match item {
        Item::Record(record) => match identity(&record.document) {
            Some(identity) => identity.hash(&mut hasher),
            None => record.document.hash(&mut hasher),
        },
        Item::Rejected { name, reason, .. } => (name, reason).hash(&mut hasher),
        _ => return None,
    }
    Some(hasher.finish())
}
