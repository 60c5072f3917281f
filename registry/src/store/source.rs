//! Sources: their lease, the pass under way, and how the last ones ended.

use super::{Db, Row, Statement, Value};
use crate::{
    Error, Result,
    error::What,
    model::{Namespace, Timestamp},
};

/// What stands for a filter while entries are judged by it. No fingerprint is like it.
fn unjudged(filter: &str) -> String {
    format!("unjudged {filter}")
}

/// A source with its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub name: String,
    /// Fingerprint of where it reads from.
    pub(crate) origin: String,
    /// Fingerprint of the filter its entries were judged by; another text while they are.
    pub(crate) filter: String,
    pub(crate) fence: i64,
    pub lease_owner: String,
    pub lease_until: Timestamp,
    /// `pending`, `syncing`, `complete` or `failed`.
    pub phase: String,
    /// What a person should know of the last attempt.
    pub message: String,
    /// Since the last success.
    pub attempts: i64,
    pub last_attempt_at: Option<Timestamp>,
    pub last_success_at: Option<Timestamp>,
    pub next_run_at: Timestamp,
    /// What the last complete pass saw.
    pub fingerprint: String,
    /// `updated_since` of the next incremental pass; empty for a full one.
    pub mark: String,
    pub full_pass_at: Option<Timestamp>,
    pub(crate) pass: i64,
    /// `idle`, `full` or `incremental`.
    pub pass_state: String,
    pub pass_cursor: String,
    pub(crate) pass_mark: String,
    pub records: i64,
    pub warned: i64,
    pub hidden: i64,
    pub quarantined: i64,
    pub duplicates: i64,
    pub skipped: i64,
}

impl Source {
    /// Whether its entries are being judged by that filter just now.
    pub(crate) fn is_judged_by(&self, filter: &str) -> bool {
        self.filter == unjudged(filter)
    }
}

const COLUMNS: &str = "name, origin, filter, fence, lease_owner, lease_until, phase, message, attempts, \
    last_attempt_at, last_success_at, next_run_at, fingerprint, mark, full_pass_at, pass, pass_state, pass_cursor, \
    pass_mark, records, warned, hidden, quarantined, duplicates, skipped";

fn from_row(mut row: Row) -> Result<Source> {
    let time = |micros: Option<i64>| micros.map(Timestamp::from_micros);
    Ok(Source {
        name: row.text()?,
        origin: row.text()?,
        filter: row.text()?,
        fence: row.integer()?,
        lease_owner: row.text()?,
        lease_until: Timestamp::from_micros(row.integer()?),
        phase: row.text()?,
        message: row.text()?,
        attempts: row.integer()?,
        last_attempt_at: time(row.optional_integer()?),
        last_success_at: time(row.optional_integer()?),
        next_run_at: Timestamp::from_micros(row.integer()?),
        fingerprint: row.text()?,
        mark: row.text()?,
        full_pass_at: time(row.optional_integer()?),
        pass: row.integer()?,
        pass_state: row.text()?,
        pass_cursor: row.text()?,
        pass_mark: row.text()?,
        records: row.integer()?,
        warned: row.integer()?,
        hidden: row.integer()?,
        quarantined: row.integer()?,
        duplicates: row.integer()?,
        skipped: row.integer()?,
    })
}

/// All sources by name.
pub(crate) async fn list(db: &impl Db, namespace: &Namespace) -> Result<Vec<Source>> {
    let sql = format!("SELECT {COLUMNS} FROM source WHERE namespace = ?1 ORDER BY name");
    let rows = db.query(&sql, vec![namespace.as_str().into()]).await?;
    rows.into_iter().map(from_row).collect()
}

pub(crate) async fn get(db: &impl Db, namespace: &Namespace, name: &str) -> Result<Source> {
    let sql = format!("SELECT {COLUMNS} FROM source WHERE namespace = ?1 AND name = ?2");
    let rows = db
        .query(&sql, vec![namespace.as_str().into(), name.into()])
        .await?;
    let row = rows.into_iter().next();
    row.map(from_row)
        .transpose()?
        .ok_or_else(|| Error::not_found(What::Source, format!("no source is named {name:?}")))
}

/// What a source is configured as, for as long as that stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Configured<'a> {
    pub(crate) namespace: &'a Namespace,
    pub(crate) name: &'a str,
    /// Fingerprints, as in [`Source`].
    pub(crate) origin: &'a str,
    pub(crate) filter: &'a str,
}

/// A source that was not there before: due at once. The fence begins with the time, above any that a source of that name
/// had before it was taken out.
pub(crate) fn insert(source: Configured<'_>, now: Timestamp) -> Statement {
    Statement::new(
        "INSERT INTO source (namespace, name, origin, filter, fence, lease_owner, lease_until, phase, message, \
         attempts, next_run_at, fingerprint, mark, pass, pass_state, pass_cursor, pass_mark, records, warned, hidden, \
         quarantined, duplicates, skipped) \
         VALUES (?1, ?2, ?3, ?4, ?5, '', 0, 'pending', '', 0, 0, '', '', 0, 'idle', '', '', 0, 0, 0, 0, 0, 0) \
         ON CONFLICT DO NOTHING",
        vec![
            source.namespace.as_str().into(),
            source.name.into(),
            source.origin.into(),
            source.filter.into(),
            now.as_micros().into(),
        ],
    )
}

/// A source as it stood elsewhere, without a lease and without a pass under way.
pub(crate) fn insert_settled(namespace: &Namespace, source: &Source) -> Statement {
    let time = |time: Option<Timestamp>| Value::from(time.map(Timestamp::as_micros));
    Statement::new(
        format!(
            "INSERT INTO source (namespace, {COLUMNS}) VALUES (?1, ?2, ?3, ?4, 0, '', 0, ?5, ?6, ?7, ?8, ?9, ?10, \
             ?11, ?12, ?13, ?14, 'idle', '', '', ?15, ?16, ?17, ?18, ?19, ?20)"
        ),
        vec![
            namespace.as_str().into(),
            source.name.as_str().into(),
            source.origin.as_str().into(),
            source.filter.as_str().into(),
            source.phase.as_str().into(),
            source.message.as_str().into(),
            source.attempts.into(),
            time(source.last_attempt_at),
            time(source.last_success_at),
            source.next_run_at.as_micros().into(),
            source.fingerprint.as_str().into(),
            source.mark.as_str().into(),
            time(source.full_pass_at),
            source.pass.into(),
            source.records.into(),
            source.warned.into(),
            source.hidden.into(),
            source.quarantined.into(),
            source.duplicates.into(),
            source.skipped.into(),
        ],
    )
}

/// It reads from elsewhere now: nothing it knew of the old place holds, and no lease either.
pub(crate) fn update_origin(namespace: &Namespace, name: &str, origin: &str) -> Statement {
    Statement::new(
        "UPDATE source SET origin = ?3, fence = fence + 1, lease_owner = '', lease_until = 0, next_run_at = 0, \
         fingerprint = '', mark = '', pass_state = 'idle', pass_cursor = '', pass_mark = '' \
         WHERE namespace = ?1 AND name = ?2",
        vec![namespace.as_str().into(), name.into(), origin.into()],
    )
}

pub(crate) fn delete(namespace: &Namespace, name: &str) -> Statement {
    Statement::new(
        "DELETE FROM source WHERE namespace = ?1 AND name = ?2",
        vec![namespace.as_str().into(), name.into()],
    )
}

/// Takes the lease when nobody else holds it and the source is still configured like this; the fence moves, so that what an
/// earlier holder still writes is refused.
pub(crate) fn claim(
    source: Configured<'_>,
    owner: &str,
    now: Timestamp,
    until: Timestamp,
) -> Statement {
    Statement::expecting(
        1,
        "UPDATE source SET fence = fence + 1, lease_owner = ?3, lease_until = ?5 \
         WHERE namespace = ?1 AND name = ?2 AND (lease_owner = ?3 OR lease_until <= ?4) AND origin = ?6 AND filter = ?7",
        vec![
            source.namespace.as_str().into(),
            source.name.into(),
            owner.into(),
            now.as_micros().into(),
            until.as_micros().into(),
            source.origin.into(),
            source.filter.into(),
        ],
    )
}

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
        let assignments = "phase = 'complete', message = '', attempts = 0, last_success_at = ?4, next_run_at = ?5, \
            fingerprint = ?6, mark = ?7, full_pass_at = COALESCE(?8, full_pass_at), pass_state = 'idle', \
            pass_cursor = '', pass_mark = '', records = ?9, warned = ?10, hidden = ?11, \
            quarantined = (SELECT count(*) FROM finding f WHERE f.namespace = ?1 AND f.source = ?2 AND f.class = 'quarantined'), \
            duplicates = (SELECT count(*) FROM finding f WHERE f.namespace = ?1 AND f.source = ?2 AND f.class = 'duplicate'), \
            skipped = (SELECT CAST(COALESCE(sum(CAST(f.detail AS BIGINT)), 0) AS BIGINT) FROM finding f WHERE f.namespace = ?1 \
            AND f.source = ?2 AND f.class = 'skipped')";
        self.update(
            assignments,
            [
                done.now.as_micros().into(),
                done.next_run.as_micros().into(),
                done.fingerprint.into(),
                done.mark.into(),
                done.full.then_some(done.now.as_micros()).into(),
                done.counts.records.into(),
                done.counts.warned.into(),
                done.counts.hidden.into(),
            ],
        )
    }
}

/// How a complete pass leaves its source.
pub(crate) struct Completed<'a> {
    pub(crate) now: Timestamp,
    pub(crate) next_run: Timestamp,
    pub(crate) fingerprint: &'a str,
    pub(crate) mark: &'a str,
    pub(crate) full: bool,
    pub(crate) counts: super::entry::Counts,
}
