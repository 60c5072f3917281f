//! What a pass over a source has met so far. A table, not memory: a pass survives its process.

use super::Statement;
use crate::model::Namespace;

/// The pass over a source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PassKey<'a> {
    pub(crate) namespace: &'a Namespace,
    pub(crate) source: &'a str,
    pub(crate) number: i64,
}

/// Of a source that is taken out: another one of its name counts its passes from the beginning.
pub(crate) fn delete(namespace: &Namespace, source: &str) -> Statement {
    Statement::new(
        "DELETE FROM seen WHERE namespace = ?1 AND source = ?2",
        vec![namespace.as_str().into(), source.into()],
    )
}

/// The pass has met that entry.
pub(crate) fn upsert(pass: PassKey<'_>, entry_id: i64) -> Statement {
    write(pass, entry_id, pass.number)
}

/// The pass has met that entry's key with a record that cannot be served. The negative number keeps the entry, and leaves
/// room for a good record of the same pass.
pub(crate) fn upsert_spoiled(pass: PassKey<'_>, entry_id: i64) -> Statement {
    write(pass, entry_id, -pass.number)
}

fn write(pass: PassKey<'_>, entry_id: i64, number: i64) -> Statement {
    Statement::new(
        "INSERT INTO seen (entry_id, namespace, source, pass) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (entry_id) DO UPDATE SET pass = excluded.pass",
        vec![
            entry_id.into(),
            pass.namespace.as_str().into(),
            pass.source.into(),
            number.into(),
        ],
    )
}
