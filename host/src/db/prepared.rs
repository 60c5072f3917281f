//! The statements that a connection keeps prepared, whichever engine's they are. When there is no room, the one that was
//! used longest ago goes.

use std::collections::HashMap;

/// Statements by their text.
pub(super) struct Prepared<S> {
    most: usize,
    kept: HashMap<Box<str>, Kept<S>>,
    /// Counts uses; the statement with the lowest number is the first to go.
    clock: u64,
}

struct Kept<S> {
    statement: S,
    used: u64,
}

impl<S> Prepared<S> {
    /// At most so many: the registry has a few dozen texts, the bound is for those a guest makes up.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            kept: HashMap::new(),
            clock: 0,
        }
    }

    pub(super) fn has(&self, sql: &str) -> bool {
        self.kept.contains_key(sql)
    }

    pub(super) fn find(&mut self, sql: &str) -> Option<&S> {
        self.clock += 1;
        let kept = self.kept.get_mut(sql)?;
        kept.used = self.clock;
        Some(&kept.statement)
    }

    pub(super) fn keep(&mut self, sql: &str, statement: S) {
        if self.kept.len() >= self.most {
            self.make_room();
        }
        self.clock += 1;
        let used = self.clock;
        self.kept.insert(sql.into(), Kept { statement, used });
    }

    fn make_room(&mut self) {
        let oldest = self.kept.iter().min_by_key(|(_, kept)| kept.used);
        if let Some(sql) = oldest.map(|(sql, _)| sql.clone()) {
            self.kept.remove(&sql);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statement_used_longest_ago_goes_first() {
        let mut prepared = Prepared::new(2);
        prepared.keep("a", 1);
        prepared.keep("b", 2);
        assert_eq!(prepared.find("a"), Some(&1));
        prepared.keep("c", 3);
        assert!(prepared.has("a") && !prepared.has("b"));
        assert_eq!(prepared.find("c"), Some(&3));
        assert_eq!(prepared.find("b"), None);
    }
}
