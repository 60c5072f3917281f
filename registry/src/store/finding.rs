//! What a source held that is not served as it stands.

use super::{Db, Statement, seen::PassKey};
use crate::{Error, Result, model::Namespace};

/// Why it is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// It lacks a usable name, version or description, or is too large.
    Quarantined,
    /// The same name and version came again later; the later one is served.
    Duplicate,
    /// Of a kind that is not known yet.
    Skipped,
}

impl Class {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quarantined => "quarantined",
            Self::Duplicate => "duplicate",
            Self::Skipped => "skipped",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Quarantined, Self::Duplicate, Self::Skipped]
            .into_iter()
            .find(|class| class.as_str() == text)
    }

    pub(super) fn from_row(text: &str) -> Result<Self> {
        Self::parse(text).ok_or_else(|| Error::internal(format!("stored finding class {text:?}")))
    }
}

/// One of them, with where it stands in its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub class: Class,
    pub position: String,
    /// As far as they could be read.
    pub name: String,
    pub version: String,
    /// The reason; for [`Class::Skipped`] the number of records.
    pub detail: String,
}

pub(crate) fn upsert(pass: PassKey<'_>, finding: &Finding) -> Statement {
    Statement::new(
        "INSERT INTO finding (namespace, source, class, position, pass, name, version, detail) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
         ON CONFLICT (namespace, source, class, position) DO UPDATE SET \
         pass = excluded.pass, name = excluded.name, version = excluded.version, detail = excluded.detail",
        vec![
            pass.namespace.as_str().into(),
            pass.source.into(),
            finding.class.as_str().into(),
            storable(&finding.position),
            pass.number.into(),
            storable(&finding.name),
            storable(&finding.version),
            storable(&finding.detail),
        ],
    )
}

/// Findings quote what was found, which may hold what an engine cannot store.
fn storable(text: &str) -> super::Value {
    text.replace('\0', "\u{fffd}").into()
}

/// Returns the number that the pass has stored, counted up to `limit`.
pub(crate) async fn count(db: &impl Db, pass: PassKey<'_>, limit: usize) -> Result<usize> {
    let parameters = vec![
        pass.namespace.as_str().into(),
        pass.source.into(),
        pass.number.into(),
        i64::try_from(limit).unwrap_or(i64::MAX).into(),
    ];
    let rows = db.query(COUNT, parameters).await?;
    let Some(mut row) = rows.into_iter().next() else {
        return Ok(0);
    };
    Ok(usize::try_from(row.integer()?).unwrap_or(0))
}

const COUNT: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM finding \
                     WHERE namespace = ?1 AND source = ?2 AND pass = ?3 LIMIT ?4) AS counted";

/// Those that the pass has not met again.
pub(crate) fn delete_older(pass: PassKey<'_>) -> Statement {
    Statement::new(
        "DELETE FROM finding WHERE namespace = ?1 AND source = ?2 AND pass < ?3",
        vec![
            pass.namespace.as_str().into(),
            pass.source.into(),
            pass.number.into(),
        ],
    )
}

pub(crate) fn delete(namespace: &Namespace, source: &str) -> Statement {
    Statement::new(
        "DELETE FROM finding WHERE namespace = ?1 AND source = ?2",
        vec![namespace.as_str().into(), source.into()],
    )
}

const LIST: &str = "SELECT class, position, name, version, detail FROM finding \
                    WHERE namespace = ?1 AND source = ?2 ORDER BY class, position LIMIT ?3";

pub(crate) async fn list(
    db: &impl Db,
    namespace: &Namespace,
    source: &str,
    limit: u32,
) -> Result<Vec<Finding>> {
    let parameters = vec![
        namespace.as_str().into(),
        source.into(),
        i64::from(limit).into(),
    ];
    let from_row = |mut row: super::Row| {
        Ok(Finding {
            class: Class::from_row(&row.text()?)?,
            position: row.text()?,
            name: row.text()?,
            version: row.text()?,
            detail: row.text()?,
        })
    };
    db.query(LIST, parameters)
        .await?
        .into_iter()
        .map(from_row)
        .collect()
}
