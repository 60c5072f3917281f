//! What a pass over a source has met so far. A table, not memory: a pass survives its process.

use std::collections::HashSet;

use super::{Db, Statement, Value, placeholders};
use crate::{Result, kinds::Kind, model::Namespace};

/// The pass over a source that keys belong to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PassKey<'a> {
    pub(crate) namespace: &'a Namespace,
    pub(crate) source: &'a str,
    pub(crate) number: i64,
}

pub(crate) fn insert(pass: PassKey<'_>, kind: Kind, name: &str, version: &str) -> Statement {
    Statement::new(
        "INSERT INTO seen (namespace, source, pass, kind, name, version) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
         ON CONFLICT DO NOTHING",
        vec![
            pass.namespace.as_str().into(),
            pass.source.into(),
            pass.number.into(),
            kind.as_str().into(),
            name.into(),
            version.into(),
        ],
    )
}

/// Forgets all passes of the source.
pub(crate) fn delete(namespace: &Namespace, source: &str) -> Statement {
    Statement::new(
        "DELETE FROM seen WHERE namespace = ?1 AND source = ?2",
        vec![namespace.as_str().into(), source.into()],
    )
}

/// The keys of those names that the pass has met.
pub(crate) async fn list_by_names(
    db: &impl Db,
    pass: PassKey<'_>,
    kind: Kind,
    names: &[&str],
) -> Result<HashSet<(String, String)>> {
    let mut keys = HashSet::new();
    for names in names.chunks(super::MOST_NAMES) {
        let sql = format!(
            "SELECT name, version FROM seen WHERE namespace = ?1 AND source = ?2 AND pass = ?3 AND kind = ?4 \
             AND name IN ({})",
            placeholders(5, names.len())
        );
        let mut parameters: Vec<Value> = vec![
            pass.namespace.as_str().into(),
            pass.source.into(),
            pass.number.into(),
            kind.as_str().into(),
        ];
        parameters.extend(names.iter().map(|name| Value::from(*name)));
        for mut row in db.query(&sql, parameters).await? {
            keys.insert((row.text()?, row.text()?));
        }
    }
    Ok(keys)
}
