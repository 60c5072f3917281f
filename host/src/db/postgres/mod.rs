//! Postgres, or what speaks its protocol, behind [`cairn_registry::store::Db`]: a pool of connections, and the generation
//! that caches hang on. Only this folder knows the driver.

mod batch;
mod bulk;
mod connection;
mod connector;
mod deadline;
mod driver;
mod failure;
mod follow;
mod lent;
mod pgpass;
mod pool;
mod session;
mod standby;
mod statistics;
mod tls;
pub mod tools;
mod values;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use cairn_registry::{
    Result,
    store::{Db, Engine, Row, Statement, Value},
};
use tokio::task::AbortHandle;

use self::{connector::Connector, follow::Followed, pool::Pool, standby::Standby};
use crate::{
    config::model,
    db::{Connections, writes::LastWrite},
};

pub use failure::{Failure, Refusal, SILENT, UNREACHED};
pub use follow::GENERATIONS;
pub use session::Session;
pub use standby::Standing;
pub use values::{Answer, Column};

/// A database on a server.
pub struct Postgres {
    pool: Arc<Pool>,
    generation: Arc<AtomicU64>,
    standby: Option<Arc<Standby>>,
    /// For one statement of a request, here and on the standby.
    request_timeout: Duration,
    standby_timeout: Duration,
    followers: Mutex<Vec<AbortHandle>>,
    pub(super) last_write: LastWrite,
}

impl Postgres {
    /// Nothing is connected before it is needed; what can be refused without a server is refused here.
    pub fn new(settings: &model::Postgres) -> Result<Self> {
        let connector = Connector::new(settings)?;
        Ok(Self {
            pool: Arc::new(Pool::new(connector, settings)),
            generation: Arc::default(),
            standby: match &settings.standby {
                Some(settings) => Some(Arc::new(Standby::new(settings)?)),
                None => None,
            },
            request_timeout: settings.request_timeout,
            standby_timeout: settings
                .standby
                .as_ref()
                .map_or(settings.request_timeout, |standby| standby.request_timeout),
            followers: Mutex::default(),
            last_write: LastWrite::default(),
        })
    }

    /// From now on [`Self::generation`] moves with commits of other processes too, and a standby is read from as long as
    /// it keeps up.
    pub fn follow(&self) {
        let (followed, progress) = Followed::new(&self.pool, &self.generation);
        let mut tasks = vec![tokio::spawn(followed.run()).abort_handle()];
        if let Some(standby) = &self.standby {
            let trail = Arc::clone(standby).trail(Arc::clone(&self.generation), progress);
            tasks.push(tokio::spawn(trail).abort_handle());
        }
        for former in std::mem::replace(&mut *self.followers(), tasks) {
            former.abort();
        }
    }

    /// Moves with every commit: of this process at once, of others soon when this one [follows](Self::follow) them; once
    /// more when a standby shows it, and when reads go elsewhere. It counts nothing: only equality means something.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Connections that are open, in use or not, those included that are being opened or closed.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.pool.open()
    }

    /// Connections now.
    #[must_use]
    pub fn connections(&self) -> Connections {
        self.pool.connections()
    }

    /// A connection for callers that may wait as long as a statement takes.
    #[must_use]
    pub fn session(&self) -> Session {
        Session::new(Arc::clone(&self.pool), Arc::clone(&self.generation))
    }

    /// A guest's view of this database: its statements end before the request does.
    #[must_use]
    pub fn guest_session(&self) -> Session {
        self.session().within(self.request_timeout)
    }

    /// A guest's view of the standby: its statements fail while that one is lost or too far behind. `None` without one.
    #[must_use]
    pub fn reading_session(&self) -> Option<Session> {
        let standby = self.standby.as_ref()?;
        let session = standby.session(&self.generation);
        Some(session.within(self.standby_timeout))
    }

    /// How the standby stands, if there is one.
    #[must_use]
    pub fn standby(&self) -> Option<Standing> {
        self.standby.as_ref().map(|standby| standby.standing())
    }

    /// Runs a text of several statements without parameters, all or none.
    pub async fn script(&self, sql: &str) -> Result<()> {
        self.batch(vec![Statement::new(format!("{sql};"), Vec::new())])
            .await
    }

    /// Closes what is idle; what is in use closes when it is done.
    pub fn close(&self) {
        for follower in self.followers().drain(..) {
            follower.abort();
        }
        self.pool.close();
        if let Some(standby) = &self.standby {
            standby.close();
        }
    }

    fn followers(&self) -> std::sync::MutexGuard<'_, Vec<AbortHandle>> {
        self.followers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.close();
    }
}

impl Db for Postgres {
    fn engine(&self) -> Engine {
        Engine::Postgres
    }

    async fn query(&self, sql: &str, parameters: Vec<Value>) -> Result<Vec<Row>> {
        let answer = self.pool.query(sql, &parameters, true, None).await?;
        Ok(answer.rows.into_iter().map(Row::new).collect())
    }

    async fn batch(&self, statements: Vec<Statement>) -> Result<()> {
        let is_large = statements.len() >= statistics::MANY;
        let mut lent = self.pool.lend().await?;
        batch::run(lent.connection()?, statements).await?;
        self.generation.fetch_add(1, Ordering::AcqRel);
        if is_large && let Ok(connection) = lent.connection() {
            statistics::refresh(connection).await;
        }
        Ok(())
    }
}
