//! One attempt at a source: claim its lease, fetch, take in page by page, and write down how it ended.

use std::time::{Duration, Instant};

use cairn_registry::{
    ErrorKind, Result,
    kinds::Kind,
    model::Timestamp,
    ops::{
        ingest::Taken,
        pass::{self, Claim, Ending, Lease, Mode, Pass},
        report,
    },
};

use tokio::time::{Interval, MissedTickBehavior};

use super::{
    daemon::Daemon,
    intake::Intake,
    settings,
    sources::{self, Fetch, Items, Request, SourceError, Step},
};
use crate::{
    config::{Origin, Source},
    memory,
    telemetry::trace::{Kind as SpanKind, Parent, Span},
};

/// Pause after the first failure; it doubles with each further one, up to the source's interval.
pub(super) const FIRST_PAUSE: Duration = Duration::from_secs(5);

/// Most that an upstream's `Retry-After` may ask for; a source with a longer interval may be left alone for that long.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);

/// What a person is told when a source is left alone for that.
pub const OVERRULED: &str = "another process configured this source otherwise, later than this one: it is left to \
    processes with that configuration. To have this one's apply again, start this one anew";

/// The message of a source of which only a part could be read.
const PARTIAL: &str = "a file of the folder cannot be read, so that nothing is removed; the others are served; mend the file \
    that `cairn sync --report` names";

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The source had not changed.
    Unchanged,
    /// A pass was completed.
    Complete { mode: Mode, taken: Taken },
    /// Another process holds the lease.
    Busy,
    /// Another process has configured the source otherwise since this one did.
    Overruled,
    /// The process is to end.
    Stopped,
    /// For people: what happened and what to do.
    Failed(String),
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
        Ok(Claim::Held) => Outcome::Busy,
        Ok(Claim::Overruled) => Outcome::Overruled,
        Err(error) => Outcome::Failed(error.to_string()),
    };
    note(daemon, &source.name, &outcome, begun.elapsed());
    if let Some(span) = span {
        trace(span, &source.name, &outcome);
    }
    outcome
}

async fn claim(daemon: &Daemon, source: &Source) -> Result<Claim> {
    let ttl = i64::try_from(daemon.config.sync.lease.as_secs()).unwrap_or(i64::MAX);
    let spec = settings::spec(&daemon.config, source)?;
    pass::claim(daemon.cx(), &spec, &daemon.owner, ttl).await
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
        // Somebody else has the lease now and goes on with the work.
        Err(error) if error.kind() == ErrorKind::Stale => return Outcome::Busy,
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
                let ending = Ending {
                    fingerprint: &fingerprint,
                    next_run: self.next_run(),
                };
                pass::unchanged(self.daemon.cx(), self.lease, ending).await?;
                return Ok(Outcome::Unchanged);
            }
            Err(error) => return self.refused(error).await,
        };
        let filter = settings::filter(&self.source.filter);
        let cx = self.daemon.cx();
        let pass = pass::begin(cx, self.lease.clone(), Kind::Server, filter, mode, paged).await?;
        self.take_all(Intake::new(pass, paged), items).await
    }

    /// An interrupted pass goes on in its own mode. Else only what has changed is asked for, where the source can tell,
    /// except when it is time to read it whole and find what vanished.
    fn mode(&self, row: &report::Source, resuming: bool) -> Mode {
        let longest = self.daemon.config.sync.full_pass_interval.as_secs();
        let longest = i64::try_from(longest).unwrap_or(i64::MAX);
        let recent = |at: Timestamp| at.plus_seconds(longest) > super::now();
        let incremental = if resuming {
            row.pass_state == "incremental"
        } else {
            !row.mark.is_empty() && row.full_pass_at.is_some_and(recent)
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
                            renewal.reset();
                        }
                    }
                }
                Ok(Step::Complete(complete)) => {
                    self.commit(&mut intake).await?;
                    if complete.partial {
                        return Ok(self.fail(PARTIAL.to_owned(), None).await);
                    }
                    let (pass, taken) = intake.finish();
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
        let done = intake.commit(self.daemon.cx()).await;
        if let (Some(span), Err(error)) = (&mut span, &done) {
            span.fail(error.to_string());
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
        let ending = Ending {
            fingerprint,
            next_run: self.next_run(),
        };
        pass::complete(self.daemon.cx(), pass, ending).await?;
        Ok(Outcome::Complete { mode, taken })
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
        let next_run = super::later(pause(attempts, self.source.interval, retry_after));
        if let Err(error) = pass::fail(self.daemon.cx(), self.lease, &message, next_run).await {
            tracing::error!(source = self.source.name, %error, "the failure could not be written down");
        }
        Outcome::Failed(message)
    }

    /// One interval from now, and a little more, so that many sources do not wake at once.
    fn next_run(&self) -> Timestamp {
        super::later(lengthened(self.source.interval, fastrand::f64() / 10.0))
    }
}

/// The pause after a failure: doubling, at least what upstream asks for within bounds, and up to a quarter more.
fn pause(attempts: i64, interval: Duration, retry_after: Option<Duration>) -> Duration {
    let doublings = u32::try_from(attempts.clamp(0, 10)).unwrap_or(0);
    let own = FIRST_PAUSE.saturating_mul(2_u32.pow(doublings));
    let asked = retry_after
        .unwrap_or_default()
        .min(interval.max(LONGEST_RETRY_AFTER));
    lengthened(
        own.min(interval.max(FIRST_PAUSE)).max(asked),
        fastrand::f64() / 4.0,
    )
}

/// The time and a share of it more; the longest there is where that is too much.
fn lengthened(time: Duration, share: f64) -> Duration {
    Duration::try_from_secs_f64(time.as_secs_f64() * (1.0 + share)).unwrap_or(Duration::MAX)
}

/// Ends the span of an attempt. One that found another process at work is not told: it comes every second.
fn trace(mut span: Span, name: &str, outcome: &Outcome) {
    span.note("cairn.source", name.to_owned());
    let told = match outcome {
        Outcome::Busy => return span.forget(),
        Outcome::Unchanged => "unchanged",
        Outcome::Complete { taken, .. } => {
            for (figure, number) in [
                ("cairn.sync.read", taken.read),
                ("cairn.sync.written", taken.written),
                ("cairn.sync.quarantined", taken.quarantined),
            ] {
                span.note(figure, number);
            }
            "complete"
        }
        Outcome::Overruled => "overruled",
        Outcome::Stopped => "stopped",
        Outcome::Failed(message) => {
            span.fail(message.clone());
            "failed"
        }
    };
    span.note("cairn.sync.outcome", told);
}

fn note(daemon: &Daemon, name: &str, outcome: &Outcome, took: Duration) {
    let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    match outcome {
        Outcome::Unchanged => tracing::info!(source = name, milliseconds, "nothing has changed"),
        Outcome::Complete { mode, taken } => tracing::info!(
            source = name,
            milliseconds,
            ?mode,
            read = taken.read,
            written = taken.written,
            quarantined = taken.quarantined,
            duplicates = taken.duplicates,
            "synchronised"
        ),
        Outcome::Failed(message) => tracing::warn!(source = name, milliseconds, message, "failed"),
        Outcome::Busy => tracing::debug!(source = name, "another process is at it"),
        Outcome::Overruled => tracing::warn!(source = name, OVERRULED),
        Outcome::Stopped => tracing::info!(source = name, "stopped before the end"),
    }
    let Some(metrics) = &daemon.metrics else {
        return;
    };
    match outcome {
        Outcome::Unchanged | Outcome::Complete { .. } => metrics.synced(name, "success", took),
        Outcome::Failed(_) => {
            metrics.synced(name, "failure", took);
            metrics.error("source", "sync");
        }
        Outcome::Busy | Outcome::Overruled | Outcome::Stopped => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_interval_and_honour_the_upstream() {
        let check = |attempts, retry_after: Option<u64>, seconds: u64| {
            let found = pause(
                attempts,
                Duration::from_secs(60),
                retry_after.map(Duration::from_secs),
            );
            let expected = Duration::from_secs(seconds);
            assert!(
                found >= expected && found <= expected.mul_f64(1.25),
                "{attempts}: {found:?}"
            );
        };
        check(0, None, 5);
        check(1, None, 10);
        check(3, None, 40);
        check(4, None, 60);
        check(1000, None, 60);
        check(0, Some(300), 300);
        check(3, Some(1), 40);
    }

    #[test]
    fn pauses_asked_for_are_bounded_by_the_interval_or_an_hour() {
        let hour = Duration::from_secs(3600);
        for (asked, interval, most) in [
            (Duration::from_secs(9_999_999_999), hour / 60, hour),
            (Duration::MAX, hour / 3600, hour),
            (Duration::MAX, hour * 24, hour * 24),
            (Duration::from_secs(u64::MAX), Duration::MAX, Duration::MAX),
        ] {
            let found = pause(0, interval, Some(asked));
            assert!(found >= most.min(asked), "{asked:?}: {found:?}");
            assert!(found <= lengthened(most, 0.25), "{asked:?}: {found:?}");
        }
    }
}
