//! How a page of a list is found: which index is walked or narrows, so that no list costs more for being long. It makes
//! SQL and runs none.

use std::fmt::Write as _;

use super::{
    Engine, Value, dialect,
    page::{Criteria, ELEMENT, OF_VIEW, REGISTRY, VIEW, Versions, entry},
};
use crate::model::place::SERIAL_MASK;

/// Above this many hits a narrowing index costs more than walking the list until the page is full.
const NARROW: usize = 1000;

/// Above this many hits in one place the list is walked: to look at them costs about as much.
const TIED: usize = 4000;

/// A registry with less than this part of all entries is walked: most hits would not be in it.
const PART: usize = 20;

/// No id is as high.
const NOWHERE: i64 = i64::MAX;

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
            parameters.push(dialect::trigrams(term).into());
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

/// What goes before the tables of a query and behind its conditions, see [`dialect::only_if`].
type Gate = (String, String);

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
        let entry = entry(self.engine);
        format!(
            "SELECT {ELEMENT} FROM view v{walked} CROSS JOIN {entry} \
             WHERE {VIEW} AND {AFTER}{state} AND {OF_VIEW} {LIMIT}"
        )
    }

    /// Walks the list for rows; elements are taken for the page only.
    fn walk_rows(&self) -> String {
        self.elements_of(&format!(
            "WITH page AS MATERIALIZED ({})",
            self.walk(&Gate::default())
        ))
    }

    fn walk(&self, (before, behind): &Gate) -> String {
        let Self {
            row, walked, state, ..
        } = self;
        let text = self.contains("v.search");
        format!(
            "SELECT v.{row} AS id FROM {before}view v{walked} \
             WHERE {VIEW} AND {AFTER}{state}{text}{behind} {LIMIT}"
        )
    }

    /// Takes the records that the text index offers, when they are few. They still have to be looked at: the index knows
    /// parts of three characters, not whole terms.
    fn narrow_by_text(&self, candidates: &str) -> String {
        let Self {
            engine, row, state, ..
        } = self;
        let text = self.contains("t.search");
        let of_view = format!("v.entry_id = t.id AND {VIEW}");
        let entry = dialect::inner(*engine, "entry t", "", "t.id = h.id");
        let view = dialect::inner(*engine, "view v", "view_entry", &of_view);
        let count = "(SELECT count(*) FROM hit)";
        let (before, behind) = dialect::only_if(*engine, &format!("{count} <= {NARROW}"));
        let few = format!(
            "SELECT DISTINCT v.{row} AS id, v.name, v.version FROM {before}hit h CROSS JOIN {entry} CROSS JOIN {view} \
             WHERE t.id = h.id{text} AND {of_view} AND {AFTER}{state}{behind} {LIMIT}"
        );
        let many = self.walk(&dialect::only_if(*engine, &format!("{count} > {NARROW}")));
        self.few_or_many(
            &format!("WITH hit AS MATERIALIZED ({candidates}), "),
            &few,
            &many,
        )
    }

    /// Follows the hits of the text index, which come in the order of ids, from the place of the first row behind the
    /// position until the page is full. Places stand in list order, so only hits in the place of the last one may still
    /// belong in front of it. In a registry with a small part of all entries the span is empty, and the list is walked.
    fn follow_text(&self, trigrams: usize) -> String {
        let small = format!(
            "COALESCE((SELECT r.records * {PART} < g.entry_id FROM registry r CROSS JOIN generation g \
             WHERE {REGISTRY} AND g.namespace = ?1), 1)"
        );
        let (first, last) = (self.end(&small, ""), self.end(&small, " DESC"));
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
        let walk_if = format!("((SELECT count(*) FROM hit) >= {TIED} OR {small})");
        let (before, behind) = dialect::only_if(self.engine, &format!("NOT {walk_if}"));
        let few = format!("SELECT v.id FROM {before}hit v WHERE true{behind} {LIMIT}");
        let many = self.walk(&dialect::only_if(self.engine, &walk_if));
        let with = format!(
            "WITH span AS MATERIALIZED (SELECT COALESCE(low & ~{SERIAL_MASK}, {NOWHERE}) AS low, high | {SERIAL_MASK} AS high \
             FROM (SELECT {first} AS low, {last} AS high) ends), \
             near AS MATERIALIZED ({near} LIMIT CAST(?6 AS BIGINT)), \
             hit AS MATERIALIZED (SELECT * FROM near UNION ALL SELECT * FROM ({tied} LIMIT {TIED}) tied), "
        );
        self.few_or_many(&with, &few, &many)
    }

    /// The entry of the first row behind the position, or of the last one; none in a small registry.
    fn end(&self, small: &str, order: &str) -> String {
        let index = dialect::index(self.engine, "view_key");
        format!(
            "CASE WHEN NOT {small} THEN (SELECT v.entry_id FROM view v{index} WHERE {VIEW} AND {AFTER} \
             ORDER BY v.name{order}, v.version{order} LIMIT 1) END"
        )
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

    /// Takes what changed, when that is little.
    fn narrow_by_change(&self) -> String {
        let Self {
            engine,
            row,
            since,
            state,
            ..
        } = self;
        let changed = format!(
            "view v{} WHERE {VIEW}{since}",
            dialect::index(*engine, "view_changed")
        );
        let much = format!("EXISTS (SELECT 1 FROM {changed} LIMIT 1 OFFSET {NARROW})");
        let (before, behind) = dialect::only_if(*engine, &format!("NOT {much}"));
        let few = format!(
            "SELECT v.{row} AS id, v.name, v.version FROM {before}{changed} AND {AFTER}{state}{behind} {LIMIT}"
        );
        let many = self.walk(&dialect::only_if(*engine, &much));
        self.few_or_many("WITH ", &few, &many)
    }

    /// Both ways stand in one statement; the gate of each lets only one of them do any work.
    fn few_or_many(&self, with: &str, few: &str, many: &str) -> String {
        self.elements_of(&format!(
            "{with}page AS MATERIALIZED (\
             SELECT id FROM ({few}) few UNION ALL SELECT id FROM ({many}) many)"
        ))
    }

    fn elements_of(&self, page: &str) -> String {
        let (row, order) = (self.row, dialect::order_of_rows(self.engine));
        let of_page = format!("v.{row} = p.id");
        let view = dialect::inner(self.engine, "view v", "", &of_page);
        let entry = entry(self.engine);
        format!(
            "{page} SELECT {ELEMENT} FROM page p CROSS JOIN {view} CROSS JOIN {entry} \
             WHERE {of_page} AND {OF_VIEW}{order}"
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
