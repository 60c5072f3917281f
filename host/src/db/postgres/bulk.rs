//! Turns a batch into fewer statements: rows that are inserted by the same text go to the server as arrays, one for each
//! column, which is as fast as `COPY` and knows `ON CONFLICT`. Looks at text only, asks no server.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use cairn_registry::store::{Expect, Statement, Value};

/// What is sent as one.
#[derive(Debug)]
pub(super) enum Step {
    One(Statement),
    Rows(Rows),
}

/// Rows for one table. They have the same number of columns.
#[derive(Debug)]
pub(super) struct Rows {
    /// The statement that inserts one of them.
    pub(super) one: Cow<'static, str>,
    insert: Insert,
    pub(super) rows: Vec<Vec<Value>>,
}

impl Rows {
    /// The statement that inserts them all, from arrays of those types.
    pub(super) fn sql(&self, types: impl Iterator<Item = String>) -> String {
        let Insert { head, tail, .. } = &self.insert;
        let arrays: Vec<String> = types
            .zip(1..)
            .map(|(name, at)| format!("${at}::{name}[]"))
            .collect();
        format!("{head}SELECT * FROM unnest({}){tail}", arrays.join(", "))
    }
}

/// `INSERT INTO table (…) VALUES (?1, …, ?n) tail`, taken apart.
#[derive(Debug, Clone)]
struct Insert {
    table: String,
    /// Up to `VALUES`.
    head: String,
    tail: String,
}

impl Insert {
    fn parse(sql: &str) -> Option<Self> {
        let (head, values) = sql.split_once("VALUES (")?;
        let (list, tail) = values.split_once(')')?;
        let table = head.strip_prefix("INSERT INTO ")?.split(' ').next()?;
        let in_order = |(at, word): (usize, &str)| word.strip_prefix('?') == Some(&at.to_string());
        let plain = (1..).zip(list.split(", ")).all(in_order) && !tail.contains('?');
        plain.then(|| Self {
            table: table.to_owned(),
            head: head.to_owned(),
            tail: tail.to_owned(),
        })
    }

    fn may_conflict(&self) -> bool {
        !self.tail.is_empty()
    }
}

/// Gathers rows by statement. A row may move behind statements that do not name its table, never past one that does.
pub(super) fn gather(statements: Vec<Statement>) -> Vec<Step> {
    let mut gathering = Gathering::default();
    for statement in statements {
        gathering.add(statement);
    }
    gathering.finish(|_| true);
    gathering.done
}

#[derive(Default)]
struct Gathering {
    shapes: HashMap<Cow<'static, str>, Option<Insert>>,
    open: Vec<Open>,
    done: Vec<Step>,
}

/// Rows that more may still join.
struct Open {
    rows: Rows,
    /// First columns so far, when two equal keys in one statement would be refused. Keys are led by the first column.
    keys: Option<HashSet<String>>,
}

impl Gathering {
    fn add(&mut self, statement: Statement) {
        let insert = self.shape(&statement);
        let Some(insert) = insert else {
            self.finish(|open| statement.sql.contains(&open.rows.insert.table));
            self.done.push(Step::One(statement));
            return;
        };
        let key = insert.may_conflict().then(|| key(&statement));
        // Another text for the same table, or a key that is there already, must come later.
        self.finish(|open| {
            let same_text = open.rows.one == statement.sql;
            let repeats = || {
                key.as_ref()
                    .zip(open.keys.as_ref())
                    .is_some_and(|(key, keys)| keys.contains(key))
            };
            open.rows.insert.table == insert.table && (!same_text || repeats())
        });
        let found = self
            .open
            .iter_mut()
            .find(|open| open.rows.one == statement.sql);
        match found {
            Some(open) => {
                open.rows.rows.push(statement.parameters);
                open.keys
                    .as_mut()
                    .zip(key)
                    .map(|(keys, key)| keys.insert(key));
            }
            None => self.open.push(Open {
                rows: Rows {
                    one: statement.sql,
                    insert,
                    rows: vec![statement.parameters],
                },
                keys: key.map(|key| HashSet::from([key])),
            }),
        }
    }

    fn shape(&mut self, statement: &Statement) -> Option<Insert> {
        if statement.expect != Expect::Any || !statement.sql.starts_with("INSERT") {
            return None;
        }
        if let Some(known) = self.shapes.get(&statement.sql) {
            return known.clone();
        }
        let insert = Insert::parse(&statement.sql);
        self.shapes.insert(statement.sql.clone(), insert.clone());
        insert
    }

    fn finish(&mut self, wanted: impl Fn(&Open) -> bool) {
        let (finished, open) = std::mem::take(&mut self.open).into_iter().partition(wanted);
        self.open = open;
        let finished: Vec<Open> = finished;
        self.done.extend(finished.into_iter().map(|open| {
            let mut rows = open.rows;
            match (rows.rows.len(), rows.rows.pop()) {
                (1, Some(parameters)) => Step::One(Statement::new(rows.one, parameters)),
                (_, last) => {
                    rows.rows.extend(last);
                    Step::Rows(rows)
                }
            }
        }));
    }
}

fn key(statement: &Statement) -> String {
    format!("{:?}", statement.parameters.first())
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "INSERT INTO a (x, y) VALUES (?1, ?2)";
    const B: &str = "INSERT INTO b (x) VALUES (?1)";
    const UPSERT: &str =
        "INSERT INTO c (x, y) VALUES (?1, ?2) ON CONFLICT (x) DO UPDATE SET y = excluded.y";

    fn row(sql: &'static str, values: &[i64]) -> Statement {
        Statement::new(sql, values.iter().copied().map(Value::from).collect())
    }

    /// Each step as its text, with the number of rows where there are several.
    fn steps(statements: Vec<Statement>) -> Vec<(String, usize)> {
        let told = |step| match step {
            Step::One(statement) => (statement.sql.into_owned(), 1),
            Step::Rows(rows) => (rows.one.into_owned(), rows.rows.len()),
        };
        gather(statements).into_iter().map(told).collect()
    }

    #[test]
    fn rows_are_gathered_and_order_is_kept_where_it_matters() {
        let check = |statements: Vec<Statement>, expected: &[(&str, usize)]| {
            let expected: Vec<_> = expected
                .iter()
                .map(|(sql, rows)| ((*sql).to_owned(), *rows))
                .collect();
            assert_eq!(steps(statements), expected);
        };
        check(
            vec![row(A, &[1, 2]), row(B, &[1]), row(A, &[3, 4]), row(B, &[2])],
            &[(A, 2), (B, 2)],
        );
        check(
            vec![
                row(A, &[1, 2]),
                row("DELETE FROM a", &[]),
                row(A, &[3, 4]),
                row(A, &[3, 5]),
            ],
            &[(A, 1), ("DELETE FROM a", 1), (A, 2)],
        );
        check(
            vec![row(A, &[1, 2]), row("DELETE FROM b", &[]), row(A, &[3, 4])],
            &[("DELETE FROM b", 1), (A, 2)],
        );
        check(
            vec![
                row(UPSERT, &[1, 2]),
                row(UPSERT, &[2, 2]),
                row(UPSERT, &[1, 3]),
            ],
            &[(UPSERT, 2), (UPSERT, 1)],
        );
        check(
            vec![
                row(A, &[1, 2]),
                row("INSERT INTO a (x, y) VALUES (?1, 0)", &[1]),
                row(A, &[1, 2]),
            ],
            &[(A, 1), ("INSERT INTO a (x, y) VALUES (?1, 0)", 1), (A, 1)],
        );
        check(
            vec![
                Statement::expecting(1, B, vec![Value::Null]),
                Statement::expecting(1, B, vec![Value::Null]),
            ],
            &[(B, 1), (B, 1)],
        );
    }

    #[test]
    fn the_statement_for_many_takes_an_array_for_each_column() {
        let steps = gather(vec![row(UPSERT, &[1, 2]), row(UPSERT, &[2, 2])]);
        let [Step::Rows(rows)] = steps.as_slice() else {
            panic!("{steps:?}");
        };
        assert_eq!(
            rows.sql(["int8".to_owned(), "text".to_owned()].into_iter()),
            "INSERT INTO c (x, y) SELECT * FROM unnest($1::int8[], $2::text[]) \
             ON CONFLICT (x) DO UPDATE SET y = excluded.y"
        );
    }
}
