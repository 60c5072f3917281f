//! What is measured of sources, each figure by source. Where it comes from is not known here.

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
    last_success: IntGaugeVec,
    next_run: IntGaugeVec,
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
            last_success: by_source(
                "cairn_source_last_success_timestamp_seconds",
                "End of the last successful run, by source.",
            )?,
            next_run: by_source(
                "cairn_source_next_run_timestamp_seconds",
                "When the source is due again.",
            )?,
        })
    }

    /// How a source stands now.
    pub(super) fn set(&self, source: &str, state: SourceState) {
        let Self {
            servers,
            others: [skills, plugins],
            quarantined,
            failures,
            last_success,
            next_run,
        } = self;
        for (figure, value) in [
            (servers, Some(state.servers)),
            (skills, Some(0)),
            (plugins, Some(0)),
            (quarantined, Some(state.quarantined)),
            (failures, Some(state.failures)),
            (last_success, state.last_success),
            (next_run, Some(state.next_run)),
        ] {
            if let Some(value) = value {
                figure.with_label_values(&[source]).set(value);
            }
        }
    }
}
