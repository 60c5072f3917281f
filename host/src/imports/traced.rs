//! Statements of a guest as spans. These functions take the place of those that `sqlite.rs` and `postgres.rs` offer and
//! call them; without traces they are not there. A span hangs below the request whose guest runs the statement, also
//! when an instance serves several at once.

use wasmtime::{
    AsContextMut, Result, StoreContextMut,
    component::{Accessor, Linker, LinkerInstance, Resource},
};

use super::{
    bindings::spin::{
        postgres::postgres::{
            self as pg, HostConnection as _, HostConnectionWithStore as _, ParameterValue,
        },
        sqlite::sqlite::{self as lite, HostConnection as _, HostConnectionWithStore as _, Value},
    },
    postgres::{HasPostgres, Postgres},
    sqlite::{HasSqlite, Sqlite},
};
use crate::{
    db::{self, postgres::Session},
    telemetry::trace::{Kind, Parent, Span},
};

/// Names of the engines as OpenTelemetry has them.
const SQLITE: &str = "sqlite";
const POSTGRES: &str = "postgresql";

/// Bytes of a statement that are told.
const TEXT: usize = 2048;

/// What the functions need of a store that holds a `T`.
pub(crate) struct Traced<T: 'static> {
    pub(crate) sqlite: fn(&mut T) -> Sqlite<'_>,
    pub(crate) postgres: fn(&mut T) -> Postgres<'_>,
    /// The span of the request that calls right now, if it has one.
    pub(crate) caller: fn(StoreContextMut<'_, T>) -> Option<Parent>,
}

impl<T> Clone for Traced<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Traced<T> {}

impl<T: Send> Traced<T> {
    /// After the interfaces themselves.
    pub(crate) fn add_to_linker(self, linker: &mut Linker<T>) -> Result<()> {
        linker.allow_shadowing(true);
        self.add_sqlite(&mut linker.instance("spin:sqlite/sqlite@3.1.0")?)?;
        self.add_postgres(&mut linker.instance("spin:postgres/postgres@4.2.0")?)?;
        linker.allow_shadowing(false);
        Ok(())
    }

    fn add_sqlite(self, to: &mut LinkerInstance<'_, T>) -> Result<()> {
        type Asked = (Resource<db::Session>, String, Vec<Value>);
        to.func_wrap_async(
            "[method]connection.execute",
            move |mut store: StoreContextMut<'_, T>, (connection, sql, parameters): Asked| {
                let span = self.begin(store.as_context_mut(), SQLITE, &sql);
                Box::new(async move {
                    let mut host = (self.sqlite)(store.data_mut());
                    let answer = host.execute(connection, sql, parameters).await?;
                    Ok((ended(span, answer, in_sqlite),))
                })
            },
        )?;
        to.func_wrap_concurrent(
            "[method]connection.execute-async",
            move |store: &Accessor<T>, (connection, sql, parameters): Asked| {
                Box::pin(async move {
                    let span = self.begin_async(store, SQLITE, &sql);
                    let store = store.with_getter::<HasSqlite>(self.sqlite);
                    let answer =
                        HasSqlite::execute_async(&store, connection, sql, parameters).await?;
                    Ok((ended(span, answer, in_sqlite),))
                })
            },
        )
    }

    fn add_postgres(self, to: &mut LinkerInstance<'_, T>) -> Result<()> {
        type Asked = (Resource<Session>, String, Vec<ParameterValue>);
        to.func_wrap_async(
            "[method]connection.query",
            move |mut store: StoreContextMut<'_, T>, (connection, sql, parameters): Asked| {
                let span = self.begin(store.as_context_mut(), POSTGRES, &sql);
                Box::new(async move {
                    let mut host = (self.postgres)(store.data_mut());
                    let answer = host.query(connection, sql, parameters).await?;
                    Ok((ended(span, answer, in_postgres),))
                })
            },
        )?;
        to.func_wrap_async(
            "[method]connection.execute",
            move |mut store: StoreContextMut<'_, T>, (connection, sql, parameters): Asked| {
                let span = self.begin(store.as_context_mut(), POSTGRES, &sql);
                Box::new(async move {
                    let mut host = (self.postgres)(store.data_mut());
                    let answer = host.execute(connection, sql, parameters).await?;
                    Ok((ended(span, answer, in_postgres),))
                })
            },
        )?;
        to.func_wrap_concurrent(
            "[method]connection.query-async",
            move |store: &Accessor<T>, (connection, sql, parameters): Asked| {
                Box::pin(async move {
                    let span = self.begin_async(store, POSTGRES, &sql);
                    let store = store.with_getter::<HasPostgres>(self.postgres);
                    let answer =
                        HasPostgres::query_async(&store, connection, sql, parameters).await?;
                    Ok((ended(span, answer, in_postgres),))
                })
            },
        )?;
        to.func_wrap_concurrent(
            "[method]connection.execute-async",
            move |store: &Accessor<T>, (connection, sql, parameters): Asked| {
                Box::pin(async move {
                    let span = self.begin_async(store, POSTGRES, &sql);
                    let store = store.with_getter::<HasPostgres>(self.postgres);
                    let answer =
                        HasPostgres::execute_async(&store, connection, sql, parameters).await?;
                    Ok((ended(span, answer, in_postgres),))
                })
            },
        )
    }

    fn begin(self, store: StoreContextMut<'_, T>, system: &'static str, sql: &str) -> Option<Span> {
        let parent = (self.caller)(store)?;
        let (operation, summary) = summary(sql);
        let mut span = parent.child(summary.clone(), Kind::Client);
        span.note("db.system.name", system);
        span.note("db.operation.name", operation);
        span.note("db.query.summary", summary);
        span.note("db.query.text", without_literals(sql));
        Some(span)
    }

    fn begin_async(self, store: &Accessor<T>, system: &'static str, sql: &str) -> Option<Span> {
        store.with(|mut store| self.begin(store.as_context_mut(), system, sql))
    }
}

/// Ends the span of a statement, and passes on what came of it.
fn ended<A, E>(
    span: Option<Span>,
    answer: std::result::Result<A, E>,
    told: fn(&E) -> String,
) -> std::result::Result<A, E> {
    if let (Some(mut span), Err(error)) = (span, &answer) {
        span.fail(told(error));
    }
    answer
}

fn in_sqlite(error: &lite::Error) -> String {
    match error {
        lite::Error::Io(message) => message.clone(),
        other => format!("{other:?}"),
    }
}

/// A server's details may hold values of rows: its code says enough.
fn in_postgres(error: &pg::Error) -> String {
    match error {
        pg::Error::QueryFailed(pg::QueryError::DbError(error)) => error.code.clone(),
        pg::Error::ConnectionFailed(_) => "connection failed".to_owned(),
        _ => "query failed".to_owned(),
    }
}

/// What a statement does, and to which table: one of few words each, whatever its conditions are.
fn summary(sql: &str) -> (String, String) {
    let mut words = sql.split_ascii_whitespace();
    let first: String = words
        .next()
        .unwrap_or_default()
        .chars()
        .take_while(char::is_ascii_alphabetic)
        .collect();
    let operation = first.to_ascii_uppercase();
    let mut before = first.as_str();
    for word in words {
        let names = ["FROM", "INTO", "UPDATE"];
        let named = names.iter().any(|name| before.eq_ignore_ascii_case(name));
        let table = word.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let table = table.into_iter().next().unwrap_or_default();
        if named && !table.is_empty() {
            return (operation.clone(), format!("{operation} {table}"));
        }
        before = word;
    }
    (operation.clone(), operation)
}

/// Parameters are not in the text; what else stands between quotes is nobody's business either.
fn without_literals(sql: &str) -> String {
    let mut text = String::new();
    for (number, part) in sql.split('\'').enumerate() {
        match number % 2 {
            0 => text.push_str(part),
            _ => text.push('?'),
        }
    }
    text.truncate(text.floor_char_boundary(TEXT));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_named_by_its_verb_and_its_first_table() {
        for (sql, operation, name) in [
            (
                "SELECT a, b FROM view v WHERE x = ?1",
                "SELECT",
                "SELECT view",
            ),
            (
                "select count(*) from (SELECT 1 FROM entry) e",
                "SELECT",
                "SELECT entry",
            ),
            ("INSERT INTO t(x) VALUES (?1)", "INSERT", "INSERT t"),
            ("UPDATE source SET a = 1", "UPDATE", "UPDATE source"),
            ("DELETE FROM seen", "DELETE", "DELETE seen"),
            ("BEGIN IMMEDIATE", "BEGIN", "BEGIN"),
            ("SELECT 1", "SELECT", "SELECT"),
            ("commit;", "COMMIT", "COMMIT"),
            ("", "", ""),
        ] {
            assert_eq!(
                summary(sql),
                (operation.to_owned(), name.to_owned()),
                "{sql}"
            );
        }
    }

    #[test]
    fn a_statements_text_holds_no_values_and_has_an_end() {
        assert_eq!(
            without_literals("SELECT 'it''s', x FROM t WHERE y = 'a' AND z = ?1"),
            "SELECT ??, x FROM t WHERE y = ? AND z = ?1"
        );
        assert_eq!(without_literals("SELECT 'cut"), "SELECT ?");
        assert_eq!(without_literals(&"ü".repeat(TEXT)).len(), TEXT);
    }
}
