//! The embedded engine: readers in a pool, one writer on its own thread, and the generation that caches hang on.

use std::{
    fs::OpenOptions,
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::Duration,
};

use cairn_registry::{
    Error, Result,
    store::{Db, Engine, Row, Statement, Value},
};
use tempfile::TempDir;
use tokio::sync::{Semaphore, oneshot};

use super::{
    connection::{Connection, Role, Table, failed, refused_write},
    connections::{Connections, Waiting},
    identity,
    session::Session,
    writer::{Job, Work, Writer},
    writes::LastWrite,
};
use crate::{config::model::Database, output};

/// Batches that wait for the writer; a caller beyond them waits before it hands its batch over.
const QUEUE: usize = 32;

/// An embedded database. Dropping it without [`Libsql::close`] loses nothing, but leaves the log for the next start.
pub struct Libsql {
    path: PathBuf,
    busy_timeout: Duration,
    /// Opened when first needed: an idle server pays for the readers it once used.
    readers: Vec<Mutex<Option<Connection>>>,
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    queue: Arc<Semaphore>,
    /// Batches that wait for a place in the queue.
    waiting: AtomicUsize,
    writer: Mutex<Option<JoinHandle<()>>>,
    generation: Arc<AtomicU64>,
    pub(super) last_write: LastWrite,
    _directory: Option<TempDir>,
}

impl Libsql {
    /// Opens the database, and makes the file and its directory when they are not there.
    pub fn open(database: &Database) -> Result<Self> {
        Self::start(
            &database.path,
            database.readers,
            database.busy_timeout,
            None,
        )
    }

    /// An empty database that vanishes with the value.
    pub fn temporary() -> Result<Self> {
        let directory = tempfile::tempdir().map_err(unopened)?;
        let path = directory.path().join("cairn.db");
        Self::start(&path, 2, Duration::from_secs(5), Some(directory))
    }

    fn start(
        path: &Path,
        readers: usize,
        busy_timeout: Duration,
        directory: Option<TempDir>,
    ) -> Result<Self> {
        if let Some(parent) = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
        {
            std::fs::create_dir_all(parent).map_err(|error| unmade(path, &error))?;
        }
        identity::require_ours(path)?;
        make_private(path)?;
        let generation = Arc::new(AtomicU64::new(0));
        let mut connection = Connection::open(path, Role::Writer, busy_timeout)?;
        identity::mark(&mut connection);
        let writer = Writer::new(connection, Arc::clone(&generation));
        let (jobs, received) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("cairn-writer".to_owned())
            .spawn(move || writer.run(&received))
            .map_err(unopened)?;
        Ok(Self {
            path: path.to_owned(),
            busy_timeout,
            readers: (0..readers.max(1)).map(|_| Mutex::new(None)).collect(),
            jobs: Mutex::new(Some(jobs)),
            queue: Arc::new(Semaphore::new(QUEUE)),
            waiting: AtomicUsize::new(0),
            writer: Mutex::new(Some(thread)),
            generation,
            last_write: LastWrite::default(),
            _directory: directory,
        })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Moves with every commit, of this process at once and of others within a tenth of a second. It counts nothing:
    /// only equality means something.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Reading connections that are open. One in use right now counts.
    #[must_use]
    pub fn open_readers(&self) -> usize {
        let open = |reader: &&Mutex<Option<Connection>>| {
            reader.try_lock().map_or(true, |slot| slot.is_some())
        };
        self.readers.iter().filter(open).count()
    }

    /// Connections that read, now. Requests that wait are those that wait for the writer's queue.
    #[must_use]
    pub fn connections(&self) -> Connections {
        let idle = |reader: &&Mutex<Option<Connection>>| {
            reader.try_lock().is_ok_and(|slot| slot.is_some())
        };
        Connections {
            open: self.open_readers(),
            idle: self.readers.iter().filter(idle).count(),
            waiting: self.waiting.load(Ordering::Relaxed),
            limit: self.readers.len(),
        }
    }

    /// A guest's view of this database.
    #[must_use]
    pub fn session(self: &Arc<Self>) -> Session {
        Session::new(Arc::clone(self))
    }

    /// Runs a text of several statements without parameters, all or none.
    pub async fn script(&self, sql: impl Into<String> + Send) -> Result<()> {
        self.submit(Work::Script(sql.into())).await
    }

    /// Lets the batches handed over so far finish, folds the log into the file and closes all connections.
    pub async fn close(&self) {
        drop(lock(&self.jobs).take());
        for reader in &self.readers {
            drop(lock(reader).take());
        }
        let thread = lock(&self.writer).take();
        if let Some(thread) = thread {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }

    /// Reads all rows of a statement; `None` when the statement writes, which no reader does.
    pub(super) fn read(&self, sql: &str, parameters: &[Value]) -> Result<Option<Table>> {
        let mut slot = self.reader()?;
        let reader = match &mut *slot {
            Some(reader) => reader,
            empty => empty.insert(self.connect(Role::Reader)?),
        };
        match reader.query(sql, parameters) {
            Ok(table) => Ok(Some(table)),
            Err(failure) if refused_write(&failure) => Ok(None),
            Err(failure) => Err(failed(failure)),
        }
    }

    pub(super) fn connect(&self, role: Role) -> Result<Connection> {
        if lock(&self.jobs).is_none() {
            return Err(closed());
        }
        Connection::open(&self.path, role, self.busy_timeout)
    }

    pub(super) fn moved(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    /// The first free reader: those in front stay warm, those behind are never opened. When all are taken, waits for
    /// the first, which is a matter of microseconds.
    fn reader(&self) -> Result<MutexGuard<'_, Option<Connection>>> {
        let free = self
            .readers
            .iter()
            .find_map(|reader| match reader.try_lock() {
                Ok(slot) => Some(slot),
                Err(TryLockError::Poisoned(slot)) => Some(slot.into_inner()),
                Err(TryLockError::WouldBlock) => None,
            });
        match (free, self.readers.as_slice()) {
            (Some(slot), _) => Ok(slot),
            (None, [first, ..]) => Ok(lock(first)),
            (None, []) => Err(Error::internal("a pool without readers")),
        }
    }

    async fn submit(&self, work: Work) -> Result<()> {
        let place = {
            let _waiting = Waiting::begin(&self.waiting);
            let place = Arc::clone(&self.queue).acquire_owned().await;
            place.map_err(|_| closed())?
        };
        let (done, outcome) = oneshot::channel();
        let job = Job {
            work,
            done,
            _place: place,
        };
        lock(&self.jobs)
            .as_ref()
            .and_then(|jobs| jobs.send(job).ok())
            .ok_or_else(closed)?;
        outcome.await.map_err(|_| closed())?
    }
}

impl Db for Libsql {
    fn engine(&self) -> Engine {
        Engine::Sqlite
    }

    /// Runs on the caller's thread although that is an asynchronous worker: a page of rows takes some fifty
    /// microseconds, less than it costs to hand it to another thread and back.
    async fn query(&self, sql: &str, parameters: Vec<Value>) -> Result<Vec<Row>> {
        let table = self
            .read(sql, &parameters)?
            .ok_or_else(|| Error::internal(format!("a query that writes: {sql}")))?;
        Ok(table.rows.into_iter().map(Row::new).collect())
    }

    async fn batch(&self, statements: Vec<Statement>) -> Result<()> {
        self.submit(Work::Batch(statements)).await
    }
}

/// A thread that panicked while it held a lock leaves a connection that the next statement resets: nothing to refuse.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes an absent file that its owner alone reads; SQLite gives the files beside it the same mode.
fn make_private(path: &Path) -> Result<()> {
    let path = output::resolved(path).map_err(|error| unopened(format!("{error:#}")))?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    match options.open(&path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(unmade(&path, &error)),
    }
}

fn unmade(path: &Path, error: &io::Error) -> Error {
    Error::unavailable(
        format!(
            "the database file {} cannot be made: make its folder writable for this user, or name another by \
             database.path",
            path.display()
        ),
        error.to_string(),
    )
}

fn closed() -> Error {
    Error::unavailable("the database is closed", "used after close")
}

fn unopened(cause: impl std::fmt::Display) -> Error {
    Error::unavailable("the database cannot be opened", cause.to_string())
}

#[cfg(test)]
#[path = "tests/libsql.rs"]
mod tests;
