//! What probes and metrics show of sources, read from the database: it makes no difference which process reads them.

use std::{sync::Arc, time::Duration};

use cairn_registry::{
    model::{Namespace, Timestamp},
    ops::{
        Cx,
        report::{self, Source},
    },
};

use crate::{
    db::Store,
    serve::{self, Health},
    telemetry::{metrics::Metrics, sources::SourceState},
};

/// Between two looks.
const PERIOD: Duration = Duration::from_secs(1);

/// Carries the state of sources from the database to probes and metrics.
pub struct Watch {
    db: Store,
    health: Arc<Health>,
    metrics: Arc<Metrics>,
}

impl Watch {
    #[must_use]
    pub fn new(db: Store, health: Arc<Health>, metrics: Arc<Metrics>) -> Self {
        Self {
            db,
            health,
            metrics,
        }
    }

    /// Looks again and again; never returns.
    pub async fn run(self) {
        loop {
            tokio::time::sleep(PERIOD).await;
            self.look().await;
        }
    }

    /// Looks once. A database that does not answer is the probe's own matter.
    pub async fn look(&self) {
        let namespace = Namespace::default();
        let cx = Cx {
            db: &self.db,
            namespace: &namespace,
            now: super::now(),
        };
        let Ok(sources) = report::sources(cx).await else {
            return;
        };
        if is_loaded(&sources) {
            self.health.set_loaded();
        }
        for source in &sources {
            self.metrics.set_source(&source.name, measured(source));
            self.health.set_source(&source.name, shown(source));
        }
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

fn measured(source: &Source) -> SourceState {
    let seconds = |time: Timestamp| time.as_micros() / 1_000_000;
    SourceState {
        servers: source.records - source.hidden,
        quarantined: source.quarantined,
        failures: source.attempts,
        last_success: source.last_success_at.map(seconds),
        next_run: seconds(source.next_run_at),
    }
}

fn shown(source: &Source) -> serve::Source {
    serve::Source {
        status: source.phase.clone(),
        message: Some(source.message.clone()).filter(|message| !message.is_empty()),
        last_success: source.last_success_at.map(|time| time.to_string()),
    }
}
