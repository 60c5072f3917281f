//! The reading queries of a view: one statement per request, over an index in list order.

use std::fmt::Write as _;

use super::{Db, Engine, Row, Value, dialect};
use crate::{
    Result,
    kinds::Kind,
    model::{Digest, Namespace, Position, Timestamp},
};

/// Above this many hits a narrowing index costs more than walking the list until the page is full.
const NARROW: usize = 1000;

/// One record of a view, ready to be written out.
#[derive(Debug)]
pub struct Element {
    pub name: String,
    pub version: String,
    /// Of everything below: equal digests mean equal bytes.
    pub digest: Digest,
    /// The `_meta` object, JSON.
    pub meta: Vec<u8>,
    /// The document as it came, JSON.
    pub document: Vec<u8>,
}

/// The view that is read. An empty registry means the default one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) namespace: &'a Namespace,
    pub(crate) registry: &'a str,
    pub(crate) kind: Kind,
}

/// Which versions of a name are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Versions<'a> {
    All,
    Latest,
    Exact(&'a str),
}

/// What a page is made of.
#[derive(Debug)]
pub(crate) struct Criteria<'a> {
    pub(crate) after: Option<&'a Position>,
    pub(crate) limit: u32,
    /// Folded.
    pub(crate) search: Option<&'a str>,
    pub(crate) versions: Versions<'a>,
    pub(crate) updated_since: Option<Timestamp>,
    pub(crate) include_deleted: bool,
}

/// `?1` to `?3` are the view in every statement here. The registry's name is looked up in the statement itself, so that
/// the default one costs no query of its own.
const VIEW: &str = "v.namespace = ?1 AND v.registry = (SELECT r.name FROM registry r WHERE r.namespace = ?1 \
                    AND (r.name = ?2 OR (?2 = '' AND r.is_default = 1))) AND v.kind = ?3";

const ELEMENT: &str = "v.name, v.version, v.digest, v.meta, e.document";

/// How a view's row leads to its entry.
const OF_VIEW: &str = "e.id = v.entry_id";

fn entry(engine: Engine) -> String {
    dialect::inner(engine, "entry e", "", OF_VIEW)
}

impl View<'_> {
    fn parameters(&self) -> Vec<Value> {
        vec![
            self.namespace.as_str().into(),
            self.registry.into(),
            self.kind.as_str().into(),
        ]
    }
}

/// A page in list order: name, then version, byte by byte.
pub(crate) async fn list(
    db: &impl Db,
    view: View<'_>,
    criteria: &Criteria<'_>,
) -> Result<Vec<Element>> {
    let mut parameters = view.parameters();
    let sql = list_sql(db.engine(), criteria, &mut parameters);
    from_rows(db.query(&sql, parameters).await?)
}

fn list_sql(engine: Engine, criteria: &Criteria<'_>, parameters: &mut Vec<Value>) -> String {
    let (name, version) = criteria
        .after
        .map_or(("", ""), |at| (&at.name, &at.version));
    parameters.extend([
        name.into(),
        version.into(),
        i64::from(criteria.limit).into(),
    ]);
    let conditions = conditions(engine, criteria, parameters);
    let hits = criteria
        .search
        .and_then(|term| dialect::rare_hits(engine, term, NARROW + 1, parameters));
    let keys = match (hits, criteria.updated_since) {
        (Some(hits), _) => narrow_or_walk(engine, criteria, &hits, &BY_ENTRY, &conditions),
        (None, Some(_)) if criteria.search.is_none() => {
            let hits = changed(engine, &conditions.since);
            narrow_or_walk(engine, criteria, &hits, &BY_KEY, &conditions)
        }
        (None, None) if criteria.search.is_none() => {
            return walk_elements(engine, criteria, &conditions.all);
        }
        _ => walk_keys(engine, criteria, &conditions.all),
    };
    let of_page = format!("{VIEW} AND v.name = p.name AND v.version = p.version");
    let view = dialect::inner(engine, "view v", "view_key", &of_page);
    let entry = entry(engine);
    format!(
        "{keys} SELECT {ELEMENT} FROM page p CROSS JOIN {view} CROSS JOIN {entry} \
         WHERE {of_page} AND {OF_VIEW} ORDER BY v.name, v.version"
    )
}

/// Conditions of a page beyond view and position, as text.
struct Conditions {
    all: String,
    /// Without the one on the text, which the trigram index has decided exactly: its hits are then found in an index alone.
    but_text: String,
    /// The one on the time of change alone.
    since: String,
}

fn conditions(engine: Engine, criteria: &Criteria<'_>, parameters: &mut Vec<Value>) -> Conditions {
    let mut all = String::new();
    if !criteria.include_deleted {
        all.push_str(" AND v.status <> 'deleted'");
    }
    match criteria.versions {
        Versions::All => {}
        Versions::Latest => all.push_str(" AND v.latest = 1"),
        Versions::Exact(version) => {
            parameters.push(version.into());
            let _ = write!(all, " AND v.version = ?{}", parameters.len());
        }
    }
    let mut since = String::new();
    if let Some(time) = criteria.updated_since {
        parameters.push(time.as_micros().into());
        since = format!(" AND v.changed_at > ?{}", parameters.len());
        all.push_str(&since);
    }
    let but_text = all.clone();
    if let Some(term) = criteria.search {
        parameters.push(term.into());
        let _ = write!(all, " AND {}", dialect::contains(engine, parameters.len()));
    }
    Conditions {
        all,
        but_text,
        since,
    }
}

const AFTER: &str = "(v.name, v.version) > (?4, ?5)";

/// How the hits of a narrowing index lead to view rows.
struct Join {
    on: &'static str,
    index: &'static str,
}

const BY_ENTRY: Join = Join {
    on: "v.entry_id = h.id",
    index: "view_entry",
};
const BY_KEY: Join = Join {
    on: "v.name = h.name AND v.version = h.version",
    index: "view_key",
};

/// The index whose order the list walks.
fn walked(engine: Engine, criteria: &Criteria<'_>) -> String {
    let name = if criteria.search.is_some() {
        "view_search"
    } else if criteria.versions == Versions::Latest {
        "view_latest"
    } else if criteria.include_deleted {
        "view_key"
    } else {
        "view_live"
    };
    dialect::index(engine, name)
}

/// The plain list: walks the index and takes the elements at once.
fn walk_elements(engine: Engine, criteria: &Criteria<'_>, conditions: &str) -> String {
    let (index, entry) = (walked(engine, criteria), entry(engine));
    format!(
        "SELECT {ELEMENT} FROM view v{index} CROSS JOIN {entry} \
         WHERE {VIEW} AND {AFTER}{conditions} AND {OF_VIEW} ORDER BY v.name, v.version LIMIT ?6"
    )
}

/// Walks the list for keys; the bodies are fetched for the page only.
fn walk_keys(engine: Engine, criteria: &Criteria<'_>, conditions: &str) -> String {
    let always = (String::new(), String::new());
    let keys = walk(engine, criteria, conditions, &always);
    format!("WITH page AS ({keys})")
}

fn walk(
    engine: Engine,
    criteria: &Criteria<'_>,
    conditions: &str,
    (first, then): &(String, String),
) -> String {
    let index = walked(engine, criteria);
    format!(
        "SELECT v.name, v.version FROM {first}view v{index} WHERE {VIEW} AND {AFTER}{conditions}{then} \
         ORDER BY v.name, v.version LIMIT ?6"
    )
}

/// Takes the hits of a narrowing index when they are few, else walks. Both ways stand in one statement; each begins with a
/// table of one row or none, so that only the way the count allows does any work.
fn narrow_or_walk(
    engine: Engine,
    criteria: &Criteria<'_>,
    hits: &str,
    join: &Join,
    conditions: &Conditions,
) -> String {
    let Conditions { all, but_text, .. } = conditions;
    let of_hit = format!("{VIEW} AND {}", join.on);
    let view = dialect::inner(engine, "view v", join.index, &of_hit);
    let (first, then) = dialect::only_if(engine, &format!("<= {NARROW}"));
    let many = dialect::only_if(engine, &format!("> {NARROW}"));
    let walk = walk(engine, criteria, all, &many);
    format!(
        "WITH hit AS MATERIALIZED ({hits}), page AS (\
         SELECT name, version FROM (SELECT v.name, v.version FROM {first}hit h CROSS JOIN {view} \
         WHERE {of_hit} AND {AFTER}{but_text}{then} ORDER BY v.name, v.version LIMIT ?6) few \
         UNION ALL SELECT name, version FROM ({walk}) many)"
    )
}

fn changed(engine: Engine, since: &str) -> String {
    let index = dialect::index(engine, "view_changed");
    format!(
        "SELECT v.name, v.version FROM view v{index} WHERE {VIEW}{since} LIMIT {}",
        NARROW + 1
    )
}

/// All versions of a name, the last published first.
pub(crate) async fn list_versions(
    db: &impl Db,
    view: View<'_>,
    name: &str,
    include_deleted: bool,
) -> Result<Vec<Element>> {
    let shown = if include_deleted {
        ""
    } else {
        " AND v.status <> 'deleted'"
    };
    let entry = entry(db.engine());
    let sql = format!(
        "SELECT {ELEMENT} FROM view v CROSS JOIN {entry} WHERE {VIEW} AND v.name = ?4{shown} AND {OF_VIEW} \
         ORDER BY e.published_at DESC, v.version DESC LIMIT 10000"
    );
    let mut parameters = view.parameters();
    parameters.push(name.into());
    from_rows(db.query(&sql, parameters).await?)
}

/// One version of a name.
pub(crate) async fn find(
    db: &impl Db,
    view: View<'_>,
    name: &str,
    version: Versions<'_>,
    include_deleted: bool,
) -> Result<Option<Element>> {
    let mut parameters = view.parameters();
    parameters.push(name.into());
    let wanted = match version {
        Versions::Exact(version) => {
            parameters.push(version.into());
            " AND v.version = ?5"
        }
        Versions::Latest | Versions::All => " AND v.latest = 1",
    };
    let shown = if include_deleted {
        ""
    } else {
        " AND v.status <> 'deleted'"
    };
    let entry = entry(db.engine());
    let sql = format!(
        "SELECT {ELEMENT} FROM view v CROSS JOIN {entry} WHERE {VIEW} AND v.name = ?4{wanted}{shown} \
         AND {OF_VIEW} LIMIT 1"
    );
    Ok(from_rows(db.query(&sql, parameters).await?)?
        .into_iter()
        .next())
}

fn from_rows(rows: Vec<Row>) -> Result<Vec<Element>> {
    let from_row = |mut row: Row| {
        Ok(Element {
            name: row.text()?,
            version: row.text()?,
            digest: Digest::from_row(&row.blob()?)?,
            meta: row.blob()?,
            document: row.blob()?,
        })
    };
    rows.into_iter().map(from_row).collect()
}
