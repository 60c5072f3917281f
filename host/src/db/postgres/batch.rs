//! A batch: one transaction, in which statements are sent without waiting for the answers of those before. What each has
//! to touch is checked before the commit, in order.

use std::borrow::Cow;

use cairn_registry::{
    Error, Result,
    store::{Expect, Statement, Value},
};
use futures_util::future::join_all;
use tokio_postgres::types::ToSql;

use super::{
    bulk::{self, Rows, Step},
    connection::{Connection, bounded},
    values::Cell,
};

/// Statements on their way at once.
const DEPTH: usize = 30;

/// Runs the statements, all or none.
pub(super) async fn run(connection: &mut Connection, statements: Vec<Statement>) -> Result<()> {
    connection.in_transaction = true;
    let done = match connection.simple("BEGIN").await {
        Ok(_) => all(connection, bulk::gather(statements)).await,
        Err(failure) => Err(failure.into()),
    };
    let done = match done {
        Ok(()) => connection
            .simple("COMMIT")
            .await
            .map(drop)
            .map_err(Error::from),
        Err(error) => {
            // What is lost is rolled back by the server.
            if connection.is_good() {
                let _ = connection.simple("ROLLBACK").await;
            }
            Err(error)
        }
    };
    connection.in_transaction = false;
    done
}

async fn all(connection: &mut Connection, steps: Vec<Step>) -> Result<()> {
    let mut queue = Vec::with_capacity(DEPTH);
    for step in steps {
        match step {
            // Without parameters it may be anything, such as DDL that what follows is prepared for.
            Step::One(statement) if statement.parameters.is_empty() => {
                send(connection, &mut queue).await?;
                let touched = connection.simple(&statement.sql).await?;
                statement.expect.check(touched, &statement.sql)?;
            }
            Step::One(statement) => queue.push(one(connection, statement).await?),
            Step::Rows(rows) => queue.push(many(connection, rows).await?),
        }
        if queue.len() == DEPTH {
            send(connection, &mut queue).await?;
        }
    }
    send(connection, &mut queue).await
}

/// A statement that is ready to be sent.
struct Ready {
    statement: tokio_postgres::Statement,
    sql: Cow<'static, str>,
    expect: Expect,
    /// For a statement its parameters; for many rows the rows.
    rows: Vec<Vec<Value>>,
    is_bulk: bool,
}

impl Ready {
    /// A cell for each parameter, or for many rows an array for each column.
    fn parameters(&self) -> Vec<Box<dyn ToSql + Sync + Send + '_>> {
        let columns = self.statement.params().len();
        if self.is_bulk {
            (0..columns)
                .map(|at| {
                    let column: Vec<Cell<'_>> =
                        self.rows.iter().map(|row| Cell(row.get(at))).collect();
                    Box::new(column) as Box<dyn ToSql + Sync + Send>
                })
                .collect()
        } else {
            self.rows
                .iter()
                .flatten()
                .map(|value| Box::new(Cell(Some(value))) as Box<dyn ToSql + Sync + Send>)
                .collect()
        }
    }
}

async fn one(connection: &mut Connection, statement: Statement) -> Result<Ready> {
    let Statement {
        sql,
        parameters,
        expect,
    } = statement;
    Ok(Ready {
        statement: connection.prepare(&sql).await?,
        sql,
        expect,
        rows: vec![parameters],
        is_bulk: false,
    })
}

/// The server knows the types of the columns: it is asked for those of a single row.
async fn many(connection: &mut Connection, rows: Rows) -> Result<Ready> {
    let single = connection.prepare(&rows.one).await?;
    let sql = rows.sql(single.params().iter().map(|kind| kind.name().to_owned()));
    Ok(Ready {
        statement: connection.prepare(&sql).await?,
        sql: sql.into(),
        expect: Expect::Any,
        rows: rows.rows,
        is_bulk: true,
    })
}

async fn send(connection: &mut Connection, queue: &mut Vec<Ready>) -> Result<()> {
    let queue = std::mem::take(queue);
    let patience = connection.asks(queue.len());
    let outcomes = {
        let client = connection.client();
        let answers = join_all(queue.iter().map(async |ready| {
            client
                .execute_raw(&ready.statement, ready.parameters())
                .await
        }));
        bounded(patience, answers).await?
    };
    connection.is_answered();
    for (ready, outcome) in queue.iter().zip(outcomes) {
        ready
            .expect
            .check(connection.judged(outcome)?, &ready.sql)?;
    }
    Ok(())
}
