//! What probes and metrics show of sources, read from the database: it makes no difference which process reads them.

use std::{collections::BTreeMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use cairn_registry::{
    model::{Namespace, Timestamp},
    ops::{
        Cx,
        report::{self, Source},
    },
};
use futures_util::FutureExt;

use super::{
    daemon::Daemon,
    unwritten::{State, Unwritten},
};
use crate::{
    clock,
    db::Store,
    serve::{self, Health},
    telemetry::{metrics::Metrics, sources::SourceState},
};

/// Between two looks.
const PERIOD: Duration = Duration::from_secs(1);

/// Carries the state of sources to probes and metrics: from the database, and from the daemon of this process what the database
/// did not take.
pub struct Watch {
    db: Store,
    health: Arc<Health>,
    metrics: Arc<Metrics>,
    unwritten: Arc<Unwritten>,
}

impl Watch {
    #[must_use]
    pub fn new(db: Store, health: Arc<Health>, metrics: Arc<Metrics>) -> Self {
        Self {
            db,
            health,
            metrics,
            unwritten: Arc::default(),
        }
    }

    /// The watch beside a daemon.
    #[must_use]
    pub fn beside(mut self, daemon: &Daemon) -> Self {
        self.unwritten = Arc::clone(&daemon.unwritten);
        self
    }

    /// Looks again and again; never returns.
    pub async fn run(self) {
        loop {
            tokio::time::sleep(PERIOD).await;
            // The panic's words are in the log already; the next look is another one.
            let _ = AssertUnwindSafe(self.look()).catch_unwind().await;
        }
    }

    /// Looks once. A database that does not answer is the probe's own matter.
    pub async fn look(&self) {
        let namespace = Namespace::default();
        let cx = Cx {
            db: &self.db,
            namespace: &namespace,
            now: clock::now(),
        };
        let local = self.unwritten.sources();
        if let Ok(sources) = report::sources(cx).await {
            if is_loaded(&sources) {
                self.health.set_loaded();
            }
            self.show(&sources, &local);
        } else {
            for (name, state) in &local {
                self.health.set_source(name, told(state, None));
            }
        }
    }

    /// Shows these sources and no others.
    fn show(&self, sources: &[Source], local: &BTreeMap<String, State>) {
        let mut shown: BTreeMap<String, serve::Source> = sources
            .iter()
            .map(|source| (source.name.clone(), stored(source)))
            .collect();
        for (name, state) in local {
            let last_success = shown
                .get(name)
                .and_then(|source| source.last_success.clone());
            shown.insert(name.clone(), told(state, last_success));
        }
        self.health.set_sources(shown);
        for source in sources {
            let failures = local.get(&source.name).map_or(0, |state| state.failures);
            self.metrics
                .set_source(&source.name, measured(source, failures));
        }
        self.metrics
            .retain_sources(|name| sources.iter().any(|source| source.name == name));
    }
}

/// Whether the first load is over: every source has been read whole, or has at least been tried while another has been
/// read. One broken source must not keep the others from being served, but a registry that never had anything to show
/// must not tell clients that nothing exists.
fn is_loaded(sources: &[Source]) -> bool {
    let read = |source: &Source| source.full_pass_at.is_some();
    let tried = |source: &Source| read(source) || source.attempts > 0;
    sources.iter().any(read) && sources.iter().all(tried)
}

fn measured(source: &Source, failures: i64) -> SourceState {
    let seconds = |time: Timestamp| time.as_micros() / 1_000_000;
    SourceState {
        servers: source.records - source.hidden,
        quarantined: source.quarantined,
        failures: source.attempts.saturating_add(failures),
        held_removals: source.held_removals,
        last_success: source.last_success_at.map(seconds),
        next_run: seconds(source.next_run_at),
    }
}

fn stored(source: &Source) -> serve::Source {
    serve::Source {
        status: source.phase.clone(),
        message: Some(source.message.clone()).filter(|message| !message.is_empty()),
        last_success: source.last_success_at.map(|time| time.to_string()),
        held_removals: Some(source.held_removals).filter(|held| *held > 0),
    }
}

fn told(state: &State, last_success: Option<String>) -> serve::Source {
    serve::Source {
        status: state.status.to_owned(),
        message: Some(state.message.clone()),
        last_success,
        held_removals: None,
    }
}
