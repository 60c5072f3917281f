//! Connections that are lent out one by one: at most so many at once, those not needed for a while closed. A connection is
//! driven by the runtime that opened it and goes to whoever runs there: on another thread each statement would wake one
//! thread to be sent and one for its answer.

use std::{
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
    time::{sleep, timeout},
};

use super::{
    connection::Connection, connector::Connector, deadline::Deadline, failure::Failure, lent::Lent,
    values::Answer,
};
use crate::{
    config::model,
    db::connections::{Connections, Waiting},
};

/// How long somebody waits for a connection when all are lent out.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection beyond the idle ones to be kept is closed when nobody needed it for so long.
const REST: Duration = Duration::from_secs(15);

/// After a connection could not be opened, for so long none is opened where one of another runtime lies idle.
const PAUSE: Duration = Duration::from_secs(1);

/// Between two looks for a connection that was returned, where the server takes no more of them.
const LOOK: Duration = Duration::from_millis(10);

pub(super) struct Pool {
    connector: Connector,
    /// One for each that is lent out, and for each that was given up until it is closed.
    places: Arc<Semaphore>,
    /// One for each that is open, from before it is until it is closed, whoever has it.
    seats: Arc<Semaphore>,
    /// The last one is taken first: those in front come to rest.
    idle: Mutex<Vec<Idle>>,
    /// When a connection could not be opened.
    refused: Mutex<Option<Instant>>,
    waiting: AtomicUsize,
    most: usize,
    most_idle: usize,
    lifetime: Duration,
}

struct Idle {
    connection: Connection,
    since: Instant,
}

/// What there is for whoever needs a connection.
#[allow(
    clippy::large_enum_variant,
    reason = "it is taken apart at once, for every statement"
)]
enum Found {
    Idle(Connection),
    /// One may be opened.
    Seat(OwnedSemaphorePermit),
}

/// Whose idle connection will do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// This runtime's.
    Own,
    /// Rather this runtime's.
    Any,
}

impl Pool {
    pub(super) fn new(connector: Connector, settings: &model::Postgres) -> Self {
        Self {
            connector,
            places: Arc::new(Semaphore::new(settings.connections)),
            seats: Arc::new(Semaphore::new(settings.connections)),
            idle: Mutex::default(),
            refused: Mutex::default(),
            waiting: AtomicUsize::new(0),
            most: settings.connections,
            most_idle: settings.idle,
            lifetime: settings.lifetime,
        }
    }

    pub(super) fn connector(&self) -> &Connector {
        &self.connector
    }

    /// Connections that are open, in use or not, those included that are being opened and closed.
    pub(super) fn open(&self) -> usize {
        self.most.saturating_sub(self.seats.available_permits())
    }

    /// Connections now.
    pub(super) fn connections(&self) -> Connections {
        Connections {
            open: self.open(),
            idle: self.idle().len(),
            waiting: self.waiting.load(Ordering::Relaxed),
            limit: self.most,
        }
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
        deadline: Option<Deadline>,
    ) -> Result<Answer, Failure> {
        loop {
            let (mut lent, used) = self.lend_used().await?;
            deadline.map_or(Ok(()), Deadline::check)?;
            let outcome = lent.query(sql, parameters).await;
            if outcome.is_ok() || !used || !may_repeat || lent.is_good() {
                return outcome;
            }
            self.idle().clear();
        }
    }

    /// A connection, and whether it has been used before. Where no new one is to be had, one of another runtime will do.
    async fn lend_used(self: &Arc<Self>) -> Result<(Lent, bool), Failure> {
        let (place, found) = self.find().await?;
        let seat = match found {
            Found::Idle(connection) => return Ok((self.lent(connection, place), true)),
            Found::Seat(seat) => seat,
        };
        match self.lend_new(place, seat).await {
            Ok(lent) => Ok((lent, false)),
            Err(failure) => {
                *self.refused() = Some(Instant::now());
                let lent = match self.lend_idle() {
                    None if failure.is_full() => self.lend_returned().await,
                    lent => lent,
                };
                Ok((lent.ok_or(failure)?, true))
            }
        }
    }

    /// A new connection. Who waits for it may give up: it is opened all the same, and then lies there for the next one. On
    /// a slow server nobody would ever get one otherwise.
    async fn lend_new(
        self: &Arc<Self>,
        place: OwnedSemaphorePermit,
        seat: OwnedSemaphorePermit,
    ) -> Result<Lent, Failure> {
        let pool = Arc::clone(self);
        let opening = tokio::spawn(async move {
            let connection = Connection::open(&pool.connector, seat).await?;
            Ok(pool.lent(connection, place))
        });
        let opened = opening.await;
        opened.map_err(|error| Failure::Unsent(error.to_string()))?
    }

    /// One that lies idle, if there is one and nobody has to wait for it.
    fn lend_idle(self: &Arc<Self>) -> Option<Lent> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(self.lent(self.take(Whose::Any)?, place))
    }

    /// One that another request returns in time, where the server takes no more connections. `None` when this pool has no
    /// connection that could be returned.
    async fn lend_returned(self: &Arc<Self>) -> Option<Lent> {
        let _waiting = Waiting::begin(&self.waiting);
        let begun = Instant::now();
        while self.open() > 0 && begun.elapsed() < PATIENCE {
            if let Some(lent) = self.lend_idle() {
                return Some(lent);
            }
            sleep(LOOK).await;
        }
        None
    }

    fn lent(self: &Arc<Self>, connection: Connection, place: OwnedSemaphorePermit) -> Lent {
        Lent::new(connection, place, Arc::clone(self))
    }

    async fn find(&self) -> Result<(OwnedSemaphorePermit, Found), Failure> {
        let _waiting = Waiting::begin(&self.waiting);
        let finding = async {
            let place = Arc::clone(&self.places).acquire_owned().await.ok()?;
            Some((place, self.nearest().await?))
        };
        match timeout(PATIENCE, finding).await {
            Ok(Some(found)) => Ok(found),
            Ok(None) => Err(Failure::Unreachable(
                "the database is closed",
                "used after close".to_owned(),
            )),
            Err(_) => Err(Failure::Unreachable(
                "the database is busy",
                "every connection is in use: database.maxOpenConns".to_owned(),
            )),
        }
    }

    /// An idle connection of this runtime; else a seat for a new one; when there may be no more, an idle one of another
    /// runtime. Whoever has a place and finds neither waits for one that lay idle and is being closed.
    async fn nearest(&self) -> Option<Found> {
        let whose = if self.was_refused_lately() {
            Whose::Any
        } else {
            Whose::Own
        };
        if let Some(connection) = self.take(whose) {
            return Some(Found::Idle(connection));
        }
        if let Ok(seat) = Arc::clone(&self.seats).try_acquire_owned() {
            return Some(Found::Seat(seat));
        }
        if let Some(connection) = self.take(Whose::Any) {
            return Some(Found::Idle(connection));
        }
        let seat = Arc::clone(&self.seats).acquire_owned().await.ok()?;
        Some(Found::Seat(seat))
    }

    fn take(&self, whose: Whose) -> Option<Connection> {
        let here = Handle::current().id();
        let mut idle = self.idle();
        idle.retain(|idle| self.is_welcome(&idle.connection));
        let own = idle.iter().rposition(|idle| idle.connection.home == here);
        let last = idle.len().checked_sub(1).filter(|_| whose == Whose::Any);
        let at = own.or(last)?;
        Some(idle.remove(at).connection)
    }

    fn is_welcome(&self, connection: &Connection) -> bool {
        connection.is_good() && connection.since.elapsed() < self.lifetime
    }

    fn was_refused_lately(&self) -> bool {
        self.refused().is_some_and(|at| at.elapsed() < PAUSE)
    }

    pub(super) fn take_back(&self, mut connection: Connection) {
        if self.places.is_closed() || !self.is_welcome(&connection) {
            return;
        }
        // Free when it can be found, not before.
        let _place = connection.place.take();
        let mut idle = self.idle();
        idle.push(Idle {
            connection,
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

    /// Nothing panics while this is held.
    fn refused(&self) -> MutexGuard<'_, Option<Instant>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
