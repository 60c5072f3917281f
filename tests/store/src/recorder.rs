//! Writes down the SQL that passes on its way to an engine: what a release sends, so that the schemas of later ones can be
//! tried with it. It changes nothing of what passes.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use cairn_registry::{
    Result,
    store::{Db, Engine, Row, Statement, Value},
};

/// Statements, each text once.
#[derive(Debug, Clone, Default)]
pub struct Record(Arc<Mutex<BTreeSet<String>>>);

impl Record {
    /// Adds a statement.
    pub fn note(&self, sql: &str) {
        self.0.lock().unwrap().insert(shape(sql));
    }

    /// What has been noted, in byte order.
    #[must_use]
    pub fn statements(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().cloned().collect()
    }
}

/// An engine whose statements are noted.
#[derive(Debug)]
pub struct Recorder<D> {
    pub db: D,
    pub record: Record,
}

impl<D: Db> Db for Recorder<D> {
    fn engine(&self) -> Engine {
        self.db.engine()
    }

    async fn query(&self, sql: &str, parameters: Vec<Value>) -> Result<Vec<Row>> {
        self.record.note(sql);
        self.db.query(sql, parameters).await
    }

    async fn batch(&self, statements: Vec<Statement>) -> Result<()> {
        for statement in &statements {
            self.record.note(&statement.sql);
        }
        self.db.batch(statements).await
    }
}

/// The statement with lists of one where there are lists of any length, and its parameters numbered without a gap.
fn shape(sql: &str) -> String {
    let mut lists = sql.split(" IN (?");
    let mut short = lists.next().unwrap_or_default().to_owned();
    for list in lists {
        let (within, behind) = list.split_once(')').unwrap_or((list, ""));
        let first = within.split(',').next().unwrap_or_default();
        short = format!("{short} IN (?{first}){behind}");
    }
    let used: BTreeSet<usize> = parameters(&short).into_iter().collect();
    // Upwards: the new number is never higher than the old one, and lower ones are taken already.
    for (new, old) in (1..).zip(used) {
        short = renumbered(&short, old, new);
    }
    short
}

/// The numbers of the placeholders.
#[must_use]
pub fn parameters(sql: &str) -> Vec<usize> {
    sql.split('?')
        .skip(1)
        .filter_map(|rest| digits(rest).parse().ok())
        .collect()
}

fn digits(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_digit());
    &text[..end.unwrap_or(text.len())]
}

fn renumbered(sql: &str, old: usize, new: usize) -> String {
    let mut parts = sql.split('?');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let number = digits(part);
        text.push('?');
        if number == old.to_string() {
            text += &new.to_string();
            text += &part[number.len()..];
        } else {
            text += part;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_any_length_are_one_statement() {
        let check = |sql, expected: &str| assert_eq!(shape(sql), expected);
        check("SELECT 1", "SELECT 1");
        check(
            "INSERT INTO t (a, b) VALUES (?1, ?2)",
            "INSERT INTO t (a, b) VALUES (?1, ?2)",
        );
        check(
            "DELETE FROM t WHERE a IN (?1, ?2, ?3)",
            "DELETE FROM t WHERE a IN (?1)",
        );
        check(
            "SELECT a FROM t WHERE b = ?1 AND a IN (?2, ?3) AND c IN (?4, ?5, ?6) AND d = ?7 AND b <> ?1",
            "SELECT a FROM t WHERE b = ?1 AND a IN (?2) AND c IN (?3) AND d = ?4 AND b <> ?1",
        );
        check("SELECT 1 WHERE ?12 IN (1)", "SELECT 1 WHERE ?1 IN (1)");
    }
}
