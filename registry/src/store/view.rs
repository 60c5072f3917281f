//! View rows: what a registry shows, decided when something changed.

use super::{Db, Row, Statement, Value, placeholders};
use crate::{
    Result,
    kinds::Kind,
    model::{Digest, Namespace, Status, Timestamp},
};

/// A row as stored, without its ready bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) registry: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) entry_id: i64,
    pub(crate) status: Status,
    pub(crate) latest: bool,
    pub(crate) changed_at: Timestamp,
    pub(crate) digest: Digest,
}

/// A row to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) entry_id: i64,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) status: Status,
    pub(crate) latest: bool,
    pub(crate) changed_at: Timestamp,
    pub(crate) digest: Digest,
    /// See [`super::listing::head`].
    pub(crate) head: String,
    /// What stands behind the document in the response element.
    pub(crate) tail: Vec<u8>,
    pub(crate) search: String,
}

/// All rows of those names, of every registry.
pub(crate) async fn list_by_names(
    db: &impl Db,
    namespace: &Namespace,
    kind: Kind,
    registries: &[&str],
    names: &[&str],
) -> Result<Vec<Stored>> {
    let mut found = Vec::new();
    if registries.is_empty() {
        return Ok(found);
    }
    for names in names.chunks(super::MOST_NAMES) {
        let sql = format!(
            "SELECT registry, name, version, entry_id, status, latest, changed_at, digest FROM view \
             WHERE namespace = ?1 AND kind = ?2 AND registry IN ({}) AND name IN ({})",
            placeholders(3, registries.len()),
            placeholders(3 + registries.len(), names.len())
        );
        let mut parameters: Vec<Value> = vec![namespace.as_str().into(), kind.as_str().into()];
        parameters.extend(
            registries
                .iter()
                .chain(names)
                .map(|text| Value::from(*text)),
        );
        for row in db.query(&sql, parameters).await? {
            found.push(from_row(row)?);
        }
    }
    Ok(found)
}

fn from_row(mut row: Row) -> Result<Stored> {
    Ok(Stored {
        registry: row.text()?,
        name: row.text()?,
        version: row.text()?,
        entry_id: row.integer()?,
        status: Status::from_row(&row.text()?)?,
        latest: row.boolean()?,
        changed_at: Timestamp::from_micros(row.integer()?),
        digest: Digest::from_row(&row.blob()?)?,
    })
}

pub(crate) fn insert(namespace: &Namespace, registry: &str, kind: Kind, shown: Shown) -> Statement {
    Statement::new(
        "INSERT INTO view (namespace, registry, kind, name, version, entry_id, status, latest, changed_at, digest, \
         head, tail, search) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        values(namespace, registry, kind, shown),
    )
}

pub(crate) fn update(namespace: &Namespace, registry: &str, kind: Kind, shown: Shown) -> Statement {
    Statement::expecting(
        1,
        "UPDATE view SET entry_id = ?6, status = ?7, latest = ?8, changed_at = ?9, digest = ?10, head = ?11, \
         tail = ?12, search = ?13 WHERE namespace = ?1 AND registry = ?2 AND kind = ?3 AND name = ?4 AND version = ?5",
        values(namespace, registry, kind, shown),
    )
}

fn values(namespace: &Namespace, registry: &str, kind: Kind, shown: Shown) -> Vec<Value> {
    vec![
        namespace.as_str().into(),
        registry.into(),
        kind.as_str().into(),
        shown.name.into(),
        shown.version.into(),
        shown.entry_id.into(),
        shown.status.as_str().into(),
        shown.latest.into(),
        shown.changed_at.as_micros().into(),
        Value::Blob(shown.digest.as_bytes().to_vec()),
        shown.head.into(),
        Value::Blob(shown.tail),
        shown.search.into(),
    ]
}

/// Everything a registry showed: it is no longer configured.
pub(crate) fn delete(namespace: &Namespace, registry: &str) -> Statement {
    Statement::new(
        "DELETE FROM view WHERE namespace = ?1 AND registry = ?2",
        vec![namespace.as_str().into(), registry.into()],
    )
}
