//! The daemon: every source on its own timer, for as long as the process lives, or once.

use std::{sync::Arc, time::Duration};

use cairn_registry::{
    Result,
    model::Namespace,
    ops::{Cx, report},
};

use tempfile::TempDir;

use super::{
    attempt::{self, FIRST_PAUSE, Outcome},
    scratch, settings,
    sources::{Context, Stop},
};
use crate::{
    config::{Config, Source},
    db::Store,
    telemetry::{metrics::Metrics, trace::Tracer},
};

/// How long a source sleeps at most before it looks at its row again: another process may have moved it.
const LONGEST_NAP: Duration = Duration::from_secs(30);

/// Between two looks at a source that another process is reading.
const BUSY_NAP: Duration = Duration::from_secs(1);

/// Everything attempts share.
pub struct Daemon {
    pub(super) db: Store,
    pub(super) config: Arc<Config>,
    pub(super) context: Context,
    pub(super) metrics: Option<Arc<Metrics>>,
    pub(super) tracer: Option<Arc<Tracer>>,
    /// Tells this process from others on the same database.
    pub(super) owner: String,
    namespace: Namespace,
    stop: Stop,
    /// Goes with the daemon.
    _scratch: TempDir,
}

impl Daemon {
    /// A daemon for the sources of a configuration.
    pub fn new(
        db: Store,
        config: Arc<Config>,
        metrics: Option<Arc<Metrics>>,
        tracer: Option<Arc<Tracer>>,
    ) -> anyhow::Result<Self> {
        let scratch = scratch::make(&config.data_dir)?;
        let stop = Stop::default();
        let folder = scratch.path().to_owned();
        Ok(Self {
            context: Context::new(folder, config.sync.max_record_size, stop.clone())?,
            _scratch: scratch,
            owner: format!("{}-{:016x}", std::process::id(), fastrand::u64(..)),
            namespace: Namespace::default(),
            db,
            config,
            metrics,
            tracer,
            stop,
        })
    }

    /// Ends all attempts; what they have committed stays.
    pub fn stop(&self) {
        self.stop.set();
    }

    pub(super) fn cx(&self) -> Cx<'_, Store> {
        Cx {
            db: &self.db,
            namespace: &self.namespace,
            now: super::now(),
        }
    }

    /// Brings the store to the configuration.
    pub async fn apply(&self) -> Result<()> {
        settings::apply(self.cx(), &self.config).await
    }

    /// Applies the configuration, then runs every source whenever it is due, until [`Self::stop`].
    pub async fn run(self: Arc<Self>) {
        while let Err(error) = self.apply().await {
            tracing::error!(%error, "the configuration could not be applied");
            if self.nap(FIRST_PAUSE).await {
                return;
            }
        }
        let sources = self.config.sources.clone().into_iter();
        let tasks: Vec<_> = sources
            .map(|source| {
                let daemon = Arc::clone(&self);
                tokio::spawn(async move { daemon.keep(&source).await })
            })
            .collect();
        futures_util::future::join_all(tasks).await;
    }

    async fn keep(&self, source: &Source) {
        loop {
            let pause = match self.until_due(&source.name).await {
                pause if !pause.is_zero() => pause,
                _ => match attempt::run(self, source).await {
                    Outcome::Stopped => return,
                    Outcome::Busy => BUSY_NAP,
                    Outcome::Overruled => LONGEST_NAP,
                    Outcome::Unchanged | Outcome::Complete { .. } | Outcome::Failed(_) => {
                        Duration::ZERO
                    }
                },
            };
            if self.nap(pause).await {
                return;
            }
        }
    }

    async fn until_due(&self, name: &str) -> Duration {
        match report::source(self.cx(), name).await {
            Ok(row) => {
                let micros = row.next_run_at.as_micros() - super::now().as_micros();
                Duration::from_micros(u64::try_from(micros).unwrap_or(0)).min(LONGEST_NAP)
            }
            Err(error) => {
                tracing::error!(source = name, %error, "the source's row cannot be read");
                FIRST_PAUSE
            }
        }
    }

    /// Sleeps; `true` when the process is to end.
    async fn nap(&self, time: Duration) -> bool {
        tokio::select! {
            () = self.stop.wait() => true,
            () = tokio::time::sleep(time) => self.stop.is_set(),
        }
    }

    /// What every source holds that is remarkable.
    pub async fn reports(&self) -> Result<Vec<report::Report>> {
        report::list(self.cx(), report::MOST).await
    }

    /// The sources alone.
    pub async fn sources(&self) -> Result<Vec<report::Source>> {
        report::sources(self.cx()).await
    }

    /// Runs every source of that name (all without one) once, due or not, side by side.
    pub async fn once(&self, only: Option<&str>) -> Vec<(String, Outcome)> {
        let chosen = self
            .config
            .sources
            .iter()
            .filter(|source| only.is_none_or(|name| source.name == name));
        let attempts = chosen.map(async |source| (source.name.clone(), self.attempt(source).await));
        futures_util::future::join_all(attempts).await
    }

    /// One attempt, after whoever is at the source already.
    async fn attempt(&self, source: &Source) -> Outcome {
        loop {
            match attempt::run(self, source).await {
                Outcome::Busy if !self.nap(BUSY_NAP).await => {}
                outcome => return outcome,
            }
        }
    }
}
