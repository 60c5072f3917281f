//! What a guest means by a connection. A statement runs on any connection of the pool; from `BEGIN` to the end of the
//! transaction it is one and the same, so that transactions of two guests never meet.

use std::{
    sync::{
        Arc, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use cairn_registry::store::Value;
use tokio::sync::Mutex;

use super::{
    deadline::Deadline,
    failure::{Failure, SILENT},
    lent::Lent,
    pool::Pool,
    standby::Standby,
    values::Answer,
};

/// A guest's connection. Its clones are the same one.
#[derive(Clone)]
pub struct Session {
    pool: Arc<Pool>,
    generation: Arc<AtomicU64>,
    /// Where it leads, when that is not the primary.
    standby: Option<Arc<Standby>>,
    /// Inside a transaction, the connection it runs on.
    own: Arc<Mutex<Option<Lent>>>,
    /// For one statement, its connection included; without it as long as the pool and the server take.
    patience: Option<Duration>,
    /// Time at which a statement last ran into that limit, if none has been answered since.
    silent: Arc<Moment>,
}

/// A moment, or none yet.
type Moment = std::sync::Mutex<Option<Instant>>;

/// After a statement ran into its limit, the next ones of its request fail at once: the request has no time left for them.
const AFTERMATH: Duration = Duration::from_millis(100);

impl Session {
    pub(super) fn new(pool: Arc<Pool>, generation: Arc<AtomicU64>) -> Self {
        Self {
            pool,
            generation,
            standby: None,
            own: Arc::default(),
            patience: None,
            silent: Arc::default(),
        }
    }

    /// The same with a limit for each statement.
    pub(super) fn within(self, patience: Duration) -> Self {
        Self {
            patience: Some(patience),
            ..self
        }
    }

    /// The same on a standby, as long as that one serves.
    pub(super) fn on_standby(self, standby: Arc<Standby>) -> Self {
        Self {
            standby: Some(standby),
            ..self
        }
    }

    /// Runs one statement.
    pub async fn run(&self, sql: &str, parameters: &[Value]) -> Result<Answer, Failure> {
        let Some(patience) = self.patience else {
            return self.run_to_its_end(sql, parameters, None).await;
        };
        if self.was_silent_lately() {
            let told = "a statement before it had no answer".to_owned();
            return Err(Failure::Unreachable(SILENT, told));
        }
        let deadline = Deadline::after(patience);
        let running = self.run_to_its_end(sql, parameters, deadline);
        match tokio::time::timeout(patience, running).await {
            Ok(answer) => {
                if answer.is_ok() {
                    *self.silent() = None;
                }
                answer
            }
            Err(_) => {
                *self.silent() = Some(Instant::now());
                // A connection in the middle of an answer is closed, and the server told to cancel.
                drop(self.own.lock().await.take());
                let told = format!("no answer to a statement of a request within {patience:?}");
                Err(Failure::Unreachable(SILENT, told))
            }
        }
    }

    fn was_silent_lately(&self) -> bool {
        self.silent().is_some_and(|at| at.elapsed() < AFTERMATH)
    }

    fn silent(&self) -> MutexGuard<'_, Option<Instant>> {
        self.silent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run_to_its_end(
        &self,
        sql: &str,
        parameters: &[Value],
        deadline: Option<Deadline>,
    ) -> Result<Answer, Failure> {
        if let Some(standby) = &self.standby {
            standby.admit()?;
        }
        let mut own = self.own.lock().await;
        match (Role::of(sql), &mut *own) {
            (Role::Ends, None) => Ok(Answer::default()),
            (Role::Ends, Some(_)) => self.end(&mut own, sql).await,
            (_, Some(own)) => own.query(sql, parameters).await,
            (Role::Begins, empty) => {
                let mut lent = self.pool.lend().await?;
                deadline.map_or(Ok(()), Deadline::check)?;
                // Whatever comes of it, the connection is rolled back before somebody else gets it.
                lent.set_in_transaction(true);
                empty.insert(lent).query(sql, parameters).await
            }
            (role, None) => {
                // Statements outside a transaction do not wait for each other.
                drop(own);
                let may_repeat = role == Role::Reads;
                let answer = self.pool.query(sql, parameters, may_repeat, deadline).await;
                if role == Role::Writes {
                    self.generation.fetch_add(1, Ordering::AcqRel);
                }
                answer
            }
        }
    }

    async fn end(&self, own: &mut Option<Lent>, sql: &str) -> Result<Answer, Failure> {
        let Some(mut lent) = own.take() else {
            return Ok(Answer::default());
        };
        let answer = lent.query(sql, &[]).await;
        lent.set_in_transaction(answer.is_err());
        self.generation.fetch_add(1, Ordering::AcqRel);
        answer
    }
}

/// What a statement is to its connection, by its first word. Whatever is not known begins a transaction: at worst a
/// connection is kept longer than needed, and rolled back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Reads,
    Writes,
    Begins,
    Ends,
}

impl Role {
    fn of(sql: &str) -> Self {
        let mut words = sql
            .split(|c: char| !c.is_ascii_alphabetic())
            .filter(|word| !word.is_empty())
            .map(str::to_ascii_uppercase);
        let starts_with_word = sql
            .trim_start()
            .starts_with(|c: char| c.is_ascii_alphabetic());
        match (words.next().as_deref(), words.next().as_deref()) {
            _ if !starts_with_word => Self::Begins,
            (Some("SELECT" | "VALUES"), _) => Self::Reads,
            (Some("INSERT" | "UPDATE" | "DELETE" | "WITH"), _) => Self::Writes,
            (Some("ROLLBACK"), Some("TO")) => Self::Begins,
            (Some("COMMIT" | "END" | "ROLLBACK" | "ABORT"), _) => Self::Ends,
            _ => Self::Begins,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Role;

    #[test]
    fn a_statement_is_known_by_its_first_word() {
        let check = |sql, expected| assert_eq!(Role::of(sql), expected, "{sql}");
        check("SELECT 1", Role::Reads);
        check("  select 1", Role::Reads);
        check("(SELECT 1)", Role::Begins);
        check("WITH x AS (SELECT 1) DELETE FROM t", Role::Writes);
        check("INSERT INTO t VALUES (1)", Role::Writes);
        check("BEGIN", Role::Begins);
        check("START TRANSACTION", Role::Begins);
        check("/* SELECT */ BEGIN", Role::Begins);
        check("-- SELECT\nBEGIN", Role::Begins);
        check("SET statement_timeout = 0", Role::Begins);
        check("COMMIT", Role::Ends);
        check("rollback;", Role::Ends);
        check("ROLLBACK TO SAVEPOINT a", Role::Begins);
        check("", Role::Begins);
    }
}
