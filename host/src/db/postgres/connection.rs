//! One connection with its prepared statements, and whether it is in a transaction.

use std::time::Instant;

use cairn_registry::store::{Value, postgres};
use futures_util::TryStreamExt;
use tokio_postgres::{Client, SimpleQueryMessage, Statement};

use super::{
    super::prepared::Prepared,
    connector::Connector,
    failure::Failure,
    values::{Answer, Cell, Column, Lifted},
};

/// Statements kept prepared.
const PREPARED: usize = 128;

pub(super) struct Connection {
    client: Client,
    prepared: Prepared<Statement>,
    pub(super) since: Instant,
    /// Between `BEGIN` and its end, as far as was asked for here.
    pub(super) in_transaction: bool,
    /// Nobody should get it again.
    worn: bool,
    /// Whoever asked may have gone away; what it asked for still keeps the server busy.
    under_way: bool,
}

impl Connection {
    pub(super) async fn open(connector: &Connector) -> Result<Self, Failure> {
        let (client, moving) = connector.connect().await?;
        tokio::spawn(async move {
            if let Err(failure) = moving.await {
                tracing::debug!(%failure, "a database connection was lost");
            }
        });
        connector.greet(&client).await?;
        Ok(Self {
            client,
            prepared: Prepared::new(PREPARED),
            since: Instant::now(),
            in_transaction: false,
            worn: false,
            under_way: false,
        })
    }

    /// Whether it may be used again.
    pub(super) fn is_good(&self) -> bool {
        !self.worn && !self.under_way && !self.client.is_closed()
    }

    /// Runs a statement and reads all its rows.
    pub(super) async fn query(
        &mut self,
        sql: &str,
        parameters: &[Value],
    ) -> Result<Answer, Failure> {
        let statement = self.prepare(sql).await?;
        self.under_way = true;
        let outcome = self.rows(&statement, parameters).await;
        self.under_way = false;
        self.judged(outcome)
    }

    async fn rows(
        &self,
        statement: &Statement,
        parameters: &[Value],
    ) -> Result<Answer, tokio_postgres::Error> {
        let cells = parameters.iter().map(|value| Cell(Some(value)));
        let stream = self.client.query_raw(statement, cells).await?;
        let mut stream = std::pin::pin!(stream);
        let mut rows = Vec::new();
        while let Some(row) = stream.try_next().await? {
            let values =
                (0..row.len()).map(|at| row.try_get::<_, Lifted>(at).map(|lifted| lifted.0));
            rows.push(values.collect::<Result<Vec<_>, _>>()?);
        }
        let column = |column: &tokio_postgres::Column| Column {
            name: column.name().to_owned(),
            kind: column.type_().name().to_owned(),
        };
        Ok(Answer {
            columns: statement.columns().iter().map(column).collect(),
            count: stream.rows_affected().unwrap_or(0),
            rows,
        })
    }

    /// Runs a text without parameters, of one statement or several, and gives the rows that the first one touched.
    pub(super) async fn simple(&mut self, sql: &str) -> Result<u64, Failure> {
        let outcome = self.client.simple_query(sql).await;
        let messages = self.judged(outcome)?;
        let complete = messages.into_iter().find_map(|message| match message {
            SimpleQueryMessage::CommandComplete(rows) => Some(rows),
            _ => None,
        });
        Ok(complete.unwrap_or(0))
    }

    /// The statement, prepared now or earlier.
    pub(super) async fn prepare(&mut self, sql: &str) -> Result<Statement, Failure> {
        if let Some(statement) = self.prepared.find(sql) {
            return Ok(statement.clone());
        }
        let prepared = self.client.prepare(&postgres::numbered(sql)).await;
        let statement = self.judged(prepared)?;
        self.prepared.keep(sql, statement.clone());
        Ok(statement)
    }

    /// The driver's half, to send several statements at once.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// What a failure means, for the caller and for this connection.
    pub(super) fn judged<T>(
        &mut self,
        outcome: Result<T, tokio_postgres::Error>,
    ) -> Result<T, Failure> {
        outcome.map_err(|failure| {
            let failure = Failure::from(failure);
            self.worn |= failure.wears_out();
            failure
        })
    }
}
