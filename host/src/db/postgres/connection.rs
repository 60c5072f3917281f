//! One connection with its prepared statements, and whether it is in a transaction.

use std::time::{Duration, Instant};

use cairn_registry::store::{Value, postgres};
use futures_util::TryStreamExt;
use tokio::{
    runtime,
    sync::{OwnedSemaphorePermit, oneshot},
};
use tokio_postgres::{Client, SimpleQueryMessage, Statement};

use super::{
    super::prepared::Prepared,
    connector::Connector,
    driver::{self, Leave},
    failure::{Failure, SILENT},
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
    /// Until when an answer is waited for. Whoever asked may have gone away; the server is at it all the same.
    busy_until: Option<Instant>,
    /// While it is lent out: one of so many.
    pub(super) place: Option<OwnedSemaphorePermit>,
    /// To its driver.
    leave: Option<oneshot::Sender<Leave>>,
    patience: Duration,
}

impl Connection {
    /// A new one, which holds its seat until it is closed.
    pub(super) async fn open(
        connector: &Connector,
        seat: OwnedSemaphorePermit,
    ) -> Result<Self, Failure> {
        connector.in_time(Self::greeted(connector, seat)).await
    }

    async fn greeted(connector: &Connector, seat: OwnedSemaphorePermit) -> Result<Self, Failure> {
        let (client, moving) = connector.log_in().await?;
        let leave = driver::drive(moving, connector.stop(&client), seat);
        let mut connection = Self::over(client, leave, connector.patience());
        // Whoever does not even take a greeting is left at once.
        connection.busy_until = Some(connection.since);
        connector.greet(&connection.client).await?;
        connection.is_answered();
        Ok(connection)
    }

    fn over(client: Client, leave: oneshot::Sender<Leave>, patience: Duration) -> Self {
        Self {
            client,
            prepared: Prepared::new(PREPARED),
            since: Instant::now(),
            home: runtime::Handle::current().id(),
            in_transaction: false,
            worn: false,
            busy_until: None,
            place: None,
            leave: Some(leave),
            patience,
        }
    }

    /// Whether it may be used again.
    pub(super) fn is_good(&self) -> bool {
        !self.worn && self.busy_until.is_none() && !self.client.is_closed()
    }

    /// Runs a statement and reads all its rows.
    pub(super) async fn query(
        &mut self,
        sql: &str,
        parameters: &[Value],
    ) -> Result<Answer, Failure> {
        let patience = self.asks(1);
        let answer = bounded(patience, async {
            let statement = self.statement(sql).await?;
            let outcome = self.rows(&statement, parameters).await;
            self.judged(outcome)
        });
        let answer = answer.await?;
        self.is_answered();
        answer
    }

    /// Runs a text without parameters, of one statement or several, and gives the rows that the first one touched.
    pub(super) async fn simple(&mut self, sql: &str) -> Result<u64, Failure> {
        // The server counts the time of each statement by itself, and no text has more of them than semicolons.
        let patience = self.asks(sql.matches(';').count() + 1);
        let outcome = bounded(patience, self.client.simple_query(sql)).await?;
        self.is_answered();
        let complete = self
            .judged(outcome)?
            .into_iter()
            .find_map(|told| match told {
                SimpleQueryMessage::CommandComplete(rows) => Some(rows),
                _ => None,
            });
        Ok(complete.unwrap_or(0))
    }

    /// The statement, prepared now or earlier.
    pub(super) async fn prepare(&mut self, sql: &str) -> Result<Statement, Failure> {
        let patience = self.asks(1);
        let statement = bounded(patience, self.statement(sql)).await?;
        self.is_answered();
        statement
    }

    /// To be called before so many statements are sent: how long their answers may take. Until it
    /// [is answered](Self::is_answered) the connection is nobody else's.
    pub(super) fn asks(&mut self, statements: usize) -> Duration {
        let many = u32::try_from(statements).unwrap_or(u32::MAX);
        let patience = self.patience.saturating_mul(many);
        let now = Instant::now();
        self.busy_until = Some(now.checked_add(patience).unwrap_or(now));
        patience
    }

    pub(super) fn is_answered(&mut self) {
        self.busy_until = None;
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

    async fn statement(&mut self, sql: &str) -> Result<Statement, Failure> {
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

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(leave) = self.leave.take() {
            let _ = leave.send(Leave {
                due: self.busy_until.map(Into::into),
                place: self.place.take(),
            });
        }
    }
}

/// A server that does not even give the statement up is not there any more. The connection is then not to be used again.
pub(super) async fn bounded<T>(
    patience: Duration,
    answer: impl Future<Output = T>,
) -> Result<T, Failure> {
    tokio::time::timeout(patience, answer).await.map_err(|_| {
        Failure::Unreachable(
            SILENT,
            "nothing came in the time that a statement may take".to_owned(),
        )
    })
}
