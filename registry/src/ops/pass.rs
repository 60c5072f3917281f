//! A pass over a source: the lease that allows it, its pages, and its end. A pass survives its process: the next one to
//! claim the source goes on from the saved cursor.

use super::{
    Cx,
    configure::SourceSpec,
    ingest::{self, Item, Taken},
    removals::{self, Removals},
};
use crate::{
    Error, ErrorKind, Result,
    kinds::Kind,
    model::{Filter, Timestamp},
    store::{
        Db, Statement,
        entry::{self, Entry},
        fenced::{self, Completed, Fenced},
        finding, registry,
        seen::PassKey,
        source::{self, Source},
    },
};

/// The right to write for a source until it expires or somebody else claims it.
#[derive(Debug, Clone)]
pub struct Lease {
    pub source: String,
    pub(crate) fence: i64,
    /// Seconds it lives without being renewed; every page renews it.
    ttl: i64,
}

impl Lease {
    fn fenced<'a, D>(&'a self, cx: &Cx<'a, D>) -> Fenced<'a> {
        Fenced {
            namespace: cx.namespace,
            name: &self.source,
            fence: self.fence,
        }
    }

    /// The statement that keeps the lease.
    pub(super) fn renewal<D>(&self, cx: &Cx<'_, D>) -> Statement {
        self.fenced(cx).renew(cx.now.plus_seconds(self.ttl))
    }
}

/// What comes of asking for a source's lease.
#[derive(Debug)]
pub enum Claim {
    Granted(Lease),
    /// Another owner holds it, or the entries are being judged by a new filter.
    Held(Holder),
    /// Another process has configured the source otherwise since: what this one would read, and what it would hide, counts
    /// no more.
    Overruled,
}

/// Holder of a lease, by its own name; empty while a new filter is applied to the entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holder {
    pub owner: String,
    pub until: Timestamp,
}

impl Claim {
    #[must_use]
    pub fn granted(self) -> Option<Lease> {
        match self {
            Self::Granted(lease) => Some(lease),
            Self::Held(_) | Self::Overruled => None,
        }
    }
}

/// Takes the source's lease for `ttl` seconds, as long as the source is still configured like this.
pub async fn claim<D: Db>(
    cx: Cx<'_, D>,
    spec: &SourceSpec,
    owner: &str,
    ttl: i64,
) -> Result<Claim> {
    claim_from(cx, spec, owner, ttl, "").await
}

/// The same, from a holder that is known to be gone too.
pub async fn claim_from<D: Db>(
    cx: Cx<'_, D>,
    spec: &SourceSpec,
    owner: &str,
    ttl: i64,
    gone: &str,
) -> Result<Claim> {
    let filter = spec.filter.fingerprint();
    let configured = spec.configured(cx.namespace, &filter);
    let claim = source::claim(
        configured,
        source::Claimant {
            owner,
            gone,
            now: cx.now,
            ttl,
        },
    );
    let taken = match cx.db.batch(vec![claim]).await {
        Ok(()) => true,
        Err(error) if error.kind() == ErrorKind::Stale => false,
        Err(error) => return Err(error),
    };
    let source = source::get(cx.db, cx.namespace, configured.name).await?;
    let judged = source.filter == filter || source.is_judged_by(&filter);
    Ok(match () {
        () if source.origin != spec.origin || !judged => Claim::Overruled,
        () if taken && source.lease_owner == owner => Claim::Granted(Lease {
            source: source.name,
            fence: source.fence,
            ttl,
        }),
        () => Claim::Held(Holder {
            owner: source.lease_owner,
            until: source.lease_until,
        }),
    })
}

/// Keeps the lease while a slow upstream lets no page through. Fails with `Stale` when it was lost.
pub async fn renew<D: Db>(cx: Cx<'_, D>, lease: &Lease) -> Result<()> {
    cx.db.batch(vec![lease.renewal(&cx)]).await
}

/// Gives the lease back, so that another owner need not wait for its end.
pub async fn release<D: Db>(cx: Cx<'_, D>, lease: &Lease) -> Result<()> {
    cx.db.batch(vec![lease.fenced(&cx).release()]).await
}

/// Whether a pass reads everything or only what changed since the mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// What it does not meet has vanished.
    Full,
    Incremental,
}

impl Mode {
    fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Incremental => "incremental",
        }
    }
}

/// A pass under way.
#[derive(Debug)]
pub struct Pass {
    pub(super) lease: Lease,
    pub(super) kind: Kind,
    pub(super) filter: Filter,
    number: i64,
    mode: Mode,
    /// Where an earlier process stopped; `None` from the beginning.
    pub resume: Option<String>,
    /// What becomes `updated_since` of the next incremental pass.
    pub mark: String,
    /// Findings so far that were not stored, because there were too many.
    pub unlisted: u64,
}

impl Pass {
    pub(super) fn is_full(&self) -> bool {
        self.mode == Mode::Full
    }

    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Takes note that a part of the source could not be read: what the pass did not meet may still be there.
    pub fn keep_unmet(&mut self) {
        self.mode = Mode::Incremental;
    }

    pub(super) fn key<'a, D>(&'a self, cx: &Cx<'a, D>) -> PassKey<'a> {
        PassKey {
            namespace: cx.namespace,
            source: &self.lease.source,
            number: self.number,
        }
    }

    /// Whether an earlier page of this pass brought the entry.
    pub(super) fn has_met(&self, entry: &Entry) -> bool {
        self.is_full() && entry.met == self.number
    }
}

/// Begins a pass. One that was cut off goes on where it stopped, in its own mode, when `resumable`.
pub async fn begin<D: Db>(
    cx: Cx<'_, D>,
    lease: Lease,
    kind: Kind,
    filter: Filter,
    mode: Mode,
    resumable: bool,
) -> Result<Pass> {
    let source = source::get(cx.db, cx.namespace, &lease.source).await?;
    let fenced = lease.fenced(&cx);
    if resumable && !source.pass_cursor.is_empty() {
        cx.db.batch(vec![fenced.resume(cx.now)]).await?;
        let mode = if source.pass_state == Mode::Full.as_str() {
            Mode::Full
        } else {
            Mode::Incremental
        };
        return Ok(Pass {
            number: source.pass,
            resume: Some(source.pass_cursor),
            mark: source.pass_mark,
            unlisted: 0,
            lease,
            kind,
            filter,
            mode,
        });
    }
    let number = source.pass + 1;
    let begin = fenced.begin(number, mode.as_str(), cx.now);
    cx.db.batch(vec![begin]).await?;
    Ok(Pass {
        number,
        resume: None,
        mark: String::new(),
        unlisted: 0,
        lease,
        kind,
        filter,
        mode,
    })
}

/// How often a batch is drafted anew because another source's batch came in between.
pub(super) const MOST_TRIES: i64 = 50;

/// Takes a page in as one batch; `cursor` leads to the next one. `Stale` means that the lease was lost.
pub async fn take<D: Db>(
    cx: Cx<'_, D>,
    pass: &Pass,
    items: Vec<Item>,
    cursor: &str,
) -> Result<Taken> {
    let mut page = ingest::judge(pass.kind, items);
    let until = cx.now.plus_seconds(pass.lease.ttl);
    for failed in 0..MOST_TRIES {
        let (drafted, taken) = page.draft(cx, pass, failed).await?;
        let mut statements = vec![pass.lease.fenced(&cx).advance(cursor, &pass.mark, until)];
        statements.extend(drafted);
        if commit(&cx, &pass.lease, statements).await? {
            return Ok(taken);
        }
    }
    Err(busy())
}

/// `false` when the batch has to be drafted anew.
pub(super) async fn commit<D: Db>(
    cx: &Cx<'_, D>,
    lease: &Lease,
    statements: Vec<Statement>,
) -> Result<bool> {
    match cx.db.batch(statements).await {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::Stale => {
            let source = source::get(cx.db, cx.namespace, &lease.source).await?;
            if source.fence == lease.fence {
                return Ok(false);
            }
            Err(Error::stale(format!(
                "the lease of source {:?} was lost",
                lease.source
            )))
        }
        Err(error) => Err(error),
    }
}

pub(super) fn busy() -> Error {
    Error::unavailable(
        "too many writers at once: try again",
        "batch stale too often",
    )
}

/// How a complete pass ends.
#[derive(Debug, Clone, Copy)]
pub struct Ending<'a> {
    /// What the source looked like: another one next time means that it changed.
    pub fingerprint: &'a str,
    pub next_run: Timestamp,
    pub removals: Removals,
}

/// Ends a pass that met everything: what a full one did not meet becomes a tombstone, unless that is held back.
pub async fn complete<D: Db>(cx: Cx<'_, D>, pass: Pass, ending: Ending<'_>) -> Result<Source> {
    let held = if pass.is_full() {
        removals::settle(&cx, &pass, &ending).await?
    } else {
        None
    };
    let mut statements = Vec::new();
    if pass.is_full() {
        statements.push(finding::delete_older(pass.key(&cx)));
    }
    let done = Completed {
        now: cx.now,
        next_run: ending.next_run,
        fingerprint: ending.fingerprint,
        mark: &pass.mark,
        full: pass.is_full(),
        counts: entry::count(cx.db, cx.namespace, &pass.lease.source).await?,
    };
    let fenced = pass.lease.fenced(&cx);
    statements.push(match &held {
        None => fenced.complete(&done),
        Some(held) => fenced.held(
            &done,
            &fenced::Held {
                removals: held.removals,
                since: held.since,
                message: &held.message(),
            },
        ),
    });
    statements.push(registry::update_loaded(cx.namespace));
    statements.push(registry::update_counts(cx.namespace));
    cx.db.batch(statements).await?;
    source::get(cx.db, cx.namespace, &pass.lease.source).await
}

/// Nothing has changed at the source since the last complete pass.
pub async fn unchanged<D: Db>(cx: Cx<'_, D>, lease: &Lease, ending: Ending<'_>) -> Result<()> {
    let unchanged = lease
        .fenced(&cx)
        .unchanged(ending.fingerprint, cx.now, ending.next_run);
    cx.db.batch(vec![unchanged]).await
}

/// The attempt failed; what was served goes on being served.
pub async fn fail<D: Db>(
    cx: Cx<'_, D>,
    lease: &Lease,
    message: &str,
    next_run: Timestamp,
) -> Result<()> {
    cx.db
        .batch(vec![lease.fenced(&cx).fail(message, cx.now, next_run)])
        .await
}

/// The saved cursor leads nowhere any more: the next pass begins anew.
pub async fn abandon<D: Db>(cx: Cx<'_, D>, lease: &Lease) -> Result<()> {
    cx.db.batch(vec![lease.fenced(&cx).abandon()]).await
}
