//! Statements by which a lease's holder writes into its source's row. Each fails under a newer fence.

use super::{Statement, Value, entry::Counts, source::unjudged};
use crate::model::{Namespace, Timestamp};

/// The right to write for a source: name and fence. Every statement made from it fails under a newer fence.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fenced<'a> {
    pub(crate) namespace: &'a Namespace,
    pub(crate) name: &'a str,
    pub(crate) fence: i64,
}

impl Fenced<'_> {
    /// `assignments` use parameters from `?4` on.
    fn update(&self, assignments: &str, values: impl IntoIterator<Item = Value>) -> Statement {
        let mut parameters = vec![
            self.namespace.as_str().into(),
            self.name.into(),
            self.fence.into(),
        ];
        parameters.extend(values);
        Statement::expecting(
            1,
            format!(
                "UPDATE source SET {assignments} WHERE namespace = ?1 AND name = ?2 AND fence = ?3"
            ),
            parameters,
        )
    }

    pub(crate) fn renew(&self, until: Timestamp) -> Statement {
        self.update("lease_until = ?4", [until.as_micros().into()])
    }

    pub(crate) fn release(&self) -> Statement {
        self.update("lease_owner = '', lease_until = 0", [])
    }

    /// Its entries are about to be judged by that filter: until that is done no lease holds and none is given.
    pub(crate) fn judge(&self, filter: &str) -> Statement {
        self.update(
            "filter = ?4, fence = fence + 1, lease_owner = '', lease_until = 0",
            [unjudged(filter).into()],
        )
    }

    /// Nothing but the fence: what stands in a batch with it fails under a newer one.
    pub(crate) fn hold(&self) -> Statement {
        self.update("fence = fence", [])
    }

    pub(crate) fn judged(&self, filter: &str) -> Statement {
        self.update("filter = ?4", [filter.into()])
    }

    /// A pass begins; `state` is `full` or `incremental`.
    pub(crate) fn begin(&self, pass: i64, state: &str, now: Timestamp) -> Statement {
        self.update(
            "phase = 'syncing', pass = ?4, pass_state = ?5, pass_cursor = '', pass_mark = '', last_attempt_at = ?6",
            [pass.into(), state.into(), now.as_micros().into()],
        )
    }

    /// A pass that an earlier process began goes on.
    pub(crate) fn resume(&self, now: Timestamp) -> Statement {
        self.update(
            "phase = 'syncing', last_attempt_at = ?4",
            [now.as_micros().into()],
        )
    }

    /// A page has been taken in; `cursor` leads to the next one.
    pub(crate) fn advance(&self, cursor: &str, mark: &str, until: Timestamp) -> Statement {
        self.update(
            "pass_cursor = ?4, pass_mark = ?5, lease_until = ?6",
            [cursor.into(), mark.into(), until.as_micros().into()],
        )
    }

    /// Nothing had changed at the source; the fingerprint may be another one that says the same.
    pub(crate) fn unchanged(
        &self,
        fingerprint: &str,
        now: Timestamp,
        next_run: Timestamp,
    ) -> Statement {
        self.update(
            "phase = 'complete', message = '', attempts = 0, last_attempt_at = ?4, last_success_at = ?4, \
             next_run_at = ?5, fingerprint = ?6",
            [now.as_micros().into(), next_run.as_micros().into(), fingerprint.into()],
        )
    }

    pub(crate) fn fail(&self, message: &str, now: Timestamp, next_run: Timestamp) -> Statement {
        self.update(
            "phase = 'failed', message = ?4, attempts = attempts + 1, last_attempt_at = ?5, next_run_at = ?6",
            [
                message.replace('\0', "\u{fffd}").into(),
                now.as_micros().into(),
                next_run.as_micros().into(),
            ],
        )
    }

    /// Abandons the pass under way and the mark: the next one begins anew and reads everything.
    pub(crate) fn abandon(&self) -> Statement {
        self.update(
            "mark = '', pass_state = 'idle', pass_cursor = '', pass_mark = ''",
            [],
        )
    }

    /// The pass is complete.
    pub(crate) fn complete(&self, done: &Completed<'_>) -> Statement {
        let ending = format!(
            "phase = 'complete', message = '', fingerprint = ?9, mark = ?10, \
             full_pass_at = COALESCE(?11, full_pass_at), held_removals = 0, held_since = NULL, {COMPLETED}"
        );
        let more = [
            done.fingerprint.into(),
            done.mark.into(),
            done.full.then_some(done.now.as_micros()).into(),
        ];
        self.update(&ending, done.values().into_iter().chain(more))
    }

    /// A whole pass is complete, and what it would have removed is held back: the next one reads everything again.
    pub(crate) fn held(&self, done: &Completed<'_>, held: &Held<'_>) -> Statement {
        let ending = format!(
            "phase = 'held', message = ?9, fingerprint = '', mark = '', held_removals = ?10, held_since = ?11, {COMPLETED}"
        );
        let more = [
            held.message.into(),
            held.removals.into(),
            held.since.as_micros().into(),
        ];
        self.update(&ending, done.values().into_iter().chain(more))
    }
}

/// Columns that every complete pass writes of its source.
const COMPLETED: &str = "attempts = 0, last_success_at = ?4, next_run_at = ?5, pass_state = 'idle', pass_cursor = '', \
    pass_mark = '', records = ?6, warned = ?7, hidden = ?8, \
    quarantined = (SELECT count(*) FROM finding f WHERE f.namespace = ?1 AND f.source = ?2 AND f.class = 'quarantined'), \
    duplicates = (SELECT count(*) FROM finding f WHERE f.namespace = ?1 AND f.source = ?2 AND f.class = 'duplicate'), \
    skipped = (SELECT CAST(COALESCE(sum(CAST(f.detail AS BIGINT)), 0) AS BIGINT) FROM finding f WHERE f.namespace = ?1 \
    AND f.source = ?2 AND f.class = 'skipped')";

/// Removals that are held back.
pub(crate) struct Held<'a> {
    pub(crate) removals: i64,
    pub(crate) since: Timestamp,
    /// For an operator.
    pub(crate) message: &'a str,
}

/// State in which a complete pass leaves its source.
pub(crate) struct Completed<'a> {
    pub(crate) now: Timestamp,
    pub(crate) next_run: Timestamp,
    pub(crate) fingerprint: &'a str,
    pub(crate) mark: &'a str,
    pub(crate) full: bool,
    pub(crate) counts: Counts,
}

impl Completed<'_> {
    /// Parameters of [`COMPLETED`], from `?4` on.
    fn values(&self) -> [Value; 5] {
        [
            self.now.as_micros().into(),
            self.next_run.as_micros().into(),
            self.counts.records.into(),
            self.counts.warned.into(),
            self.counts.hidden.into(),
        ]
    }
}
