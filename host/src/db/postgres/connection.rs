//! One connection with its prepared statements, and whether it is in a transaction.

use std::time::{Duration, Instant};

use cairn_registry::store::{Value, postgres};
use futures_util::TryStreamExt;
use tokio::runtime;
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
    /// The runtime that drives it.
    pub(super) home: runtime::Id,
    /// Between `BEGIN` and its end, as far as was asked for here.
    pub(super) in_transaction: bool,
    /// Nobody should get it again.
    worn: bool,
    /// Whoever asked may have gone away; what it asked for still keeps the server busy.
    under_way: bool,
    patience: Duration,
}

impl Connection {
    pub(super) async fn open(connector: &Connector) -> Result<Self, Failure> {
        let (client, moving) = connector.connect().await?;
        tokio::spawn(async move {
            if let Err(failure) = moving.await {
                tracing::debug!(%failure, "a database connection was lost");
            }
        });
        bounded(connector.patience(), connector.greet(&client)).await??;
        Ok(Self {
            client,
            prepared: Prepared::new(PREPARED),
            since: Instant::now(),
            home: runtime::Handle::current().id(),
            in_transaction: false,
            worn: false,
            under_way: false,
            patience: connector.patience(),
        })
    }

    /// Whether it may be used again.
    pub(super) fn is_good(&self) -> bool {
        !self.worn && !self.under_way && !self.client.is_closed()
    }

    /// Nobody gets it again.
    pub(super) fn wear_out(&mut self) {
        self.worn = true;
    }

    /// Runs a statement and reads all its rows.
    pub(super) async fn query(
        &mut self,
        sql: &str,
        parameters: &[Value],
    ) -> Result<Answer, Failure> {
        self.under_way = true;
        let answer = bounded(self.patience, async {
            let statement = self.prepare(sql).await?;
            let outcome = self.rows(&statement, parameters).await;
            self.judged(outcome)
        });
        let answer = answer.await?;
        self.under_way = false;
        answer
    }

    /// How long so many answers may take.
    pub(super) fn patience(&self, statements: usize) -> Duration {
        let many = u32::try_from(statements).unwrap_or(u32::MAX);
        self.patience.saturating_mul(many)
    }

    /// Begins or ends a transaction.
    pub(super) async fn control(&mut self, sql: &str) -> Result<(), Failure> {
        self.under_way = true;
        let done = bounded(self.patience, self.simple(sql)).await?;
        self.under_way = false;
        done.map(drop)
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
        let kept = self.prepared.find(sql);
        if let Some(statement) = kept.and_then(|at| self.prepared.get(at)) {
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

/// A server that does not even give the statement up is not there any more. The connection is then not to be used again.
pub(super) async fn bounded<T>(
    patience: Duration,
    answer: impl Future<Output = T>,
) -> Result<T, Failure> {
    tokio::time::timeout(patience, answer).await.map_err(|_| {
        Failure::Unreachable(
            "the database does not answer",
            "nothing came in the time that a statement may take".to_owned(),
        )
    })
}
