//! The one writing connection, on a thread of its own: a long batch delays other batches, never a request that reads.
//! It also notices commits that it did not make, because nobody can commit while it is in a transaction.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Duration,
};

use cairn_registry::{
    Result,
    store::{Statement, Value},
};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::connection::{Connection, failed};

/// How long a commit of another process may go unnoticed.
const WATCH: Duration = Duration::from_millis(100);

/// Rounds of [`WATCH`] without work after which the writer gives its page cache back.
const REST: u32 = 20;

pub(super) enum Work {
    Batch(Vec<Statement>),
    /// Several statements in one text, in one transaction: migrations.
    Script(String),
}

/// Work with its place in the bounded queue.
pub(super) struct Job {
    pub(super) work: Work,
    pub(super) done: oneshot::Sender<Result<()>>,
    pub(super) _place: OwnedSemaphorePermit,
}

pub(super) struct Writer {
    connection: Connection,
    generation: Arc<AtomicU64>,
    /// Changes when any other connection commits, in this process or another.
    seen: Option<i64>,
}

impl Writer {
    pub(super) fn new(connection: Connection, generation: Arc<AtomicU64>) -> Self {
        let mut writer = Self {
            connection,
            generation,
            seen: None,
        };
        writer.seen = writer.data_version();
        writer
    }

    /// Works until the last sender is gone, then leaves a file without a log behind.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        let mut idle = REST;
        loop {
            match jobs.recv_timeout(WATCH) {
                Ok(job) => {
                    let outcome = self.work(&job.work);
                    let _ = job.done.send(outcome);
                    idle = 0;
                }
                Err(RecvTimeoutError::Timeout) => {
                    idle = idle.saturating_add(1);
                    if idle == REST {
                        let _ = self.connection.script("PRAGMA shrink_memory");
                    }
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.watch();
        }
        if let Err(failure) = self.connection.script("PRAGMA wal_checkpoint(TRUNCATE)") {
            tracing::warn!(error = %failure, "the write-ahead log was not folded into the database at close");
        }
    }

    fn work(&mut self, work: &Work) -> Result<()> {
        self.connection.script("BEGIN IMMEDIATE").map_err(failed)?;
        let outcome = match work {
            Work::Batch(statements) => statements
                .iter()
                .try_for_each(|statement| self.step(statement)),
            Work::Script(sql) => self.connection.script(sql).map_err(failed),
        };
        let outcome = outcome.and_then(|()| self.connection.script("COMMIT").map_err(failed));
        if outcome.is_ok() {
            self.generation.fetch_add(1, Ordering::AcqRel);
        } else if self.connection.in_transaction()
            && let Err(failure) = self.connection.script("ROLLBACK")
        {
            tracing::error!(error = %failure, "a failed batch could not be rolled back");
        }
        outcome
    }

    fn step(&mut self, statement: &Statement) -> Result<()> {
        let touched = self
            .connection
            .execute(&statement.sql, &statement.parameters)
            .map_err(failed)?;
        statement.expect.check(touched, &statement.sql)
    }

    fn watch(&mut self) {
        let seen = self.data_version();
        if seen.is_some() && seen != self.seen {
            self.seen = seen;
            self.generation.fetch_add(1, Ordering::AcqRel);
        }
    }

    fn data_version(&mut self) -> Option<i64> {
        let table = self.connection.query("PRAGMA data_version", &[]).ok()?;
        match table.rows.first()?.first()? {
            Value::Integer(version) => Some(*version),
            _ => None,
        }
    }
}
