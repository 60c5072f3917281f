//! Bringing the store to a configuration: which sources and registries there are. Views follow at once, from what is
//! stored, without a fetch.

use super::{Cx, draft::Draft, judge};
use crate::{
    ErrorKind, Result,
    kinds::Kind,
    model::{Filter, Namespace, RegistryName, SourceName},
    store::{
        Db, Statement, entry, finding, generation, import,
        registry::{self, Registry},
        seen,
        source::{self, Configured, Source},
        view,
    },
};

/// A source as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSpec {
    pub name: SourceName,
    /// Says where it reads from, and in which format; another text forces a full pass.
    pub origin: String,
    pub filter: Filter,
}

impl SourceSpec {
    /// `filter` is the filter's fingerprint.
    pub(super) fn configured<'a>(
        &'a self,
        namespace: &'a Namespace,
        filter: &'a str,
    ) -> Configured<'a> {
        Configured {
            namespace,
            name: self.name.as_str(),
            origin: &self.origin,
            filter,
        }
    }
}

/// A registry as configured; the first of a list is the default one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrySpec {
    pub name: RegistryName,
    /// The earlier one shadows the later one.
    pub sources: Vec<SourceName>,
    pub valid_only: bool,
}

/// How often this is begun anew because another process changed the same rows.
pub(super) const MOST_TRIES: usize = 50;

/// Runs an attempt anew as long as another process changed the same rows in between. A macro, because a future that
/// borrows from a closure's arguments is not `Send`.
macro_rules! retry {
    ($attempt:expr) => {{
        let mut tries = 0;
        loop {
            match $attempt.await {
                Err(error) if error.kind() == ErrorKind::Stale && tries < MOST_TRIES => tries += 1,
                done => break done,
            }
        }
    }};
}
pub(super) use retry;

/// Makes sources and registries what the configuration says, and projects every view that changed. What it was interrupted
/// in, the next call finishes.
pub async fn apply<D: Db>(
    cx: Cx<'_, D>,
    sources: &[SourceSpec],
    registries: &[RegistrySpec],
) -> Result<()> {
    cx.db.batch(vec![generation::insert(cx.namespace)]).await?;
    import::require_complete(cx.db, cx.namespace).await?;
    retry!(rows(&cx, sources, registries))?;
    for source in source::list(cx.db, cx.namespace).await? {
        let spec = sources
            .iter()
            .find(|spec| spec.name.as_str() == source.name);
        if let Some(spec) = spec {
            judge::judge(&cx, spec).await?;
        }
    }
    for registry in registry::list(cx.db, cx.namespace).await? {
        if !registry.projected {
            reproject(&cx, &registry).await?;
        }
    }
    Ok(())
}

/// One batch that changes what differs, and nothing when nothing does.
async fn rows<D: Db>(
    cx: &Cx<'_, D>,
    sources: &[SourceSpec],
    registries: &[RegistrySpec],
) -> Result<()> {
    let before = generation::get(cx.db, cx.namespace).await?;
    let mut statements = source_rows(cx, sources, &source::list(cx.db, cx.namespace).await?);
    statements.extend(registry_rows(
        cx,
        registries,
        &registry::list(cx.db, cx.namespace).await?,
    ));
    if !statements.is_empty() {
        statements.insert(0, generation::update(cx.namespace, before, before));
        cx.db.batch(statements).await?;
    }
    Ok(())
}

fn source_rows<D>(cx: &Cx<'_, D>, specs: &[SourceSpec], stored: &[Source]) -> Vec<Statement> {
    let mut statements = Vec::new();
    for spec in specs {
        let name = spec.name.as_str();
        match stored.iter().find(|source| source.name == name) {
            None => {
                let filter = spec.filter.fingerprint();
                let source = spec.configured(cx.namespace, &filter);
                statements.push(source::insert(source, cx.now));
            }
            Some(source) if source.origin != spec.origin => {
                statements.push(source::update_origin(cx.namespace, name, &spec.origin));
            }
            Some(_) => {}
        }
    }
    let unknown = |source: &&Source| !specs.iter().any(|spec| spec.name.as_str() == source.name);
    for source in stored.iter().filter(unknown) {
        statements.push(source::delete(cx.namespace, &source.name));
        statements.push(finding::delete(cx.namespace, &source.name));
        statements.push(seen::delete(cx.namespace, &source.name));
    }
    statements
}

fn registry_rows<D>(cx: &Cx<'_, D>, specs: &[RegistrySpec], stored: &[Registry]) -> Vec<Statement> {
    let mut statements = Vec::new();
    let unknown =
        |registry: &&Registry| !specs.iter().any(|spec| spec.name.as_str() == registry.name);
    for registry in stored.iter().filter(unknown) {
        statements.extend(registry::delete(cx.namespace, &registry.name));
        statements.push(view::delete(cx.namespace, &registry.name));
    }
    for (index, spec) in specs.iter().enumerate() {
        let wanted = Registry {
            name: spec.name.as_str().to_owned(),
            is_default: index == 0,
            valid_only: spec.valid_only,
            loaded: false,
            projected: false,
            records: 0,
            names: 0,
            sources: spec
                .sources
                .iter()
                .map(|name| name.as_str().to_owned())
                .collect(),
        };
        let found = stored.iter().find(|registry| registry.name == wanted.name);
        if !found.is_some_and(|found| found.is_defined_like(&wanted)) {
            statements.extend(registry::upsert(cx.namespace, &wanted));
        }
    }
    statements
}

/// Makes a registry's view anew, from every name that any source ever had.
async fn reproject<D: Db>(cx: &Cx<'_, D>, registry: &Registry) -> Result<()> {
    for kind in Kind::ALL {
        let mut after = String::new();
        loop {
            let names = entry::list_all_names(cx.db, cx.namespace, kind, &after).await?;
            let Some(last) = names.last() else { break };
            after.clone_from(last);
            retry!(project(cx, kind, &names))?;
        }
    }
    retry!(settle(cx, registry))
}

/// The view follows that definition. Nothing is said of one that has been replaced since: its view is for whoever replaced
/// it to make.
async fn settle<D: Db>(cx: &Cx<'_, D>, made: &Registry) -> Result<()> {
    let before = generation::get(cx.db, cx.namespace).await?;
    let stored = registry::list(cx.db, cx.namespace).await?;
    let stands = |stored: &Registry| stored.name == made.name && stored.is_defined_like(made);
    if !stored.iter().any(stands) {
        return Ok(());
    }
    let done = vec![
        generation::update(cx.namespace, before, before),
        registry::update_projected(cx.namespace, &made.name),
        registry::update_loaded(cx.namespace),
        registry::update_counts(cx.namespace),
    ];
    cx.db.batch(done).await
}

async fn project<D: Db>(cx: &Cx<'_, D>, kind: Kind, names: &[String]) -> Result<()> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut draft = Draft::load(*cx, kind, &names).await?;
    for name in names {
        draft.touch(name);
    }
    write(cx, draft.finish()).await
}

pub(super) async fn write<D: Db>(cx: &Cx<'_, D>, statements: Vec<Statement>) -> Result<()> {
    if statements.is_empty() {
        return Ok(());
    }
    cx.db.batch(statements).await
}
