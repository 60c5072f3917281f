//! Imports: which export is being read into a namespace, and how far. Its rows move in the batches that take the lines in,
//! so that they are never ahead of the data and never behind.

use super::{Db, Row, Statement};
use crate::{Error, Result, model::Namespace};

/// What is known of the import into a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Import {
    /// The export's first line.
    pub(crate) export: String,
    /// The last line that has been taken in.
    pub(crate) line: i64,
    pub(crate) complete: bool,
}

pub(crate) async fn find(db: &impl Db, namespace: &Namespace) -> Result<Option<Import>> {
    let sql = "SELECT export, line, complete FROM import WHERE namespace = ?1";
    let rows = db.query(sql, vec![namespace.as_str().into()]).await?;
    let from_row = |mut row: Row| {
        Ok(Import {
            export: row.text()?,
            line: row.integer()?,
            complete: row.boolean()?,
        })
    };
    rows.into_iter().next().map(from_row).transpose()
}

/// Fails while an import is not complete: who wrote now would make a whole of its part.
pub(crate) async fn require_complete(db: &impl Db, namespace: &Namespace) -> Result<()> {
    match find(db, namespace).await? {
        Some(Import {
            complete: false, ..
        }) => Err(Error::unavailable(
            "an import into this database is not complete: run `cairn import` again, it goes on where it stopped",
            format!("unfinished import into namespace {namespace}"),
        )),
        _ => Ok(()),
    }
}

/// Fails where there is one already.
pub(crate) fn insert(namespace: &Namespace, export: &str) -> Statement {
    Statement::new(
        "INSERT INTO import (namespace, export, line, complete) VALUES (?1, ?2, 0, 0)",
        vec![namespace.as_str().into(), export.into()],
    )
}

/// The import of an export that has come to a line. Nobody but whoever brought it there goes on from it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At<'a> {
    pub(crate) namespace: &'a Namespace,
    pub(crate) export: &'a str,
    pub(crate) line: i64,
}

impl At<'_> {
    fn update(&self, assignment: &str, value: super::Value) -> Statement {
        Statement::expecting(
            1,
            format!(
                "UPDATE import SET {assignment} WHERE namespace = ?1 AND export = ?2 AND line = ?3 AND complete = 0"
            ),
            vec![
                self.namespace.as_str().into(),
                self.export.into(),
                self.line.into(),
                value,
            ],
        )
    }

    pub(crate) fn advance(&self, to: i64) -> Statement {
        self.update("line = ?4", to.into())
    }

    pub(crate) fn complete(&self) -> Statement {
        self.update("complete = ?4", true.into())
    }

    /// No export is the one it was begun with any more.
    pub(crate) fn abandon(&self) -> Statement {
        self.update("export = ?4", "".into())
    }
}

/// What an import writes besides entries.
const TABLES: [&str; 7] = [
    "facet",
    "reference",
    "view",
    "finding",
    "change",
    "generation",
    "import",
];

/// Everything of the namespace that is left when its entries are gone.
pub(crate) fn delete_rest(namespace: &Namespace) -> Vec<Statement> {
    let delete = |table: &&str| {
        Statement::new(
            format!("DELETE FROM {table} WHERE namespace = ?1"),
            vec![namespace.as_str().into()],
        )
    };
    TABLES.iter().map(delete).collect()
}
