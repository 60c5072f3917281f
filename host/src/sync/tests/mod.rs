//! The daemon over an embedded database and files, by a clock that the test moves.

mod clocks;
mod loops;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use cairn_registry::{
    model::{Namespace, Timestamp},
    ops::{Cx, report},
};
use tempfile::TempDir;

use super::Daemon;
use crate::{
    config::{self, Config, Overrides},
    db::{Libsql, Store},
    migrate,
    telemetry::metrics::Metrics,
};

/// A folder with a source's file, a configuration and a database, as processes leave them to each other.
pub(super) struct Site {
    folder: TempDir,
    /// Microseconds that the site's clock is ahead of the right one.
    pub(super) ahead: Arc<AtomicI64>,
    pub(super) metrics: Arc<Metrics>,
}

impl Site {
    pub(super) fn new() -> Self {
        // A second installation is refused and changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            ahead: Arc::default(),
            metrics: Arc::new(Metrics::new().expect("metrics")),
        }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// Writes the file that the source is.
    pub(super) fn list(&self, names: &[String]) {
        let record =
            |name: &String| format!(r#"{{"name":"{name}","version":"1.0.0","description":"d"}}"#);
        let records: Vec<String> = names.iter().map(record).collect();
        let (list, unfinished) = (self.path("list.json"), self.path("unfinished"));
        std::fs::write(&unfinished, format!("[{}]", records.join(","))).expect("a file");
        std::fs::rename(unfinished, list).expect("a file");
    }

    pub(super) async fn open(&self) -> Store {
        let mut database = self.config(Duration::from_secs(60)).database.clone();
        database.path = self.path("cairn.db");
        database.busy_timeout = Duration::from_millis(50);
        let db = Store::from(Libsql::open(&database).expect("a database"));
        migrate::up(&db, None).await.expect("a schema");
        db
    }

    fn config(&self, interval: Duration) -> Arc<Config> {
        let text = format!(
            "dataDir: {}\nsources: [{{name: source, file: {{path: {}}}, syncPolicy: {{interval: {}ms}}}}]\n\
             registries: [{{name: default, sources: [source]}}]\nauth: {{mode: anonymous}}\n",
            self.path("data").display(),
            self.path("list.json").display(),
            interval.as_millis(),
        );
        std::fs::write(self.path("config.yaml"), text).expect("a file");
        let file = self.path("config.yaml");
        let loaded = config::load(Some(&file), &Overrides::default(), &BTreeMap::new());
        Arc::new(loaded.expect("a configuration"))
    }

    /// A daemon by the site's clock, not running yet.
    pub(super) fn daemon(&self, db: &Store, interval: Duration) -> Daemon {
        let ahead = Arc::clone(&self.ahead);
        let clock = move || {
            let now = crate::clock::now().as_micros() + ahead.load(Ordering::Relaxed);
            Timestamp::from_micros(now)
        };
        let metrics = Some(Arc::clone(&self.metrics));
        let daemon = Daemon::new(db.clone(), self.config(interval), metrics, None);
        daemon.expect("a daemon").by_clock(Box::new(clock))
    }
}

/// The source's row, read by no daemon.
pub(super) async fn row(db: &Store) -> report::Source {
    let namespace = Namespace::default();
    let cx = Cx {
        db,
        namespace: &namespace,
        now: Timestamp::default(),
    };
    report::source(cx, "source").await.expect("a row")
}

/// Waits for something that has to come.
pub(super) async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < Duration::from_secs(20), "no end: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
