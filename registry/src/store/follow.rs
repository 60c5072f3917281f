//! How the hits of the text index are followed in the order of the list, for terms that it finds in the order of ids. It
//! makes SQL and runs none.

use super::{
    dialect,
    page::{REGISTRY, VIEW},
    plan::{AFTER, LIMIT, Plan},
};
use crate::model::place::SERIAL_MASK;

/// Above this many rows in one place its hits are taken from the text index; up to it, to sort them all costs less than
/// to begin there a second time.
const CROWD: usize = 1000;

/// Above this many hits in one place the list is walked: to look at them costs about as much.
const TIED: usize = 4000;

/// A registry with less than this part of all entries is walked: most hits would not be in it.
const PART: usize = 20;

/// No id is as high.
const NOWHERE: i64 = i64::MAX;

impl Plan {
    /// Follows the hits of the text index, which come in the order of ids, from the place of the first row behind the
    /// position until the page is full. Places stand in list order, so only rows in the place of the last hit may still
    /// belong in front of it. In a registry with a small part of all entries the span is empty, and the list is walked.
    pub(super) fn follow_text(&self, trigrams: usize) -> String {
        let small = format!(
            "COALESCE((SELECT r.records * {PART} < g.entry_id FROM registry r CROSS JOIN generation g \
             WHERE {REGISTRY} AND g.namespace = ?1), 1)"
        );
        let (first, last) = (self.end(&small, ""), self.end(&small, " DESC"));
        let near = self.hits(
            trigrams,
            "",
            ">= (SELECT low FROM span)",
            "(SELECT high FROM span)",
        );
        let index = dialect::index(self.engine, "view_entry");
        let place = format!(
            "SELECT low, low | {SERIAL_MASK} AS high, EXISTS (SELECT 1 FROM view v{index} WHERE v.entry_id > low \
             AND v.entry_id <= low | {SERIAL_MASK} LIMIT 1 OFFSET {CROWD}) AS crowded \
             FROM (SELECT COALESCE(max(at), {NOWHERE}) AS low FROM near) last"
        );
        let walk_if = format!("((SELECT count(*) FROM hit) >= {TIED} OR {small})");
        let (before, behind) = dialect::only_if(self.engine, &format!("NOT {walk_if}"));
        let few = format!("SELECT v.id FROM {before}hit v WHERE true{behind} {LIMIT}");
        let many = self.walk(&dialect::only_if(self.engine, &walk_if));
        let with = format!(
            "WITH span AS MATERIALIZED (SELECT COALESCE(low & ~{SERIAL_MASK}, {NOWHERE}) AS low, high | {SERIAL_MASK} AS high \
             FROM (SELECT {first} AS low, {last} AS high) ends), \
             near AS MATERIALIZED ({near} LIMIT CAST(?6 AS BIGINT)), \
             place AS MATERIALIZED ({place}), \
             hit AS MATERIALIZED (SELECT * FROM near UNION ALL SELECT * FROM ({}) beside UNION ALL SELECT * FROM ({}) tied), ",
            self.beside(),
            self.tied(trigrams),
        );
        self.few_or_many(&with, &few, &many)
    }

    /// In a place of few: its rows are sorted first, by an index alone, and looked at until they would fill a page.
    fn beside(&self) -> String {
        let index = dialect::index(self.engine, "view_entry");
        let Self { row, state, .. } = self;
        let text = self.contains("t.search");
        format!(
            "SELECT v.at, v.id, v.name, v.version FROM (SELECT v.entry_id AS at, v.{row} AS id, v.name, v.version \
             FROM place CROSS JOIN view v{index} WHERE NOT place.crowded AND v.entry_id > place.low AND v.entry_id <= place.high \
             AND {VIEW} AND {AFTER}{state} ORDER BY v.name, v.version LIMIT {CROWD}) v CROSS JOIN entry t \
             WHERE t.id = v.at{text} LIMIT CAST(?6 AS BIGINT)"
        )
    }

    /// In a place of many: the hits alone, all of them.
    fn tied(&self, trigrams: usize) -> String {
        let (before, _) = dialect::only_if(self.engine, "(SELECT crowded FROM place)");
        let hits = self.hits(
            trigrams,
            &before,
            "> (SELECT low FROM place)",
            "(SELECT high FROM place)",
        );
        format!("{hits} LIMIT {TIED}")
    }

    /// The entry of the first row behind the position, or of the last one; none in a small registry.
    fn end(&self, small: &str, order: &str) -> String {
        let index = dialect::index(self.engine, "view_key");
        format!(
            "CASE WHEN NOT {small} THEN (SELECT v.entry_id FROM view v{index} WHERE {VIEW} AND {AFTER} \
             ORDER BY v.name{order}, v.version{order} LIMIT 1) END"
        )
    }

    /// Rows with the term in the order of ids, from and to an id; `gate` goes before the tables.
    fn hits(&self, trigrams: usize, gate: &str, from: &str, to: &str) -> String {
        let index = dialect::index(self.engine, "view_entry");
        let Self { row, state, .. } = self;
        let text = self.contains("t.search");
        format!(
            "SELECT s.rowid AS at, v.{row} AS id, v.name, v.version FROM {gate}search s CROSS JOIN view v{index} CROSS JOIN entry t \
             WHERE s.search MATCH ?{trigrams} AND s.rowid {from} AND s.rowid <= {to} \
             AND v.entry_id = s.rowid AND {VIEW} AND {AFTER}{state} AND t.id = s.rowid{text} ORDER BY s.rowid"
        )
    }
}
