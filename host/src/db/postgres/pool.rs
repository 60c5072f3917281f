//! Connections that are lent out one by one: at most so many at once, those not needed for a while closed. A connection is
//! driven by the runtime that opened it and goes to whoever runs there: on another thread each statement would wake one
//! thread to be sent and one for its answer.

use std::{
    ops::{Deref, DerefMut},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use cairn_registry::store::Value;
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
};

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
    most: usize,
    most_idle: usize,
    lifetime: Duration,
}

struct Idle {
    connection: Connection,
    counted: Counted,
    since: Instant,
}

impl Idle {
    fn taken(self) -> (Connection, Counted) {
        (self.connection, self.counted)
    }
}

/// One among the open connections.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(open))
    }
}

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
            most: settings.connections,
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

    /// A connection, and whether it has been used before. Where no new one is to be had, one of another runtime will do.
    async fn lend_used(self: &Arc<Self>) -> Result<(Lent, bool), Failure> {
        let place = self.place().await?;
        match self.nearest() {
            Ok((connection, counted)) => Ok((self.lent(connection, counted, place), true)),
            Err(counted) => match self.lend_new(place, counted).await {
                Ok(lent) => Ok((lent, false)),
                Err(failure) => self.lend_any().await.ok_or(failure),
            },
        }
    }

    /// A new connection. Who waits for it may give up: it is opened all the same, and then lies there for the next one. On
    /// a slow server nobody would ever get one otherwise.
    async fn lend_new(
        self: &Arc<Self>,
        place: OwnedSemaphorePermit,
        counted: Counted,
    ) -> Result<Lent, Failure> {
        let pool = Arc::clone(self);
        let opening = tokio::spawn(async move {
            let connection = Connection::open(&pool.connector).await?;
            Ok(pool.lent(connection, counted, place))
        });
        let opened = opening.await;
        opened.map_err(|error| Failure::Unsent(error.to_string()))?
    }

    /// One that lies idle, if there is one.
    async fn lend_any(self: &Arc<Self>) -> Option<(Lent, bool)> {
        let place = self.place().await.ok()?;
        let (connection, counted) = self.idle().pop()?.taken();
        Some((self.lent(connection, counted, place), true))
    }

    fn lent(
        self: &Arc<Self>,
        connection: Connection,
        counted: Counted,
        place: OwnedSemaphorePermit,
    ) -> Lent {
        Lent {
            held: Some((connection, counted, place)),
            pool: Arc::clone(self),
        }
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

    /// An idle connection of this runtime; else, as an error, one that is counted and has yet to be opened; when there may
    /// be no more, an idle one of another runtime.
    fn nearest(&self) -> Result<(Connection, Counted), Counted> {
        let here = Handle::current().id();
        let mut idle = self.idle();
        idle.retain(|idle| self.is_welcome(&idle.connection));
        let own = idle.iter().rposition(|idle| idle.connection.home == here);
        let last = idle.len().checked_sub(1);
        match own.or(last.filter(|_| self.open() >= self.most)) {
            Some(at) => Ok(idle.remove(at).taken()),
            None => Err(Counted::new(&self.open)),
        }
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
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                if connection.simple("ROLLBACK").await.is_ok() {
                    connection.in_transaction = false;
                    pool.take_back(connection, counted);
                }
                drop(place);
            });
        }
    }
}
