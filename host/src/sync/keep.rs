//! The loop of one source: sleep until it is due, run an attempt, for as long as the process lives. It depends on nothing that
//! an attempt may have failed to write.

use std::{any::Any, panic::AssertUnwindSafe, time::Duration};

use cairn_registry::{
    ErrorKind, Result,
    error::What,
    ops::{pass::Holder, report},
};
use futures_util::FutureExt;

use super::{
    attempt::{self, OVERRULED, Outcome, REMOVED},
    backoff::Backoff,
    daemon::Daemon,
    holder,
    pause::FIRST_PAUSE,
    times,
};
use crate::config::Source;

/// Longest sleep of a source before it looks at its row again: another process may have moved it.
const LONGEST_NAP: Duration = Duration::from_secs(30);

/// Between two looks at a source that another process is reading.
pub(super) const BUSY_NAP: Duration = Duration::from_secs(1);

/// Outcome of a turn of the loop.
enum Next {
    /// The row says when the source is due again.
    Look,
    Sleep(Duration),
    /// The row says nothing that can be relied on.
    BackOff,
    End,
}

/// Runs a source whenever it is due. A panic costs one attempt.
pub(super) async fn keep(daemon: &Daemon, source: &Source) {
    let mut turns = Turns::default();
    loop {
        let turn = AssertUnwindSafe(turns.next(daemon, source)).catch_unwind();
        let ends = match turn.await {
            Ok(ends) => ends,
            Err(panic) => {
                let words = words(&*panic).to_owned();
                drop(panic);
                crashed(daemon, source, &words).await;
                daemon.nap(turns.backoff.next()).await
            }
        };
        if ends {
            return;
        }
    }
}

/// State that one turn leaves to the next.
#[derive(Default)]
struct Turns {
    backoff: Backoff,
    /// True if the turn before ended with an attempt that the row should show.
    attempted: bool,
    /// The holder that the log names already.
    waited_for: String,
}

impl Turns {
    /// One turn with the pause after it; `true` when the process is to end.
    async fn next(&mut self, daemon: &Daemon, source: &Source) -> bool {
        let attempted = std::mem::take(&mut self.attempted);
        match turn(daemon, source, attempted, &mut self.waited_for).await {
            Next::End => true,
            Next::Look => {
                self.attempted = true;
                daemon.stops()
            }
            Next::Sleep(pause) => {
                self.backoff.reset();
                daemon.nap(pause).await
            }
            Next::BackOff => {
                let most = source.interval.max(FIRST_PAUSE);
                let pause = self.backoff.next().min(most);
                daemon.wait_for_writes(source, pause).await
            }
        }
    }
}

async fn turn(daemon: &Daemon, source: &Source, attempted: bool, waited_for: &mut String) -> Next {
    match until_due(daemon, source).await {
        Ok(pause) if !pause.is_zero() => Next::Sleep(pause.min(LONGEST_NAP)),
        // The attempt before this turn left no trace in the row.
        Ok(_) if attempted => Next::BackOff,
        Ok(_) => {
            let outcome = attempt::run(daemon, source).await;
            if let Outcome::Busy(holder) = &outcome {
                log_wait(&source.name, holder, waited_for);
            }
            follow(daemon, source, outcome)
        }
        Err(error) if error.kind() == ErrorKind::NotFound(What::Source) => {
            follow(daemon, source, Outcome::Removed)
        }
        Err(error) => {
            daemon.unwritten.begin("down", &error);
            Next::BackOff
        }
    }
}

fn follow(daemon: &Daemon, source: &Source, outcome: Outcome) -> Next {
    match outcome {
        Outcome::Stopped => Next::End,
        Outcome::Busy(_) => Next::Sleep(BUSY_NAP),
        Outcome::Overruled => overruled(daemon, source, OVERRULED),
        Outcome::Removed => overruled(daemon, source, REMOVED),
        Outcome::Unwritten(_) => Next::BackOff,
        Outcome::Unchanged | Outcome::Complete { .. } | Outcome::Failed(_) => Next::Look,
    }
}

fn overruled(daemon: &Daemon, source: &Source, message: &str) -> Next {
    if daemon.unwritten.overruled(&source.name, message) {
        tracing::warn!(
            source = source.name,
            reason = message,
            "the source is not read by this process"
        );
    }
    Next::Sleep(LONGEST_NAP)
}

/// Logs who holds the lease that a source waits for, once for each holder.
pub(super) fn log_wait(name: &str, by: &Holder, waited_for: &mut String) {
    if *waited_for != by.owner {
        waited_for.clone_from(&by.owner);
        tracing::info!(
            source = name,
            lease = held(by),
            "another process reads the source: this one waits for it"
        );
    }
}

/// A lease in words.
pub(super) fn held(by: &Holder) -> String {
    format!(
        "held by {} until {}",
        holder::described(&by.owner),
        by.until
    )
}

/// Time until the source is due; an earlier one than the row says is written into the row.
async fn until_due(daemon: &Daemon, source: &Source) -> Result<Duration> {
    let cx = daemon.cx();
    let row = report::source(cx, &source.name).await?;
    let pause = times::until_due(&row, source.interval, cx.now);
    let due = times::after(cx.now, pause);
    if due < row.next_run_at && !pause.is_zero() {
        report::reschedule(cx, &row, due).await?;
    }
    Ok(pause)
}

/// Notes a panic as a failed attempt.
async fn crashed(daemon: &Daemon, source: &Source, words: &str) {
    let message = format!("the attempt panicked: {words}; report it, it should not");
    tracing::error!(
        source = source.name,
        reason = message,
        "the task of the source panicked and is started again"
    );
    if let Some(metrics) = &daemon.metrics {
        metrics.error("panic", "sync");
    }
    let noted = AssertUnwindSafe(attempt::note_failure(daemon, source, &message)).catch_unwind();
    if !matches!(noted.await, Ok(Ok(()))) {
        daemon.unwritten.failed(&source.name, &message);
    }
}

/// Returns the message of a panic.
pub(super) fn words(panic: &(dyn Any + Send)) -> &str {
    let literal = panic.downcast_ref::<&str>().copied();
    let formatted = panic.downcast_ref::<String>().map(String::as_str);
    literal.or(formatted).unwrap_or("without a message")
}

/// Logs when each source is due.
pub(super) async fn announce(daemon: &Daemon) {
    for source in &daemon.config.sources {
        let cx = daemon.cx();
        let Ok(row) = report::source(cx, &source.name).await else {
            continue;
        };
        for doubt in times::doubtful(&row, source.interval, daemon.config.sync.lease, cx.now) {
            tracing::warn!(
                source = source.name,
                doubt,
                "a clock was wrong, or is: this time is not believed"
            );
        }
        let due = times::after(cx.now, times::until_due(&row, source.interval, cx.now));
        tracing::info!(source = source.name, phase = row.phase, next_run = %due, "the source is kept up to date");
    }
}
