//! How a page of a list is found: which index is walked or narrows, so that no list costs more for being long. It makes
//! SQL and runs none.

use std::fmt::Write as _;

use super::{
    Engine, Value, dialect,
    page::{Criteria, ELEMENT, OF_VIEW, VIEW, Versions, entry},
};

/// Above this many hits a narrowing index costs more than walking the list until the page is full.
const NARROW: usize = 1000;

/// `?4` and `?5` are the position behind which the page begins.
pub(super) const AFTER: &str = "(v.name, v.version) > (?4, ?5)";

/// The first parameter behind position and limit.
const FIRST: usize = 7;

/// SQLite compiles a statement anew for every value of a bare parameter here, to plan by it; not for an expression.
pub(super) const LIMIT: &str = "ORDER BY v.name, v.version LIMIT CAST(?6 AS BIGINT)";

/// What the text of a list statement depends on. The parameters behind those of the view have the order in which
/// [`Shape::bind`] adds them and [`Plan::new`] counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shape {
    include_deleted: bool,
    versions: Wanted,
    recent: bool,
    term: Option<Term>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Wanted {
    All,
    Latest,
    Exact,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Term {
    Long,
    /// Shorter than what the text index knows.
    Short,
}

impl Shape {
    pub(super) fn of(criteria: &Criteria<'_>) -> Self {
        let versions = match criteria.versions {
            Versions::All => Wanted::All,
            Versions::Latest => Wanted::Latest,
            Versions::Exact(_) => Wanted::Exact,
        };
        let recent = criteria.updated_since.is_some();
        let term = criteria.search.map(|term| match dialect::is_short(term) {
            true => Term::Short,
            false => Term::Long,
        });
        Self {
            include_deleted: criteria.include_deleted,
            versions,
            recent,
            term,
        }
    }

    /// Whether most hits of a term may be in the list; versions that are asked for exactly are few among them.
    fn is_broad(self) -> bool {
        !self.recent && self.versions != Wanted::Exact
    }

    /// Adds the values of a question.
    pub(super) fn bind(engine: Engine, criteria: &Criteria<'_>, parameters: &mut Vec<Value>) {
        let (name, version) = criteria
            .after
            .map_or(("", ""), |at| (&at.name, &at.version));
        parameters.extend([
            name.into(),
            version.into(),
            i64::from(criteria.limit).into(),
        ]);
        if let Versions::Exact(version) = criteria.versions {
            parameters.push(version.into());
        }
        parameters.extend(criteria.updated_since.map(|time| time.as_micros().into()));
        if let Some(term) = criteria.search {
            parameters.push(term.into());
            parameters.extend(dialect::patterns(engine, term));
        }
    }
}

/// The query for the elements of a page.
pub(super) fn list(engine: Engine, shape: Shape) -> String {
    let plan = Plan::new(engine, shape);
    match shape.term {
        None if shape.recent => plan.narrow_by_change(),
        None => plan.walk_elements(),
        Some(term) => {
            let short = term == Term::Short;
            match dialect::candidates(engine, short, NARROW + 1, plan.next) {
                None => plan.walk_rows(),
                Some(hits) if hits.in_order && shape.is_broad() => plan.follow_text(plan.next),
                Some(hits) => plan.narrow_by_text(&hits.sql),
            }
        }
    }
}

/// What goes before the tables of a query and behind its conditions, see [`dialect::only_if`].
type Gate = (String, String);

/// Conditions of a page beyond view and position, as text, and the index whose order the list walks.
pub(super) struct Plan {
    pub(super) engine: Engine,
    /// What leads to a row without an index.
    pub(super) row: &'static str,
    walked: String,
    /// Status, version, time of change.
    pub(super) state: String,
    /// The time of change alone.
    since: String,
    /// The number of the parameter that is the term.
    term: Option<usize>,
    /// The number of the parameter behind all these.
    next: usize,
}

impl Plan {
    fn new(engine: Engine, shape: Shape) -> Self {
        let mut next = FIRST;
        let mut count = || {
            next += 1;
            next - 1
        };
        let mut state = String::new();
        if !shape.include_deleted {
            state.push_str(" AND v.status <> 'deleted'");
        }
        match shape.versions {
            Wanted::All => {}
            Wanted::Latest => state.push_str(" AND v.latest = 1"),
            Wanted::Exact => {
                let _ = write!(state, " AND v.version = ?{}", count());
            }
        }
        let since = if shape.recent {
            format!(" AND v.changed_at > ?{}", count())
        } else {
            String::new()
        };
        state.push_str(&since);
        let term = shape.term.map(|_| count());
        Self {
            engine,
            row: dialect::row(engine),
            walked: dialect::index(engine, walked(shape)),
            state,
            since,
            term,
            next,
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

    pub(super) fn walk(&self, (before, behind): &Gate) -> String {
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
        let (before, behind) = dialect::only_if(*engine, "(SELECT little FROM recent)");
        let few = format!(
            "SELECT v.{row} AS id, v.name, v.version FROM {before}{changed} AND {AFTER}{state}{behind} {LIMIT}"
        );
        let many = self.walk(&dialect::only_if(
            *engine,
            "NOT (SELECT little FROM recent)",
        ));
        let with = format!(
            "WITH recent AS MATERIALIZED (SELECT NOT EXISTS (SELECT 1 FROM {changed} LIMIT 1 OFFSET {NARROW}) AS little), "
        );
        self.few_or_many(&with, &few, &many)
    }

    /// Both ways stand in one statement; the gate of each lets only one of them do any work.
    pub(super) fn few_or_many(&self, with: &str, few: &str, many: &str) -> String {
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

    pub(super) fn contains(&self, column: &str) -> String {
        self.term.map_or(String::new(), |term| {
            format!(" AND instr({column}, ?{term}) > 0")
        })
    }
}

fn walked(shape: Shape) -> &'static str {
    if shape.term.is_some() || shape.recent {
        "view_search"
    } else if shape.versions == Wanted::Latest {
        "view_latest"
    } else if shape.include_deleted {
        "view_key"
    } else {
        "view_live"
    }
}
