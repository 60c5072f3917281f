//! SIGHUP: sources, registries, the log's level and the files they name are read again while the server goes on. What needs
//! a restart is named, and a configuration that cannot be read changes nothing.

use std::{collections::BTreeSet, sync::Arc};

use anyhow::Result;
use tokio::{sync::Mutex, task::JoinHandle};

use crate::{
    config::{self, Config, model::Sync},
    db::Store,
    serve::{Hangups, Health},
    sync::{Daemon, Watch},
    telemetry::{log, metrics::Metrics, trace::Tracer},
};

/// Keys outside lists that are reloaded.
const RELOADED: [&str; 5] = [
    "registryName",
    "log.level",
    "sync.maxRecordSize",
    "sync.lease",
    "sync.fullPassInterval",
];

/// Parts that all daemons of this process share.
pub(super) struct Parts {
    pub(super) db: Store,
    pub(super) health: Arc<Health>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) tracer: Option<Arc<Tracer>>,
}

impl Parts {
    /// Carries the state of sources to probes and metrics.
    fn watch(&self, daemon: &Daemon) -> JoinHandle<()> {
        let (health, metrics) = (Arc::clone(&self.health), Arc::clone(&self.metrics));
        let watch = Watch::new(self.db.clone(), health, metrics);
        tokio::spawn(watch.beside(daemon).run())
    }
}

/// The daemon beside the server, with the configuration that it has.
pub(super) struct Syncing {
    parts: Parts,
    config: Arc<Config>,
    daemon: Arc<Daemon>,
    /// There is none where another process reads the sources.
    task: Option<JoinHandle<()>>,
    /// Shows what the daemon could not write.
    watching: JoinHandle<()>,
}

impl Syncing {
    pub(super) fn start(parts: Parts, config: Arc<Config>) -> Result<Self> {
        let daemon = daemon(&parts, &config)?;
        let task = config.sync.enabled;
        let task = task.then(|| tokio::spawn(Arc::clone(&daemon).run()));
        Ok(Self {
            watching: parts.watch(&daemon),
            parts,
            config,
            daemon,
            task,
        })
    }

    /// Ends the daemon at the border of a batch.
    pub(super) async fn stop(&mut self) {
        self.watching.abort();
        self.daemon.stop();
        if let Some(task) = self.task.take() {
            let _ = task.await;
        }
    }

    /// Goes on with what can be reloaded of `new`.
    async fn reload(&mut self, new: &Config) -> Result<()> {
        let merged = Arc::new(merged(&self.config, new));
        log::set_level(&merged.log.level)?;
        tell(&self.config, new);
        if self.task.is_none() {
            tracing::info!(
                "sources are read by another process (sync.enabled is false): send it SIGHUP or restart it"
            );
            self.config = merged;
            return Ok(());
        }
        // What it is made of can be missing; the old one is stopped when the new one is there.
        let next = daemon(&self.parts, &merged)?;
        self.stop().await;
        self.watching = self.parts.watch(&next);
        self.task = Some(tokio::spawn(Arc::clone(&next).run()));
        self.daemon = next;
        self.config = merged;
        Ok(())
    }
}

/// Reloads at each SIGHUP.
pub(super) async fn at_hangups(
    mut hangups: Hangups,
    syncing: Arc<Mutex<Syncing>>,
    load: impl Fn() -> Result<Arc<Config>>,
) {
    while hangups.next().await {
        let reloaded = match load() {
            Ok(new) => syncing.lock().await.reload(&new).await,
            Err(error) => Err(error),
        };
        if let Err(error) = reloaded {
            tracing::error!(
                error = format!("{error:#}"),
                "the configuration is not reloaded, the one before stays in force: correct it and send SIGHUP again"
            );
        }
    }
}

fn daemon(parts: &Parts, config: &Arc<Config>) -> Result<Arc<Daemon>> {
    let (db, config) = (parts.db.clone(), Arc::clone(config));
    let metrics = Some(Arc::clone(&parts.metrics));
    Daemon::new(db, config, metrics, parts.tracer.clone()).map(Arc::new)
}

/// The old configuration with the reloadable part of the new one.
fn merged(old: &Config, new: &Config) -> Config {
    let mut merged = old.clone();
    merged.name.clone_from(&new.name);
    merged.sources.clone_from(&new.sources);
    merged.registries.clone_from(&new.registries);
    merged.log.level.clone_from(&new.log.level);
    merged.sync = Sync {
        enabled: old.sync.enabled,
        ..new.sync.clone()
    };
    merged
}

/// Logs what is done and what is not.
fn tell(old: &Config, new: &Config) {
    let names = |config: &Config| -> BTreeSet<String> {
        let names = config.sources.iter().map(|source| source.name.clone());
        names.collect()
    };
    let (before, after) = (names(old), names(new));
    let list = |names: Vec<&str>| names.join(",");
    let changed = new
        .sources
        .iter()
        .filter(|source| before.contains(&source.name) && !old.sources.contains(source));
    tracing::info!(
        sources_added = list(after.difference(&before).map(String::as_str).collect()),
        sources_removed = list(before.difference(&after).map(String::as_str).collect()),
        sources_changed = list(changed.map(|source| source.name.as_str()).collect()),
        registries_changed = old.registries != new.registries,
        log_level = new.log.level,
        "configuration reloaded"
    );
    let left: Vec<_> = config::changed(old, new)
        .into_iter()
        .filter(|key| !RELOADED.contains(key))
        .collect();
    if !left.is_empty() {
        tracing::warn!(
            keys = left.join(","),
            "changed keys that are not reloaded: restart the server to use them"
        );
    }
}
