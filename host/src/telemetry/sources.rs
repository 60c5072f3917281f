//! What is measured of sources, each figure by source. Where it comes from is not known here.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use prometheus::{IntGaugeVec, Result};

use super::metrics::Kept;

/// How a source stands.
#[derive(Debug, Clone, Copy)]
pub struct SourceState {
    /// Servers shown.
    pub servers: i64,
    pub quarantined: i64,
    /// Failed runs since the last success.
    pub failures: i64,
    /// Removals that wait for another reading.
    pub held_removals: i64,
    /// Seconds since 1970.
    pub last_success: Option<i64>,
    /// Seconds since 1970.
    pub next_run: i64,
}

/// The figures of sources, each by source.
pub(super) struct Sources {
    servers: IntGaugeVec,
    /// Kinds that are not kept here: dashboards have panels for them, and none of a kind is a figure too.
    others: [IntGaugeVec; 2],
    quarantined: IntGaugeVec,
    failures: IntGaugeVec,
    held_removals: IntGaugeVec,
    last_success: IntGaugeVec,
    next_run: IntGaugeVec,
    /// Those that have figures.
    known: Mutex<BTreeSet<String>>,
}

impl Sources {
    pub(super) fn new(kept: &Kept) -> Result<Self> {
        let by_source = |name, help| kept.gauges(name, help, &["source"]);
        Ok(Self {
            servers: by_source("stacklok_registry_servers", "Servers shown, by source.")?,
            others: [
                by_source("stacklok_registry_skills", "Skills shown, by source.")?,
                by_source("stacklok_registry_plugins", "Plugins shown, by source.")?,
            ],
            quarantined: by_source(
                "cairn_source_quarantined",
                "Records that are not served, by source.",
            )?,
            failures: by_source(
                "cairn_source_failures",
                "Failed runs since the last success, by source.",
            )?,
            held_removals: by_source(
                "cairn_source_held_removals",
                "Records missing from the source that are served until another reading confirms it.",
            )?,
            last_success: by_source(
                "cairn_source_last_success_timestamp_seconds",
                "End of the last successful run, by source.",
            )?,
            next_run: by_source(
                "cairn_source_next_run_timestamp_seconds",
                "When the source is due again.",
            )?,
            known: Mutex::default(),
        })
    }

    /// How a source stands now.
    pub(super) fn set(&self, source: &str, state: SourceState) {
        let [skills, plugins] = &self.others;
        for (figure, value) in [
            (&self.servers, Some(state.servers)),
            (skills, Some(0)),
            (plugins, Some(0)),
            (&self.quarantined, Some(state.quarantined)),
            (&self.failures, Some(state.failures)),
            (&self.held_removals, Some(state.held_removals)),
            (&self.last_success, state.last_success),
            (&self.next_run, Some(state.next_run)),
        ] {
            if let Some(value) = value {
                figure.with_label_values(&[source]).set(value);
            }
        }
        self.known().insert(source.to_owned());
    }

    /// Drops the figures of sources that are not kept, and returns their names.
    pub(super) fn retain(&self, keep: impl Fn(&str) -> bool) -> Vec<String> {
        let mut known = self.known();
        let (kept, dropped) = std::mem::take(&mut *known)
            .into_iter()
            .partition(|name| keep(name));
        *known = kept;
        let dropped: BTreeSet<String> = dropped;
        for name in &dropped {
            for figure in self.all() {
                // A figure that was never set is not there.
                let _ = figure.remove_label_values(&[name]);
            }
        }
        dropped.into_iter().collect()
    }

    fn all(&self) -> [&IntGaugeVec; 8] {
        let [skills, plugins] = &self.others;
        [
            &self.servers,
            skills,
            plugins,
            &self.quarantined,
            &self.failures,
            &self.held_removals,
            &self.last_success,
            &self.next_run,
        ]
    }

    fn known(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
