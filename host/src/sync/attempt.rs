//! One attempt at a source: claim its lease, fetch, take in page by page, and write down how it ended.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use cairn_registry::{
    Error, ErrorKind, Result,
    error::What,
    kinds::Kind,
    model::Timestamp,
    ops::{
        ingest::Taken,
        pass::{self, Claim, Ending, Holder, Lease, Mode, Pass},
        removals::Removals,
        report,
    },
};

use tokio::time::{Interval, MissedTickBehavior};

use super::{
    daemon::Daemon,
    holder,
    intake::Intake,
    observe,
    pause::pause,
    settings,
    sources::{self, Fetch, Items, Request, SourceError, Step},
    times::{self, lengthened},
};
use crate::{
    config::{self, Origin, Source},
    memory,
    telemetry::trace::{Kind as SpanKind, Parent, Span},
};

/// Message for a source that another process removed.
pub const REMOVED: &str = "another process has applied a configuration without this source, later than this one: give both \
    processes the same configuration, then restart this one";

/// Message for a source that another process configured.
pub const OVERRULED: &str = "another process configured this source otherwise, later than this one: it is left to \
    processes with that configuration. To have this one's apply again, start this one anew";

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The source had not changed.
    Unchanged,
    /// A pass was completed.
    Complete {
        mode: Mode,
        taken: Taken,
        /// Removals that were held back.
        held: i64,
    },
    /// Another process holds the lease.
    Busy(Holder),
    /// Another process has configured the source otherwise since this one did.
    Overruled,
    /// Another process has applied a configuration without the source since this one did.
    Removed,
    /// The process is to end.
    Stopped,
    /// For people: what happened and what to do.
    Failed(String),
    /// The same, where the database did not take it.
    Unwritten(String),
}

/// One attempt, due or not.
pub(super) async fn run(daemon: &Daemon, source: &Source) -> Outcome {
    let begun = Instant::now();
    let tracer = daemon.tracer.as_ref();
    let span = tracer.and_then(|tracer| tracer.root("sync", SpanKind::Internal));
    let outcome = match claim(daemon, source).await {
        Ok(Claim::Granted(lease)) => {
            let trace = span.as_ref().and_then(Span::below);
            leased(daemon, source, &lease, trace).await
        }
        Ok(Claim::Held(holder)) => Outcome::Busy(holder),
        Ok(Claim::Overruled) => Outcome::Overruled,
        Err(error) if error.kind() == ErrorKind::NotFound(What::Source) => Outcome::Removed,
        Err(error) => unwritten(daemon, error.to_string(), &error),
    };
    observe::settle(daemon, &source.name, &outcome);
    observe::note(daemon, &source.name, &outcome, begun.elapsed());
    if let Some(span) = span {
        observe::trace(span, &source.name, &outcome);
    }
    outcome
}

/// An outcome that the database did not take for that reason.
fn unwritten(daemon: &Daemon, message: String, error: &Error) -> Outcome {
    daemon.unwritten.begin(daemon.db.writes().as_str(), error);
    Outcome::Unwritten(message)
}

/// Writes a failure that no attempt could write itself.
pub(super) async fn note_failure(daemon: &Daemon, source: &Source, message: &str) -> Result<()> {
    let Some(lease) = claim(daemon, source).await?.granted() else {
        return Ok(());
    };
    let cx = daemon.cx();
    let attempts = report::source(cx, &source.name).await?.attempts;
    let next_run = times::after(cx.now, pause(attempts, source.interval, None));
    pass::fail(cx, &lease, message, next_run).await?;
    pass::release(cx, &lease).await
}

async fn claim(daemon: &Daemon, source: &Source) -> Result<Claim> {
    let ttl = i64::try_from(daemon.config.sync.lease.as_secs()).unwrap_or(i64::MAX);
    let spec = settings::spec(&daemon.config, source)?;
    match pass::claim(daemon.cx(), &spec, &daemon.owner, ttl).await? {
        Claim::Held(held) if holder::is_gone(&held.owner) => {
            let by = holder::described(&held.owner);
            tracing::info!(
                source = source.name,
                holder = by,
                "the holder of the lease has ended: its lease is taken over"
            );
            pass::claim_from(daemon.cx(), &spec, &daemon.owner, ttl, &held.owner).await
        }
        claim => Ok(claim),
    }
}

async fn leased(daemon: &Daemon, source: &Source, lease: &Lease, trace: Option<Parent>) -> Outcome {
    let attempt = Attempt {
        daemon,
        source,
        lease,
        trace,
    };
    let outcome = match attempt.fetch().await {
        Ok(outcome) => outcome,
        // Another process has the lease now and goes on with the work.
        Err(error) if error.kind() == ErrorKind::Stale => {
            return Outcome::Busy(Holder::default());
        }
        Err(error) => attempt.fail(error.to_string(), None).await,
    };
    if let Err(error) = pass::release(daemon.cx(), lease).await {
        tracing::debug!(source = source.name, %error, "the lease was gone already");
    }
    outcome
}

struct Attempt<'a> {
    daemon: &'a Daemon,
    source: &'a Source,
    lease: &'a Lease,
    /// What the spans of batches hang below.
    trace: Option<Parent>,
}

impl Attempt<'_> {
    async fn fetch(&self) -> Result<Outcome> {
        if let Err(message) = self.daemon.make_scratch() {
            return Ok(self.fail(message, None).await);
        }
        let row = report::source(self.daemon.cx(), &self.source.name).await?;
        let paged = matches!(self.source.origin, Origin::Api { .. });
        let resuming = paged && !row.pass_cursor.is_empty();
        let mode = self.mode(&row, resuming);
        let request = Request {
            fingerprint: Some(row.fingerprint).filter(|text| !text.is_empty()),
            cursor: resuming.then_some(row.pass_cursor),
            updated_since: (mode == Mode::Incremental).then_some(row.mark),
        };
        let items = match sources::fetch(self.source, request, &self.daemon.context).await {
            Ok(Fetch::Items(items)) => items,
            Ok(Fetch::Unchanged { fingerprint }) => {
                let ending = self.ending(&fingerprint);
                pass::unchanged(self.daemon.cx(), self.lease, ending).await?;
                return Ok(Outcome::Unchanged);
            }
            Err(error) => return self.refused(error).await,
        };
        let filter = settings::filter(&self.source.filter);
        let cx = self.daemon.cx();
        let pass = pass::begin(cx, self.lease.clone(), Kind::Server, filter, mode, paged).await?;
        self.take_all(Intake::new(pass, paged, self.daemon.now()), items)
            .await
    }

    /// An interrupted pass goes on in its own mode. Else only what has changed is asked for, where the source can tell,
    /// except when it is time to read it whole and find what vanished, or when a wrong clock may have written the mark.
    fn mode(&self, row: &report::Source, resuming: bool) -> Mode {
        let longest = self.daemon.config.sync.full_pass_interval.as_secs();
        let longest = i64::try_from(longest).unwrap_or(i64::MAX);
        let now = self.daemon.now();
        let believed = |at: Timestamp| times::has_been(at, now);
        let recent = |at: Timestamp| believed(at) && at.plus_seconds(longest) > now;
        let incremental = if resuming {
            row.pass_state == "incremental"
        } else {
            !row.mark.is_empty()
                && row.full_pass_at.is_some_and(recent)
                && row.last_success_at.is_some_and(believed)
        };
        if incremental {
            Mode::Incremental
        } else {
            Mode::Full
        }
    }

    async fn take_all(&self, mut intake: Intake, mut items: Items) -> Result<Outcome> {
        // Counts on from page to page: many that come quickly may be long in coming to a batch.
        let mut renewal = tokio::time::interval(self.daemon.config.sync.lease / 3);
        renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
        renewal.reset();
        loop {
            match self.next(&mut items, &mut renewal).await? {
                Ok(Step::Batch(batch)) => {
                    for item in batch {
                        intake.push(item);
                        if intake.is_full() {
                            self.commit(&mut intake).await?;
                            if intake.is_beyond_findings() {
                                return self.refused(SourceError::useless()).await;
                            }
                            renewal.reset();
                        }
                    }
                }
                Ok(Step::Complete(complete)) => {
                    self.commit(&mut intake).await?;
                    if intake.is_beyond_findings() {
                        return self.refused(SourceError::useless()).await;
                    }
                    let (mut pass, taken) = intake.finish();
                    if complete.partial {
                        tracing::warn!(
                            source = self.source.name,
                            "a file of the source cannot be read; nothing is removed; `cairn sync --report` names it"
                        );
                        pass.keep_unmet();
                    }
                    let fingerprint = complete.fingerprint.unwrap_or_default();
                    return self.complete(pass, taken, &fingerprint).await;
                }
                Err(error) => return self.refused(error).await,
            }
        }
    }

    /// Commits what there is, as a span of its own.
    async fn commit(&self, intake: &mut Intake) -> Result<()> {
        if intake.is_empty() {
            return Ok(());
        }
        let trace = self.trace.as_ref();
        let mut span = trace.map(|trace| trace.child("batch", SpanKind::Internal));
        if let Some(span) = &mut span {
            span.note("cairn.sync.records", intake.len() as u64);
        }
        let records = intake.len() as u64;
        let done = intake.commit(self.daemon.cx()).await;
        match (&mut span, &done) {
            (Some(span), Err(error)) => span.fail(error.to_string()),
            (None, Err(_)) => {}
            (_, Ok(())) => drop(self.daemon.committed.fetch_add(records, Ordering::Relaxed)),
        }
        memory::trim();
        done
    }

    /// The next step; the lease is kept alive while an upstream takes its time.
    async fn next(
        &self,
        items: &mut Items,
        renewal: &mut Interval,
    ) -> Result<Result<Step, SourceError>> {
        loop {
            tokio::select! {
                biased;
                _ = renewal.tick() => pass::renew(self.daemon.cx(), self.lease).await?,
                step = items.next() => return Ok(step),
            }
        }
    }

    async fn complete(&self, pass: Pass, taken: Taken, fingerprint: &str) -> Result<Outcome> {
        let mode = pass.mode();
        let ending = self.ending(fingerprint);
        let row = pass::complete(self.daemon.cx(), pass, ending).await?;
        Ok(Outcome::Complete {
            mode,
            taken,
            held: row.held_removals,
        })
    }

    fn ending<'f>(&self, fingerprint: &'f str) -> Ending<'f> {
        let unbounded =
            self.daemon.allow_removals || self.source.removals == config::Removals::Unbounded;
        let after = i64::try_from(self.source.interval.as_secs()).unwrap_or(i64::MAX);
        Ending {
            fingerprint,
            next_run: self.next_run(),
            removals: if unbounded {
                Removals::Unbounded
            } else {
                Removals::Confirmed { after }
            },
        }
    }

    /// The source could not be read, or not to its end.
    async fn refused(&self, error: SourceError) -> Result<Outcome> {
        match error.kind {
            sources::Kind::Stopped => return Ok(Outcome::Stopped),
            sources::Kind::CursorRejected | sources::Kind::Inconsistent => {
                pass::abandon(self.daemon.cx(), self.lease).await?
            }
            _ => {}
        }
        Ok(self.fail(error.message, error.retry_after).await)
    }

    async fn fail(&self, message: String, retry_after: Option<Duration>) -> Outcome {
        let row = report::source(self.daemon.cx(), &self.source.name).await;
        let attempts = row.map_or(0, |row| row.attempts);
        let pause = pause(attempts, self.source.interval, retry_after);
        let cx = self.daemon.cx();
        let next_run = times::after(cx.now, pause);
        match pass::fail(cx, self.lease, &message, next_run).await {
            Ok(()) => Outcome::Failed(message),
            Err(error) => unwritten(self.daemon, message, &error),
        }
    }

    /// One interval from now, and a little more, so that many sources do not wake at once.
    fn next_run(&self) -> Timestamp {
        let longer = lengthened(
            self.source.interval,
            fastrand::f64() * times::INTERVAL_JITTER,
        );
        times::after(self.daemon.now(), longer)
    }
}
