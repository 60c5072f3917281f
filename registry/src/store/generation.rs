//! The counters of a namespace, and the change feed they number.

use super::{Db, Row, Statement, Value};
use crate::{
    Error, Result,
    kinds::Kind,
    model::{Digest, Namespace, Timestamp},
};

/// Counters as they were read; a batch that bumps them fails when somebody else did so in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Generation {
    pub(crate) value: i64,
    pub(crate) change_seq: i64,
    pub(crate) entry_id: i64,
}

const GET: &str = "SELECT value, change_seq, entry_id FROM generation WHERE namespace = ?1";

pub(crate) async fn find(db: &impl Db, namespace: &Namespace) -> Result<Option<Generation>> {
    let rows = db.query(GET, vec![namespace.as_str().into()]).await?;
    rows.into_iter().next().map(from_row).transpose()
}

pub(crate) async fn get(db: &impl Db, namespace: &Namespace) -> Result<Generation> {
    find(db, namespace)
        .await?
        .ok_or_else(|| Error::stale("the namespace has not been set up yet"))
}

fn from_row(mut row: Row) -> Result<Generation> {
    Ok(Generation {
        value: row.integer()?,
        change_seq: row.integer()?,
        entry_id: row.integer()?,
    })
}

/// Makes the row; fails where there is one.
pub(crate) fn insert_new(namespace: &Namespace) -> Statement {
    Statement::new(
        "INSERT INTO generation (namespace, value, change_seq, entry_id) VALUES (?1, 0, 0, 0)",
        vec![namespace.as_str().into()],
    )
}

/// Makes the row where there is none.
pub(crate) fn insert(namespace: &Namespace) -> Statement {
    Statement::new(
        "INSERT INTO generation (namespace, value, change_seq, entry_id) VALUES (?1, 0, 0, 0) ON CONFLICT DO NOTHING",
        vec![namespace.as_str().into()],
    )
}

/// From `old` to the next one, with the counters as the batch leaves them.
pub(crate) fn update(namespace: &Namespace, old: Generation, new: Generation) -> Statement {
    Statement::expecting(
        1,
        "UPDATE generation SET value = value + 1, change_seq = ?3, entry_id = ?4 WHERE namespace = ?1 AND value = ?2",
        vec![
            namespace.as_str().into(),
            old.value.into(),
            new.change_seq.into(),
            new.entry_id.into(),
        ],
    )
}

/// What happened to a view row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    /// It is there, with this content.
    Put,
    /// It left the view.
    Delete,
}

impl Op {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::Delete => "delete",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Put, Self::Delete]
            .into_iter()
            .find(|op| op.as_str() == text)
    }

    pub(super) fn from_row(text: &str) -> Result<Self> {
        Self::parse(text).ok_or_else(|| Error::internal(format!("stored operation {text:?}")))
    }
}

/// One step of the feed, as it is read.
pub(crate) struct Feed {
    pub(crate) seq: i64,
    pub(crate) registry: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) op: Op,
    pub(crate) digest: Digest,
    pub(crate) changed_at: Timestamp,
}

/// One step of the feed, to be written.
pub(crate) struct Change<'a> {
    pub(crate) seq: i64,
    pub(crate) registry: &'a str,
    pub(crate) kind: Kind,
    pub(crate) name: &'a str,
    pub(crate) version: &'a str,
    pub(crate) op: Op,
    pub(crate) digest: Digest,
    pub(crate) changed_at: Timestamp,
}

pub(crate) fn insert_change(namespace: &Namespace, change: &Change<'_>) -> Statement {
    Statement::new(
        "INSERT INTO change (namespace, seq, registry, kind, name, version, op, digest, changed_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        vec![
            namespace.as_str().into(),
            change.seq.into(),
            change.registry.into(),
            change.kind.as_str().into(),
            change.name.into(),
            change.version.into(),
            change.op.as_str().into(),
            Value::Blob(change.digest.as_bytes().to_vec()),
            change.changed_at.as_micros().into(),
        ],
    )
}
