//! Sources: their lease, the pass under way, and how the last ones ended.

use super::{Db, Row, Statement, Value};
use crate::{
    Error, Result,
    error::What,
    model::{Namespace, Timestamp},
};

/// What stands for a filter while entries are judged by it. No fingerprint is like it.
pub(super) fn unjudged(filter: &str) -> String {
    format!("unjudged {filter}")
}

/// A source with its state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Source {
    pub name: String,
    /// Fingerprint of where it reads from.
    pub(crate) origin: String,
    /// Fingerprint of the filter its entries were judged by; another text while they are.
    pub(crate) filter: String,
    pub(crate) fence: i64,
    pub lease_owner: String,
    pub lease_until: Timestamp,
    /// `pending`, `syncing`, `complete`, `held` or `failed`.
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
    /// Entries that the last whole pass did not meet and that it held back from being removed.
    pub held_removals: i64,
    /// The end of the first such pass; the begin of time where the next one need not wait.
    pub held_since: Option<Timestamp>,
}

impl Source {
    /// Whether its entries are being judged by that filter just now.
    pub(crate) fn is_judged_by(&self, filter: &str) -> bool {
        self.filter == unjudged(filter)
    }
}

const COLUMNS: &str = "name, origin, filter, fence, lease_owner, lease_until, phase, message, attempts, \
    last_attempt_at, last_success_at, next_run_at, fingerprint, mark, full_pass_at, pass, pass_state, pass_cursor, \
    pass_mark, records, warned, hidden, quarantined, duplicates, skipped, held_removals, held_since";

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
        held_removals: row.integer()?,
        held_since: time(row.optional_integer()?),
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
             ?11, ?12, ?13, ?14, 'idle', '', '', ?15, ?16, ?17, ?18, ?19, ?20, 0, NULL)"
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

/// It reads from elsewhere now: nothing it knew of the old place holds, and no lease either. Other records are what the operator
/// wants: removals of the next pass need not wait.
pub(crate) fn update_origin(namespace: &Namespace, name: &str, origin: &str) -> Statement {
    Statement::new(
        "UPDATE source SET origin = ?3, fence = fence + 1, lease_owner = '', lease_until = 0, next_run_at = 0, \
         fingerprint = '', mark = '', pass_state = 'idle', pass_cursor = '', pass_mark = '', held_removals = 0, \
         held_since = 0 WHERE namespace = ?1 AND name = ?2",
        vec![namespace.as_str().into(), name.into(), origin.into()],
    )
}

/// Writes a source's row and changes nothing in it.
pub(crate) fn touch(namespace: &Namespace, name: &str) -> Statement {
    Statement::new(
        "UPDATE source SET fence = fence WHERE namespace = ?1 AND name = ?2",
        vec![namespace.as_str().into(), name.into()],
    )
}

/// Another time for the next run, unless another process has written one since.
pub(crate) fn reschedule(
    namespace: &Namespace,
    name: &str,
    seen: Timestamp,
    next_run: Timestamp,
) -> Statement {
    Statement::new(
        "UPDATE source SET next_run_at = ?4 WHERE namespace = ?1 AND name = ?2 AND next_run_at = ?3",
        vec![
            namespace.as_str().into(),
            name.into(),
            seen.as_micros().into(),
            next_run.as_micros().into(),
        ],
    )
}

pub(crate) fn delete(namespace: &Namespace, name: &str) -> Statement {
    Statement::new(
        "DELETE FROM source WHERE namespace = ?1 AND name = ?2",
        vec![namespace.as_str().into(), name.into()],
    )
}

/// A process that wants a lease.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claimant<'a> {
    pub(crate) owner: &'a str,
    /// Another holder, which is gone.
    pub(crate) gone: &'a str,
    pub(crate) now: Timestamp,
    /// Seconds.
    pub(crate) ttl: i64,
}

/// Takes the lease when no other process holds it and the source is still configured like this; the fence moves, so that what an
/// earlier holder still writes is refused. A lease that would last longer than two was written by a wrong clock.
pub(crate) fn claim(source: Configured<'_>, by: Claimant<'_>) -> Statement {
    let (until, longest) = (
        by.now.plus_seconds(by.ttl),
        by.now.plus_seconds(by.ttl.saturating_mul(2)),
    );
    Statement::expecting(
        1,
        "UPDATE source SET fence = fence + 1, lease_owner = ?3, lease_until = ?5 \
         WHERE namespace = ?1 AND name = ?2 AND (lease_owner = ?3 OR lease_owner = ?8 OR lease_until <= ?4 \
         OR lease_until > ?9) AND origin = ?6 AND filter = ?7",
        vec![
            source.namespace.as_str().into(),
            source.name.into(),
            by.owner.into(),
            by.now.as_micros().into(),
            until.as_micros().into(),
            source.origin.into(),
            source.filter.into(),
            by.gone.into(),
            longest.as_micros().into(),
        ],
    )
}
