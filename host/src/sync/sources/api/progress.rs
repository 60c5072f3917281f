//! Notices an upstream that repeats itself: page after page with a new cursor and nothing new on it.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::sync::formats::{Item, identity};

/// Pages in a row that may bring no key that is new to the pass.
const BARREN_PAGES: u32 = 10;

/// The message for a pass that ends here.
pub(super) const REPEATS: &str = "the upstream repeats itself: the last 10 pages brought no record that was new to this \
    pass, and yet each had a new cursor; report it to the operator of the upstream";

/// Bits of the set of keys. With a million keys in it, one new key in eight counts as met: ten pages in a row of such keys
/// alone do not happen.
const BITS: usize = 1 << 23;

/// The keys that a pass has met.
pub(super) struct Progress {
    /// A bit for each digest of name and version: memory does not grow with the upstream.
    met: Box<[u64]>,
    fresh: bool,
    barren: u32,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            met: vec![0; BITS / 64].into_boxed_slice(),
            fresh: false,
            barren: 0,
        }
    }
}

impl Progress {
    pub(super) fn note(&mut self, item: &Item) {
        if let Some(digest) = digest(item) {
            self.fresh |= self.insert(digest);
        }
    }

    /// Adds a digest. Returns true if the set lacked it, as far as a bit can show.
    fn insert(&mut self, digest: u64) -> bool {
        let bit = usize::try_from(digest % BITS as u64).unwrap_or(0);
        let Some(word) = self.met.get_mut(bit / 64) else {
            return false;
        };
        let mask = 1 << (bit % 64);
        let is_new = *word & mask == 0;
        *word |= mask;
        is_new
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

/// Returns the digest of an item's key. An entry without a name has its content for a key.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_pages_of_met_keys_end_a_pass_and_new_keys_do_not() {
        let mut progress = Progress::default();
        let mut pages = 0_u64;
        let mut page = |keys: std::ops::Range<u64>| {
            for key in keys {
                let mut hasher = DefaultHasher::new();
                key.hash(&mut hasher);
                progress.fresh |= progress.insert(hasher.finish());
            }
            pages += 1;
            progress.next_page()
        };
        for number in 0..10_000 {
            assert!(page(number * 100..number * 100 + 100), "page {number}");
        }
        for _ in 0..9 {
            assert!(page(0..100));
        }
        assert!(!page(500..600));
        assert_eq!(pages, 10_010);
    }
}
