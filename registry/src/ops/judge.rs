//! Judging a source's entries by the filter it is configured with. They are judged by one filter at a time: whoever comes
//! with another one moves the source's fence, and nothing that is still under way by the earlier one counts from there on.

use std::collections::BTreeSet;

use super::{
    Cx,
    configure::{MOST_TRIES, SourceSpec, retry, write},
    draft::Draft,
};
use crate::{
    ErrorKind, Result,
    kinds::Kind,
    store::{
        Db,
        entry::{self, Tagged},
        fenced::Fenced,
        registry, source,
    },
};

/// Judges every entry, if another filter was in force. Processes with the same filter do so side by side; one with an
/// earlier filter ends here without having finished.
pub(super) async fn judge<D: Db>(cx: &Cx<'_, D>, spec: &SourceSpec) -> Result<()> {
    let filter = spec.filter.fingerprint();
    let Some(fence) = retry!(begin(cx, spec, &filter))? else {
        return Ok(());
    };
    let judging = Judging {
        filter: &filter,
        fenced: Fenced {
            namespace: cx.namespace,
            name: spec.name.as_str(),
            fence,
        },
    };
    for kind in Kind::ALL {
        let mut after = (String::new(), String::new());
        loop {
            let source = judging.fenced.name;
            let mut entries = entry::list_tagged(cx.db, cx.namespace, source, kind, &after).await?;
            let Some(last) = entries.last() else { break };
            after = (last.name.clone(), last.version.clone());
            entries.retain(|entry| entry.hidden == spec.filter.shows(&entry.name, &entry.tags));
            if !retry!(turn(cx, kind, judging, &entries))? {
                return Ok(());
            }
        }
    }
    retry!(end(cx, judging))
}

/// The fence from which on entries are judged by this filter; `None` when they have been already.
async fn begin<D: Db>(cx: &Cx<'_, D>, spec: &SourceSpec, filter: &str) -> Result<Option<i64>> {
    let stored = source::get(cx.db, cx.namespace, spec.name.as_str()).await?;
    if stored.filter == filter {
        return Ok(None);
    }
    if stored.is_judged_by(filter) {
        return Ok(Some(stored.fence));
    }
    let before = Fenced {
        namespace: cx.namespace,
        name: &stored.name,
        fence: stored.fence,
    };
    cx.db.batch(vec![before.judge(filter)]).await?;
    Ok(Some(stored.fence + 1))
}

/// What is under way: by which filter, and from which fence on.
#[derive(Debug, Clone, Copy)]
struct Judging<'a> {
    filter: &'a str,
    fenced: Fenced<'a>,
}

impl Judging<'_> {
    /// Whether neither another filter came nor somebody with this one was faster.
    async fn stands<D: Db>(&self, cx: &Cx<'_, D>) -> Result<bool> {
        let Fenced { name, fence, .. } = self.fenced;
        let stored = source::list(cx.db, cx.namespace).await?;
        let found = stored.iter().find(|source| source.name == name);
        Ok(found.is_some_and(|source| source.fence == fence && source.is_judged_by(self.filter)))
    }
}

/// Hides what was shown and shows what was hidden; `false` when that is wanted no more.
async fn turn<D: Db>(
    cx: &Cx<'_, D>,
    kind: Kind,
    judging: Judging<'_>,
    entries: &[Tagged],
) -> Result<bool> {
    if !judging.stands(cx).await? {
        return Ok(false);
    }
    let names: BTreeSet<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let mut draft = Draft::load(*cx, kind, &names).await?;
    for entry in entries {
        draft.flag(judging.fenced.name, &entry.name, &entry.version, |stored| {
            stored.hidden = !entry.hidden
        });
    }
    let mut statements = draft.finish();
    if !statements.is_empty() {
        statements.push(judging.fenced.hold());
    }
    write(cx, statements).await?;
    Ok(true)
}

async fn end<D: Db>(cx: &Cx<'_, D>, judging: Judging<'_>) -> Result<()> {
    if !judging.stands(cx).await? {
        return Ok(());
    }
    let done = vec![
        judging.fenced.judged(judging.filter),
        registry::update_counts(cx.namespace),
    ];
    cx.db.batch(done).await
}
