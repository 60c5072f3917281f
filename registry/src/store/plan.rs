//! How a page of a list is found: which index is walked or narrows, so that no list costs more for being long. It makes
//! SQL and runs none.

use std::fmt::Write as _;

use super::{
    Engine, Value, dialect,
    page::{Criteria, ELEMENT, REGISTRY, VIEW, Versions},
};
use crate::model::place::SERIAL_MASK;

/// Above this many hits a narrowing index costs more than walking the list until the page is full.
const NARROW: usize = 1000;

/// Above this many hits in one place the list is walked: to look at them costs about as much.
const TIED: usize = 4000;

/// A registry with less than this part of all entries is walked: most hits would not be in it.
const PART: usize = 20;

/// `?4` and `?5` are the position behind which the page begins.
const AFTER: &str = "(v.name, v.version) > (?4, ?5)";

/// SQLite compiles a statement anew for every value of a bare parameter here, to plan by it; not for an expression.
const LIMIT: &str = "ORDER BY v.name, v.version LIMIT CAST(?6 AS BIGINT)";

/// The query for the elements of a page. `parameters` holds those of the view and gets the others.
pub(super) fn list(engine: Engine, criteria: &Criteria<'_>, parameters: &mut Vec<Value>) -> String {
    let (name, version) = criteria
        .after
        .map_or(("", ""), |at| (&at.name, &at.version));
    parameters.extend([
        name.into(),
        version.into(),
        i64::from(criteria.limit).into(),
    ]);
    let plan = Plan::new(engine, criteria, parameters);
    match (criteria.search, criteria.updated_since) {
        (None, None) => plan.walk_elements(),
        (Some(term), None) if is_ordered(engine, criteria, term) => {
            parameters.push(dialect::all_trigrams(term).into());
            plan.follow_text(parameters.len())
        }
        (Some(term), _) => match dialect::candidates(engine, term, NARROW + 1, parameters) {
            Some(candidates) => plan.narrow_by_text(&candidates),
            None => plan.walk_rows(),
        },
        (None, Some(_)) => plan.narrow_by_change(),
    }
}

/// Versions that are asked for exactly are few among the hits.
fn is_ordered(engine: Engine, criteria: &Criteria<'_>, term: &str) -> bool {
    !matches!(criteria.versions, Versions::Exact(_)) && dialect::is_ordered(engine, term)
}

/// No id is as high.
const NOWHERE: i64 = i64::MAX;

/// Conditions of a page beyond view and position, as text, and the index whose order the list walks.
struct Plan {
    engine: Engine,
    /// What leads to a row without an index.
    row: &'static str,
    walked: String,
    /// Status, version, time of change.
    state: String,
    /// The time of change alone.
    since: String,
    /// The number of the parameter that is the term.
    term: Option<usize>,
}

impl Plan {
    fn new(engine: Engine, criteria: &Criteria<'_>, parameters: &mut Vec<Value>) -> Self {
        let mut state = String::new();
        if !criteria.include_deleted {
            state.push_str(" AND v.status <> 'deleted'");
        }
        match criteria.versions {
            Versions::All => {}
            Versions::Latest => state.push_str(" AND v.latest = 1"),
            Versions::Exact(version) => {
                parameters.push(version.into());
                let _ = write!(state, " AND v.version = ?{}", parameters.len());
            }
        }
        let since = criteria.updated_since.map_or(String::new(), |time| {
            parameters.push(time.as_micros().into());
            format!(" AND v.changed_at > ?{}", parameters.len())
        });
        state.push_str(&since);
        let term = criteria.search.map(|term| {
            parameters.push(term.into());
            parameters.len()
        });
        Self {
            engine,
            row: dialect::row(engine),
            walked: dialect::index(engine, walked(criteria)),
            state,
            since,
            term,
        }
    }

    /// The plain list: walks the index and takes the elements at once.
    fn walk_elements(&self) -> String {
        let Self { walked, state, .. } = self;
        format!(
            "SELECT {ELEMENT} FROM view v{walked} CROSS JOIN entry e \
             WHERE {VIEW} AND {AFTER}{state} AND e.id = v.entry_id {LIMIT}"
        )
    }

    /// Walks the list for rows; elements are taken for the page only.
    fn walk_rows(&self) -> String {
        let page = self.walk("");
        self.elements_of(&format!("WITH page AS MATERIALIZED ({page})"))
    }

    fn walk(&self, only_if: &str) -> String {
        let Self {
            row, walked, state, ..
        } = self;
        let text = self.contains("v.search");
        format!(
            "SELECT v.{row} AS id FROM {only_if}view v{walked} WHERE {VIEW} AND {AFTER}{state}{text} {LIMIT}"
        )
    }

    /// What the text index offers still has to be looked at: it knows parts of three characters, not whole terms.
    fn narrow_by_text(&self, candidates: &str) -> String {
        let index = dialect::index(self.engine, "view_entry");
        let Self { row, state, .. } = self;
        let text = self.contains("t.search");
        let hit = format!("hit AS MATERIALIZED ({candidates})");
        self.narrow(&hit, &format!("> {NARROW}"), |few| {
            format!(
                "SELECT DISTINCT v.{row} AS id, v.name, v.version FROM {few}hit h CROSS JOIN entry t CROSS JOIN view v{index} \
                 WHERE t.id = h.id{text} AND v.entry_id = t.id AND {VIEW} AND {AFTER}{state} {LIMIT}"
            )
        })
    }

    fn narrow_by_change(&self) -> String {
        let index = dialect::index(self.engine, "view_changed");
        let Self {
            row, since, state, ..
        } = self;
        let changed = format!(
            "SELECT v.{row} AS id, v.name, v.version, v.status, v.latest, v.changed_at FROM view v{index} WHERE {VIEW}{since} LIMIT {}",
            NARROW + 1
        );
        let hit = format!("hit AS MATERIALIZED ({changed})");
        self.narrow(&hit, &format!("> {NARROW}"), |few| {
            format!("SELECT v.id FROM {few}hit v WHERE {AFTER}{state} {LIMIT}")
        })
    }

    /// Follows the hits of the text index, which come in the order of ids, from the place of the first row behind the
    /// position until the page is full. Places stand in list order, so only hits in the place of the last one may still
    /// belong in front of it. In a registry with a small part of all entries the span is empty, and the list is walked.
    fn follow_text(&self, trigrams: usize) -> String {
        let small = format!(
            "COALESCE((SELECT r.records * {PART} < g.entry_id FROM registry r CROSS JOIN generation g \
             WHERE {REGISTRY} AND g.namespace = ?1), 1)"
        );
        let end = |order: &str| {
            let index = dialect::index(self.engine, "view_key");
            format!(
                "CASE WHEN NOT {small} THEN (SELECT v.entry_id FROM view v{index} WHERE {VIEW} AND {AFTER} \
                 ORDER BY v.name{order}, v.version{order} LIMIT 1) END"
            )
        };
        let (first, last) = (end(""), end(" DESC"));
        let near = self.hits(
            trigrams,
            ">= (SELECT low FROM span)",
            "(SELECT high FROM span)",
        );
        let tied = self.hits(
            trigrams,
            &format!("> (SELECT COALESCE(max(at), {NOWHERE}) FROM near)"),
            &format!("(SELECT max(at) | {SERIAL_MASK} FROM near)"),
        );
        let hit = format!(
            "span AS MATERIALIZED (SELECT COALESCE(low & ~{SERIAL_MASK}, {NOWHERE}) AS low, high | {SERIAL_MASK} AS high \
             FROM (SELECT {first} AS low, {last} AS high)), \
             near AS MATERIALIZED ({near} LIMIT CAST(?6 AS BIGINT)), \
             hit AS MATERIALIZED (SELECT * FROM near UNION ALL SELECT * FROM ({tied} LIMIT {TIED}))"
        );
        let walk_if = format!(">= {TIED} OR {small}");
        self.narrow(&hit, &walk_if, |few| {
            format!("SELECT v.id FROM {few}hit v {LIMIT}")
        })
    }

    /// Rows with the term in the order of ids, from and to an id.
    fn hits(&self, trigrams: usize, from: &str, to: &str) -> String {
        let index = dialect::index(self.engine, "view_entry");
        let Self { row, state, .. } = self;
        let text = self.contains("t.search");
        format!(
            "SELECT s.rowid AS at, v.{row} AS id, v.name, v.version FROM search s CROSS JOIN view v{index} CROSS JOIN entry t \
             WHERE s.search MATCH ?{trigrams} AND s.rowid {from} AND s.rowid <= {to} \
             AND v.entry_id = s.rowid AND {VIEW} AND {AFTER}{state} AND t.id = s.rowid{text} ORDER BY s.rowid"
        )
    }

    /// Takes the hits of a narrowing index when they are few, else walks. Both ways stand in one statement; each begins
    /// with a table of one row or none, so that only the way the count allows does any work.
    fn narrow(&self, hits: &str, walk_if: &str, few: impl FnOnce(&str) -> String) -> String {
        let only_if = |holds: &str| {
            format!(
                "(SELECT 1 FROM (SELECT count(*) AS hits FROM hit) c WHERE {holds}) g CROSS JOIN "
            )
        };
        let few = few(&only_if(&format!("NOT (hits {walk_if})")));
        let walk = self.walk(&only_if(&format!("hits {walk_if}")));
        self.elements_of(&format!(
            "WITH {hits}, page AS MATERIALIZED (\
             SELECT id FROM ({few}) few UNION ALL SELECT id FROM ({walk}) many)"
        ))
    }

    fn elements_of(&self, page: &str) -> String {
        let (row, order) = (self.row, dialect::order_of_rows(self.engine));
        format!(
            "{page} SELECT {ELEMENT} FROM page p CROSS JOIN view v CROSS JOIN entry e \
             WHERE v.{row} = p.id AND e.id = v.entry_id{order}"
        )
    }

    fn contains(&self, column: &str) -> String {
        self.term.map_or(String::new(), |term| {
            format!(" AND {}", dialect::contains(self.engine, column, term))
        })
    }
}

fn walked(criteria: &Criteria<'_>) -> &'static str {
    if criteria.search.is_some() || criteria.updated_since.is_some() {
        "view_search"
    } else if criteria.versions == Versions::Latest {
        "view_latest"
    } else if criteria.include_deleted {
        "view_key"
    } else {
        "view_live"
    }
}
