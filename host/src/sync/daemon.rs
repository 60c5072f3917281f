//! The daemon: every source on its own timer, for as long as the process lives, or once.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use cairn_registry::{
    Result,
    model::{Namespace, Timestamp},
    ops::{Cx, report},
};
use futures_util::FutureExt;

use super::{
    attempt::{self, Outcome},
    backoff::Backoff,
    holder,
    keep::{self, BUSY_NAP},
    pause::FIRST_PAUSE,
    scratch::{self, Scratch},
    settings,
    sources::{Context, Stop},
    unwritten::Unwritten,
};
use crate::{
    clock,
    config::{Config, Source},
    db::Store,
    telemetry::{metrics::Metrics, trace::Tracer},
};

/// Between two looks whether a database that took no writes takes them.
const PROBE: Duration = Duration::from_secs(2);

/// Source of the time.
pub type Clock = Box<dyn Fn() -> Timestamp + Send + Sync>;

/// Everything attempts share.
pub struct Daemon {
    pub(super) db: Store,
    pub(super) config: Arc<Config>,
    pub(super) context: Context,
    pub(super) metrics: Option<Arc<Metrics>>,
    pub(super) tracer: Option<Arc<Tracer>>,
    /// Tells this process from others on the same database.
    pub(super) owner: String,
    /// State that rows do not show.
    pub(super) unwritten: Arc<Unwritten>,
    probed: tokio::sync::Mutex<Option<(Instant, Result<(), ()>)>>,
    /// Records that attempts of this process have committed.
    pub(super) committed: AtomicU64,
    clock: Clock,
    /// True if passes remove all that they did not meet.
    pub(super) allow_removals: bool,
    namespace: Namespace,
    stop: Stop,
    scratch: Scratch,
}

impl Daemon {
    /// A daemon for the sources of a configuration.
    pub fn new(
        db: Store,
        config: Arc<Config>,
        metrics: Option<Arc<Metrics>>,
        tracer: Option<Arc<Tracer>>,
    ) -> anyhow::Result<Self> {
        let scratch = Scratch::new(&config.data_dir);
        let stop = Stop::default();
        let folder = scratch.path().to_owned();
        Ok(Self {
            context: Context::new(folder, config.sync.max_record_size, stop.clone())?,
            scratch,
            owner: holder::own(),
            unwritten: Arc::default(),
            probed: tokio::sync::Mutex::default(),
            committed: AtomicU64::new(0),
            clock: Box::new(clock::now),
            allow_removals: false,
            namespace: Namespace::default(),
            db,
            config,
            metrics,
            tracer,
            stop,
        })
    }

    /// The daemon by another clock than the system's.
    #[must_use]
    pub fn by_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The daemon for an operator who wants removals at once.
    #[must_use]
    pub fn allowing_removals(mut self, allowed: bool) -> Self {
        self.allow_removals = allowed;
        self
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Ends all attempts; what they have committed stays.
    pub fn stop(&self) {
        self.stop.set();
    }

    pub(super) fn cx(&self) -> Cx<'_, Store> {
        Cx {
            db: &self.db,
            namespace: &self.namespace,
            now: self.now(),
        }
    }

    /// Makes the folder for files of a pass, unless it is there.
    pub(super) fn make_scratch(&self) -> Result<(), String> {
        let place = self.scratch.path().display();
        self.scratch.make().map_err(|error| {
            format!("{place}: {error}; the data directory must be there, writable, and have room")
        })
    }

    /// Brings the store to the configuration.
    pub async fn apply(&self) -> Result<()> {
        settings::apply(self.cx(), &self.config).await
    }

    /// Applies the configuration, then runs every source whenever it is due, until [`Self::stop`].
    pub async fn run(self: Arc<Self>) {
        if self.apply_until_done().await {
            return;
        }
        if let Err(error) = scratch::sweep(&self.config.data_dir) {
            tracing::debug!(%error, "folders of former processes were not looked for");
        }
        keep::announce(&self).await;
        let sources = self.config.sources.clone().into_iter();
        let tasks: Vec<_> = sources
            .map(|source| {
                let daemon = Arc::clone(&self);
                tokio::spawn(async move { keep::keep(&daemon, &source).await })
            })
            .collect();
        futures_util::future::join_all(tasks).await;
    }

    /// Applies the configuration as soon as the database lets it; `true` when the process is to end before. Each cause is
    /// logged once.
    async fn apply_until_done(&self) -> bool {
        let (mut backoff, mut logged) = (Backoff::default(), String::new());
        loop {
            let applied = AssertUnwindSafe(self.apply()).catch_unwind().await;
            let error = match applied {
                Ok(Ok(())) => break,
                Ok(Err(error)) => error.to_string(),
                Err(panic) => keep::words(&*panic).to_owned(),
            };
            if logged != error {
                tracing::error!(
                    error,
                    "the configuration could not be applied; it is tried again"
                );
                logged = error;
            }
            if self.nap(backoff.next().min(FIRST_PAUSE)).await {
                return true;
            }
        }
        if !logged.is_empty() {
            tracing::info!("the configuration is applied");
        }
        false
    }

    /// Sleeps; `true` when the process is to end.
    pub(super) async fn nap(&self, time: Duration) -> bool {
        tokio::select! {
            () = self.stop.wait() => true,
            () = tokio::time::sleep(time) => self.stop.is_set(),
        }
    }

    pub(super) fn stops(&self) -> bool {
        self.stop.is_set()
    }

    /// Sleeps, and no longer than until a database that takes no writes takes them; `true` when the process is to end.
    pub(super) async fn wait_for_writes(&self, source: &Source, time: Duration) -> bool {
        let until = Instant::now() + time;
        let refuses = self.probe(source).await.is_err();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if self.nap(left.min(PROBE)).await {
                return true;
            }
            if left <= PROBE || refuses && self.probe(source).await.is_ok() {
                return false;
            }
        }
    }

    /// Returns true if the database takes a small write. Sources that ask at the same time share an answer.
    async fn probe(&self, source: &Source) -> Result<(), ()> {
        let mut last = self.probed.lock().await;
        if let Some((when, outcome)) = *last
            && when.elapsed() < PROBE / 2
        {
            return outcome;
        }
        let outcome = report::probe(self.cx(), &source.name).await.map_err(drop);
        *last = Some((Instant::now(), outcome));
        outcome
    }

    /// What every source holds that is remarkable.
    pub async fn reports(&self) -> Result<Vec<report::Report>> {
        report::list(self.cx(), report::MOST).await
    }

    /// The sources alone.
    pub async fn sources(&self) -> Result<Vec<report::Source>> {
        report::sources(self.cx()).await
    }

    /// Runs every source of that name (all without one) once, due or not, side by side. `waits` hears every second of a source
    /// that waits for another process: its name, and the holder of its lease in words.
    pub async fn once(
        &self,
        only: Option<&str>,
        waits: &(dyn Fn(&str, &str) + Sync),
    ) -> Vec<(String, Outcome)> {
        let chosen = self
            .config
            .sources
            .iter()
            .filter(|source| only.is_none_or(|name| source.name == name));
        let attempts = chosen.map(async |source| {
            let attempt = AssertUnwindSafe(self.attempt(source, waits)).catch_unwind();
            let outcome = attempt.await.unwrap_or_else(|panic| {
                Outcome::Unwritten(format!("the attempt panicked: {}", keep::words(&*panic)))
            });
            (source.name.clone(), outcome)
        });
        futures_util::future::join_all(attempts).await
    }

    /// Records that attempts have committed so far, of all sources together.
    #[must_use]
    pub fn committed(&self) -> u64 {
        self.committed.load(Ordering::Relaxed)
    }

    /// One attempt, after the process that is at the source already.
    async fn attempt(&self, source: &Source, waits: &(dyn Fn(&str, &str) + Sync)) -> Outcome {
        let mut waited_for = String::new();
        loop {
            match attempt::run(self, source).await {
                Outcome::Busy(holder) => {
                    keep::log_wait(&source.name, &holder, &mut waited_for);
                    waits(&source.name, &keep::held(&holder));
                    if self.nap(BUSY_NAP).await {
                        return Outcome::Stopped;
                    }
                }
                outcome => return outcome,
            }
        }
    }
}
