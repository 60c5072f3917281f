//! Reports of an attempt: log, metrics, spans, and the state that rows do not show. It decides nothing.

use std::time::Duration;

use super::{attempt::Outcome, daemon::Daemon};
use crate::telemetry::trace::Span;

/// Keeps apart what the row shows from what it does not.
pub(super) fn settle(daemon: &Daemon, name: &str, outcome: &Outcome) {
    match outcome {
        Outcome::Unwritten(message) => daemon.unwritten.failed(name, message),
        Outcome::Unchanged | Outcome::Complete { .. } | Outcome::Failed(_) => {
            daemon.unwritten.written(name);
            daemon.unwritten.end();
        }
        Outcome::Busy(_) => daemon.unwritten.written(name),
        Outcome::Overruled | Outcome::Removed | Outcome::Stopped => {}
    }
}

/// Ends the span of an attempt. One that found another process at work is not told: it comes every second.
pub(super) fn trace(mut span: Span, name: &str, outcome: &Outcome) {
    span.note("cairn.source", name.to_owned());
    let told = match outcome {
        Outcome::Busy(_) => return span.forget(),
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
        Outcome::Overruled | Outcome::Removed => "overruled",
        Outcome::Stopped => "stopped",
        Outcome::Failed(message) | Outcome::Unwritten(message) => {
            span.fail(message.clone());
            "failed"
        }
    };
    span.note("cairn.sync.outcome", told);
}

pub(super) fn note(daemon: &Daemon, name: &str, outcome: &Outcome, took: Duration) {
    let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    match outcome {
        Outcome::Unchanged => tracing::info!(source = name, milliseconds, "nothing has changed"),
        Outcome::Complete { mode, taken, held } => {
            tracing::info!(
                source = name,
                milliseconds,
                ?mode,
                read = taken.read,
                written = taken.written,
                quarantined = taken.quarantined,
                duplicates = taken.duplicates,
                held,
                "synchronised"
            );
            if *held > 0 {
                tracing::warn!(
                    source = name,
                    removals = held,
                    "most of the source was missing: its removals are held back until another reading confirms them"
                );
            }
        }
        Outcome::Failed(reason) => tracing::warn!(source = name, milliseconds, reason, "failed"),
        // That the database takes no writes is logged once for all sources.
        Outcome::Unwritten(reason) => {
            tracing::debug!(
                source = name,
                milliseconds,
                reason,
                "failed, which could not be written"
            );
        }
        Outcome::Busy(holder) => {
            tracing::debug!(source = name, ?holder, "another process reads it")
        }
        // The loop of the source logs these once.
        Outcome::Overruled | Outcome::Removed => {}
        Outcome::Stopped => tracing::info!(source = name, "stopped before the end"),
    }
    let Some(metrics) = &daemon.metrics else {
        return;
    };
    match outcome {
        Outcome::Unchanged | Outcome::Complete { .. } => metrics.synced(name, "success", took),
        Outcome::Failed(_) | Outcome::Unwritten(_) => {
            metrics.synced(name, "failure", took);
            metrics.error("source", "sync");
        }
        Outcome::Busy(_) | Outcome::Overruled | Outcome::Removed | Outcome::Stopped => {}
    }
}
