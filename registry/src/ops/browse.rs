//! Reading a registry: lists, versions, one version, and what there is at all.

use crate::{
    Error, Result,
    error::What,
    kinds::Kind,
    model::{Cursor, Position, Timestamp, fold},
    ops::Cx,
    store::{
        Db,
        page::{self, Criteria, Versions, View},
        registry, source,
    },
};

pub use crate::store::{listing::Listing, registry::Registry, source::Source};

/// The registry that is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a> {
    /// The first one configured: what root bases serve.
    Default,
    Named(&'a str),
}

impl<'a> Scope<'a> {
    fn name(self) -> &'a str {
        match self {
            Self::Default => "",
            Self::Named(name) => name,
        }
    }
}

/// A list as a client asks for it. What is `None` is taken from the cursor, when that carries it.
#[derive(Debug, Clone, Default)]
pub struct Query {
    pub cursor: Option<String>,
    /// Records on a page, at least 1. Which range is allowed is the surface's matter.
    pub limit: u32,
    /// A part of name, title or description, in any case.
    pub search: Option<String>,
    /// `latest`, or an exact version.
    pub version: Option<String>,
    /// Only what changed after this time; brings deleted records too.
    pub updated_since: Option<Timestamp>,
    pub include_deleted: Option<bool>,
}

/// One page of a list.
#[derive(Debug)]
pub struct Page {
    pub records: Listing,
    /// Leads to the next page; `None` on the last one.
    pub next: Option<String>,
}

/// A page of a registry, by name, then version, in byte order.
pub async fn list<D: Db>(
    cx: Cx<'_, D>,
    scope: Scope<'_>,
    kind: Kind,
    query: Query,
) -> Result<Page> {
    let (query, after) = resume(query)?;
    let include_deleted = include_deleted(&query)?;
    let search = query
        .search
        .as_deref()
        .map(fold)
        .filter(|term| !term.is_empty());
    let criteria = Criteria {
        after: after.as_ref(),
        // One more than asked for tells whether there is a next page.
        limit: query.limit.saturating_add(1),
        search: search.as_deref(),
        versions: versions_of(query.version.as_deref()),
        updated_since: query.updated_since,
        include_deleted,
    };
    let mut records = page::list(cx.db, view(&cx, scope, kind), &criteria).await?;
    if records.is_empty() {
        require_registry(&cx, scope).await?;
    }
    let size = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let last = records.cut(size)?;
    let next = last.map(|after| cursor(after, &query).encode());
    Ok(Page { records, next })
}

/// All versions of a name, the last published first.
pub async fn versions<D: Db>(
    cx: Cx<'_, D>,
    scope: Scope<'_>,
    kind: Kind,
    name: &str,
    include_deleted: bool,
) -> Result<Listing> {
    let records = page::list_versions(cx.db, view(&cx, scope, kind), name, include_deleted).await?;
    if records.is_empty() {
        require_registry(&cx, scope).await?;
        return Err(Error::not_found(
            What::Server,
            format!("no {} is named {name:?}", kind.as_str()),
        ));
    }
    Ok(records)
}

/// One version of a name, alone in its listing; `latest` means the latest one.
pub async fn version<D: Db>(
    cx: Cx<'_, D>,
    scope: Scope<'_>,
    kind: Kind,
    (name, version): (&str, &str),
    include_deleted: bool,
) -> Result<Listing> {
    let wanted = versions_of(Some(version));
    let found = page::find(cx.db, view(&cx, scope, kind), name, wanted, include_deleted).await?;
    if !found.is_empty() {
        return Ok(found);
    }
    require_registry(&cx, scope).await?;
    Err(Error::not_found(
        What::Version,
        format!("no {} {name:?} has a version {version:?}", kind.as_str()),
    ))
}

/// What there is: for people, probes and metrics.
#[derive(Debug)]
pub struct Overview {
    /// The default one first.
    pub registries: Vec<Registry>,
    pub sources: Vec<Source>,
}

/// All registries and sources, with figures as of their last pass.
pub async fn overview<D: Db>(cx: Cx<'_, D>) -> Result<Overview> {
    Ok(Overview {
        registries: registry::list(cx.db, cx.namespace).await?,
        sources: source::list(cx.db, cx.namespace).await?,
    })
}

/// Reads what lists and records are read from, and finds nothing: fails as they would.
pub async fn ping<D: Db>(cx: Cx<'_, D>) -> Result<()> {
    registry::exists(cx.db, cx.namespace, "").await?;
    let nowhere = view(&cx, Scope::Named(""), Kind::Server);
    let found = page::find(cx.db, nowhere, "", Versions::Latest, false);
    found.await.map(drop)
}

fn view<'a, D>(cx: &Cx<'a, D>, scope: Scope<'a>, kind: Kind) -> View<'a> {
    View {
        namespace: cx.namespace,
        registry: scope.name(),
        kind,
    }
}

fn versions_of(version: Option<&str>) -> Versions<'_> {
    match version {
        None => Versions::All,
        Some("latest") => Versions::Latest,
        Some(version) => Versions::Exact(version),
    }
}

/// Fails when the registry is not there.
pub async fn require_registry<D: Db>(cx: &Cx<'_, D>, scope: Scope<'_>) -> Result<()> {
    if registry::exists(cx.db, cx.namespace, scope.name()).await? {
        return Ok(());
    }
    Err(match scope {
        Scope::Named(_) => Error::not_found(What::Registry, "registry not found"),
        Scope::Default => Error::unavailable(
            "no registry is configured: start `cairn serve` or `cairn sync` with a configuration",
            "the registry table has no default row",
        ),
    })
}

/// Puts the cursor's query under the request's: clients need not repeat it, but must not contradict it.
fn resume(mut query: Query) -> Result<(Query, Option<Position>)> {
    let Some(text) = query.cursor.take() else {
        return Ok((query, None));
    };
    let cursor = Cursor::decode(&text)?;
    merge("search", &mut query.search, cursor.search, &text)?;
    merge("version", &mut query.version, cursor.version, &text)?;
    let since = cursor.updated_since.map(Timestamp::from_micros);
    merge("updated_since", &mut query.updated_since, since, &text)?;
    merge(
        "include_deleted",
        &mut query.include_deleted,
        cursor.include_deleted,
        &text,
    )?;
    Ok((query, Some(cursor.after)))
}

fn merge<T: PartialEq>(
    field: &str,
    given: &mut Option<T>,
    carried: Option<T>,
    cursor: &str,
) -> Result<()> {
    match (&given, carried) {
        (None, carried) => *given = carried,
        (Some(given), Some(carried)) if *given != carried => {
            return Err(Error::invalid(
                "cursor",
                cursor,
                format!(
                    "the cursor belongs to a list with another {field}: repeat that one, or leave it out"
                ),
            ));
        }
        _ => {}
    }
    Ok(())
}

fn include_deleted(query: &Query) -> Result<bool> {
    match (query.include_deleted, query.updated_since) {
        (Some(false), Some(_)) => Err(Error::invalid(
            "include_deleted",
            "false",
            "include_deleted=false cannot go with updated_since, which always brings deleted records: leave it out",
        )),
        (given, since) => Ok(given.unwrap_or(since.is_some())),
    }
}

fn cursor(after: Position, query: &Query) -> Cursor {
    Cursor {
        after,
        search: query.search.clone(),
        version: query.version.clone(),
        updated_since: query.updated_since.map(Timestamp::as_micros),
        include_deleted: query.include_deleted,
    }
}
