//! What a schema has, and what statements miss of it.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicUsize, Ordering},
};

use cairn::db::Store;
use cairn_registry::store::{Db, Engine, Statement, Value};
use cairn_store_suite::parameters;

/// Statements that the engine would not run on this schema. It plans each of them and runs none.
pub(crate) async fn refused<'a>(db: &Store, statements: &'a [String]) -> Vec<&'a str> {
    let mut refused = Vec::new();
    for sql in statements {
        if !runs(db, sql).await {
            refused.push(sql.as_str());
        }
    }
    refused
}

async fn runs(db: &Store, sql: &str) -> bool {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = parameters(sql).into_iter().max().unwrap_or(0);
    // SQLite would explain a text that it has prepared before as the schema was then.
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let (plan, nulls) = (
        format!("EXPLAIN {sql} -- {number}"),
        vec![Value::Null; count],
    );
    db.query(&plan, nulls).await.is_ok()
}

/// Whether one of the statements cannot do without that column.
pub(crate) async fn is_needed(db: &Store, (table, column): &Column, statements: &[String]) -> bool {
    let rename = async |from: &str, to: &str| {
        perform(
            db,
            &format!("ALTER TABLE {table} RENAME COLUMN {from} TO {to}"),
        )
        .await;
    };
    rename(column, "renamed").await;
    let mut needed = false;
    for sql in statements.iter().filter(|sql| sql.contains(column)) {
        needed = needed || !runs(db, sql).await;
    }
    rename("renamed", column).await;
    needed
}

/// Runs statements that have a semicolon between them.
pub(crate) async fn perform(db: &Store, script: &str) {
    let statements = script.split(';');
    let statements = statements.map(|sql| Statement::new(sql.trim().to_owned(), Vec::new()));
    db.batch(statements.collect()).await.expect("performed");
    if db.engine() == Engine::Sqlite {
        // Has the reader look at the schema anew: to explain is not enough for that.
        let look = db.query("SELECT count(*) FROM sqlite_master", Vec::new());
        look.await.expect("a schema");
    }
}

/// A table and one of its columns.
pub(crate) type Column = (String, String);

/// All columns of ordinary tables.
pub(crate) async fn columns(db: &Store) -> Vec<Column> {
    rows(db, "1 = 1", "1 = 1").await
}

/// Columns that a row has to fill, and that a statement which inserts rows into their table does not name.
pub(crate) async fn left_out(db: &Store, statements: &[String]) -> BTreeSet<String> {
    let obliged = rows(
        db,
        "c.\"notnull\" = 1 AND c.dflt_value IS NULL",
        "c.is_nullable = 'NO' AND c.column_default IS NULL",
    )
    .await;
    let mut left = BTreeSet::new();
    for (table, named) in statements.iter().filter_map(|sql| inserted(sql)) {
        let of_table = obliged.iter().filter(|(obliged, _)| obliged == table);
        left.extend(
            of_table
                .filter(|(_, column)| !named.contains(&column.as_str()))
                .map(|(table, column)| format!("{table}.{column}")),
        );
    }
    left
}

/// Table and columns of a statement that inserts rows.
fn inserted(sql: &str) -> Option<(&str, Vec<&str>)> {
    let (table, rest) = sql.strip_prefix("INSERT INTO ")?.split_once(" (")?;
    let (columns, _) = rest.split_once(')')?;
    Some((table, columns.split(", ").collect()))
}

/// Columns of which the engine says so.
async fn rows(db: &Store, sqlite: &str, postgres: &str) -> Vec<Column> {
    let sql = match db.engine() {
        // What belongs to the text index is the engine's own.
        Engine::Sqlite => format!(
            "SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c \
             WHERE t.type = 'table' AND t.name NOT LIKE 'search%' AND {sqlite}"
        ),
        Engine::Postgres => format!(
            "SELECT c.table_name::text, c.column_name::text FROM information_schema.columns c \
             WHERE c.table_schema = current_schema() AND {postgres}"
        ),
    };
    let rows = db.query(&sql, Vec::new()).await.expect("columns");
    let column = |mut row: cairn_registry::store::Row| Ok((row.text()?, row.text()?));
    let columns: cairn_registry::Result<Vec<Column>> = rows.into_iter().map(column).collect();
    columns.expect("names")
}
