//! The reading queries of a view: one statement per request, and one row with all of a page as its answer.

use super::{
    Db, Engine, Value, dialect,
    listing::Listing,
    plan::{self, Shape},
    text::{self, Question},
};
use crate::{
    Result,
    kinds::Kind,
    model::{Namespace, Position, Timestamp},
};

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

macro_rules! registry {
    () => {
        "r.namespace = ?1 AND (r.name = ?2 OR (?2 = '' AND r.is_default = 1))"
    };
}

/// `registry r` is the one that is read.
pub(super) const REGISTRY: &str = registry!();

/// `?1` to `?3` are the view in every statement here. The registry's name is looked up in the statement itself, so that
/// the default one costs no query of its own.
pub(super) const VIEW: &str = concat!(
    "v.namespace = ?1 AND v.registry = (SELECT r.name FROM registry r WHERE ",
    registry!(),
    ") AND v.kind = ?3"
);

/// How a view's row leads to its entry.
pub(super) const OF_VIEW: &str = "e.id = v.entry_id";

/// What a listing is made of, from `view v` and [`entry`].
pub(super) const ELEMENT: &str = "v.head, e.document || v.tail AS element";

/// The table of documents, joined to `view v` by [`OF_VIEW`].
pub(super) fn entry(engine: Engine) -> String {
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
pub(crate) async fn list(db: &impl Db, view: View<'_>, criteria: &Criteria<'_>) -> Result<Listing> {
    let (engine, mut parameters) = (db.engine(), view.parameters());
    Shape::bind(engine, criteria, &mut parameters);
    let shape = Shape::of(criteria);
    let make = || plan::list(engine, shape);
    listed(db, view.kind, Question::List(shape), make, parameters).await
}

/// All versions of a name, the last published first.
pub(crate) async fn list_versions(
    db: &impl Db,
    view: View<'_>,
    name: &str,
    include_deleted: bool,
) -> Result<Listing> {
    let mut parameters = view.parameters();
    parameters.push(name.into());
    let question = Question::Versions { include_deleted };
    let make = || {
        let (shown, entry) = (if_shown(include_deleted), entry(db.engine()));
        format!(
            "SELECT {ELEMENT} FROM view v CROSS JOIN {entry} WHERE {VIEW} AND v.name = ?4{shown} AND {OF_VIEW} \
             ORDER BY e.published_at DESC, v.version DESC LIMIT 10000"
        )
    };
    listed(db, view.kind, question, make, parameters).await
}

/// One version of a name, or an empty listing.
pub(crate) async fn find(
    db: &impl Db,
    view: View<'_>,
    name: &str,
    version: Versions<'_>,
    include_deleted: bool,
) -> Result<Listing> {
    let mut parameters = view.parameters();
    parameters.push(name.into());
    let exact = match version {
        Versions::Exact(version) => {
            parameters.push(version.into());
            true
        }
        Versions::Latest | Versions::All => false,
    };
    let question = Question::Find {
        exact,
        include_deleted,
    };
    let make = || {
        let (shown, entry) = (if_shown(include_deleted), entry(db.engine()));
        let wanted = if exact {
            "v.version = ?5"
        } else {
            "v.latest = 1"
        };
        format!(
            "SELECT {ELEMENT} FROM view v CROSS JOIN {entry} WHERE {VIEW} AND v.name = ?4 AND {wanted}{shown} \
             AND {OF_VIEW} LIMIT 1"
        )
    };
    listed(db, view.kind, question, make, parameters).await
}

fn if_shown(include_deleted: bool) -> &'static str {
    if include_deleted {
        ""
    } else {
        " AND v.status <> 'deleted'"
    }
}

/// Runs a query for elements, which `make` gives, so that the engine itself puts them together.
async fn listed(
    db: &impl Db,
    kind: Kind,
    question: Question,
    make: impl FnOnce() -> String,
    parameters: Vec<Value>,
) -> Result<Listing> {
    let sql = text::of(db.engine(), kind, question, || {
        let (heads, bodies) = dialect::joined(db.engine(), kind.separator());
        let elements = make();
        format!("SELECT count(*), {heads}, {bodies} FROM ({elements}) listed")
    });
    Listing::from_rows(kind, db.query(sql, parameters).await?)
}
