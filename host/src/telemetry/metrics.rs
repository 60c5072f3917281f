//! Metrics in the names that dashboards of this kind of registry already use, and `cairn_…` for what only this host
//! has.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts};

/// Every figure the host counts.
pub struct Metrics {
    pub instances: IntGauge,
    pub instances_started: IntCounter,
    pub retries: IntCounter,
    stops: IntCounterVec,
}

impl Metrics {
    pub fn new() -> Result<Self, prometheus::Error> {
        Ok(Self {
            instances: IntGauge::new("cairn_instances", "Guest instances alive.")?,
            instances_started: IntCounter::new(
                "cairn_instances_started_total",
                "Guest instances made.",
            )?,
            retries: IntCounter::new("cairn_instance_retries_total", "Requests run again.")?,
            stops: IntCounterVec::new(
                Opts::new("cairn_instance_stops_total", "Stopped."),
                &["reason"],
            )?,
        })
    }
    pub fn stopped(&self, reason: &str) {
        self.stops.with_label_values(&[reason]).inc();
    }
}
