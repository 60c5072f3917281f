//! The statements that a connection keeps prepared, whichever engine's they are. When there is no room, the one that was
//! used longest ago goes.

/// Statements by their text. They are few, and texts of one length are fewer: to compare is cheaper than to hash a text of
/// some thousand characters.
pub(super) struct Prepared<S> {
    most: usize,
    kept: Vec<Kept<S>>,
    /// Counts uses; the statement with the lowest number is the first to go.
    clock: u64,
}

struct Kept<S> {
    sql: Box<str>,
    statement: S,
    used: u64,
}

impl<S> Prepared<S> {
    /// At most so many: the registry has a few dozen texts, the bound is for those a guest makes up.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            kept: Vec::new(),
            clock: 0,
        }
    }

    /// Where the statement of this text is.
    pub(super) fn find(&mut self, sql: &str) -> Option<usize> {
        let at = self.kept.iter().position(|kept| *kept.sql == *sql)?;
        self.clock += 1;
        self.kept.get_mut(at)?.used = self.clock;
        Some(at)
    }

    /// Valid until the next statement is kept.
    pub(super) fn get(&self, at: usize) -> Option<&S> {
        self.kept.get(at).map(|kept| &kept.statement)
    }

    /// Keeps a statement, and says where.
    pub(super) fn keep(&mut self, sql: &str, statement: S) -> usize {
        if self.kept.len() >= self.most {
            self.make_room();
        }
        self.clock += 1;
        self.kept.push(Kept {
            sql: sql.into(),
            statement,
            used: self.clock,
        });
        self.kept.len() - 1
    }

    fn make_room(&mut self) {
        let by_age = self.kept.iter().enumerate();
        let oldest = by_age.min_by_key(|(_, kept)| kept.used);
        if let Some((at, _)) = oldest {
            self.kept.swap_remove(at);
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
        let found = |prepared: &mut Prepared<i32>, sql| {
            let at = prepared.find(sql)?;
            prepared.get(at).copied()
        };
        assert_eq!(found(&mut prepared, "a"), Some(1));
        let at = prepared.keep("c", 3);
        assert_eq!(prepared.get(at), Some(&3));
        assert_eq!(found(&mut prepared, "b"), None);
        assert_eq!(found(&mut prepared, "a"), Some(1));
        assert_eq!(found(&mut prepared, "c"), Some(3));
    }
}
