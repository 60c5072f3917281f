//! Connections that are lent out one by one: at most so many at once, those not needed for a while closed.

use std::{
    ops::{Deref, DerefMut},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use cairn_registry::store::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{connection::Connection, connector::Connector, failure::Failure, values::Answer};
use crate::config::model;

/// How long somebody waits for a connection when all are lent out.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection beyond the idle ones to be kept is closed when nobody needed it for so long.
const REST: Duration = Duration::from_secs(15);

pub(super) struct Pool {
    connector: Connector,
    places: Arc<Semaphore>,
    /// The last one is taken first: those in front come to rest.
    idle: Mutex<Vec<Idle>>,
    open: Arc<AtomicUsize>,
    most_idle: usize,
    lifetime: Duration,
}

struct Idle {
    connection: Connection,
    counted: Counted,
    since: Instant,
}

/// One among the open connections.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Pool {
    pub(super) fn new(connector: Connector, settings: &model::Postgres) -> Self {
        Self {
            connector,
            places: Arc::new(Semaphore::new(settings.connections)),
            idle: Mutex::default(),
            open: Arc::default(),
            most_idle: settings.idle,
            lifetime: settings.lifetime,
        }
    }

    pub(super) fn connector(&self) -> &Connector {
        &self.connector
    }

    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::Acquire)
    }

    /// Nobody gets a connection any more.
    pub(super) fn close(&self) {
        self.places.close();
        self.idle().clear();
    }

    /// A connection outside any transaction.
    pub(super) async fn lend(self: &Arc<Self>) -> Result<Lent, Failure> {
        Ok(self.lend_used().await?.0)
    }

    /// Runs one statement. A connection that went bad while it lay idle is no failure of the database: a statement that
    /// `may_repeat` then gets a new one. The others that lay idle meanwhile are likely to be as bad.
    pub(super) async fn query(
        self: &Arc<Self>,
        sql: &str,
        parameters: &[Value],
        may_repeat: bool,
    ) -> Result<Answer, Failure> {
        loop {
            let (mut lent, used) = self.lend_used().await?;
            let outcome = lent.query(sql, parameters).await;
            if outcome.is_ok() || !used || !may_repeat || lent.is_good() {
                return outcome;
            }
            self.idle().clear();
        }
    }

    /// A connection, and whether it has been used before.
    async fn lend_used(self: &Arc<Self>) -> Result<(Lent, bool), Failure> {
        let place = self.place().await?;
        let Some((connection, counted)) = self.kept() else {
            return Ok((self.lend_new(place).await?, false));
        };
        let lent = Lent {
            held: Some((connection, counted, place)),
            pool: Arc::clone(self),
        };
        Ok((lent, true))
    }

    /// A new connection. Who waits for it may give up: it is opened all the same, and then lies there for the next one. On
    /// a slow server nobody would ever get one otherwise.
    async fn lend_new(self: &Arc<Self>, place: OwnedSemaphorePermit) -> Result<Lent, Failure> {
        self.open.fetch_add(1, Ordering::AcqRel);
        let counted = Counted(Arc::clone(&self.open));
        let pool = Arc::clone(self);
        let opening = tokio::spawn(async move {
            let connection = Connection::open(&pool.connector).await?;
            Ok(Lent {
                held: Some((connection, counted, place)),
                pool,
            })
        });
        let opened = opening.await;
        opened.map_err(|error| Failure::Unsent(error.to_string()))?
    }

    async fn place(&self) -> Result<OwnedSemaphorePermit, Failure> {
        let waiting = Arc::clone(&self.places).acquire_owned();
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(place) => place.map_err(|_| {
                Failure::Unreachable("the database is closed", "used after close".to_owned())
            }),
            Err(_) => Err(Failure::Unreachable(
                "the database is busy",
                "every connection is in use: database.maxOpenConns".to_owned(),
            )),
        }
    }

    fn kept(&self) -> Option<(Connection, Counted)> {
        let mut idle = self.idle();
        while let Some(Idle {
            connection,
            counted,
            ..
        }) = idle.pop()
        {
            if self.is_welcome(&connection) {
                return Some((connection, counted));
            }
        }
        None
    }

    fn is_welcome(&self, connection: &Connection) -> bool {
        connection.is_good() && connection.since.elapsed() < self.lifetime
    }

    fn take_back(&self, connection: Connection, counted: Counted) {
        if self.places.is_closed() || !self.is_welcome(&connection) {
            return;
        }
        let mut idle = self.idle();
        idle.push(Idle {
            connection,
            counted,
            since: Instant::now(),
        });
        let rested = |idle: &[Idle]| idle.first().is_some_and(|idle| idle.since.elapsed() > REST);
        if idle.len() > self.most_idle && rested(&idle) {
            idle.remove(0);
        }
    }

    /// Nothing panics while this is held.
    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that goes back when it is dropped; one that is inside a transaction is rolled back first.
pub(super) struct Lent {
    held: Option<(Connection, Counted, OwnedSemaphorePermit)>,
    pool: Arc<Pool>,
}

impl Deref for Lent {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match &self.held {
            Some((connection, ..)) => connection,
            None => unreachable!("it is taken out when dropped"),
        }
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut Connection {
        match &mut self.held {
            Some((connection, ..)) => connection,
            None => unreachable!("it is taken out when dropped"),
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some((mut connection, counted, place)) = self.held.take() else {
            return;
        };
        let pool = Arc::clone(&self.pool);
        if !connection.in_transaction || !connection.is_good() {
            pool.take_back(connection, counted);
            return;
        }
        // Whoever held it is gone, in the middle of its work.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if connection.control("ROLLBACK").await.is_ok() {
                    connection.in_transaction = false;
                    pool.take_back(connection, counted);
                }
                drop(place);
            });
        }
    }
}
