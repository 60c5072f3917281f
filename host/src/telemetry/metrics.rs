//! Metrics, in the names that dashboards for this kind of registry already read (`http_server_…`,
//! `stacklok_registry_…`), and as `cairn_…` what only this host has. Labels are bounded: none carries what a caller made up.

use std::time::Duration;

use prometheus::{
    Encoder, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec,
    IntGauge, IntGaugeVec, Opts, Registry, Result, TextEncoder, core::Collector,
};

#[cfg(target_os = "linux")]
use prometheus::process_collector::ProcessCollector;

use super::{
    counted::Counted,
    database::DatabaseState,
    labels,
    sources::{SourceState, Sources},
    standby::StandbyState,
};
use crate::version::Version;

/// Buckets of a request's time in seconds.
const REQUEST: [f64; 11] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
/// Buckets of a sync's time in seconds.
const SYNC: [f64; 11] = [
    0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 180.0, 300.0,
];
/// Buckets of a cached response's age in seconds.
const AGE: [f64; 6] = [1.0, 5.0, 15.0, 60.0, 300.0, 3600.0];

/// Every figure the host counts.
pub struct Metrics {
    registry: Registry,
    request_duration: HistogramVec,
    /// Requests being answered.
    pub(crate) active: IntGauge,
    sources: Sources,
    sync_duration: HistogramVec,
    errors: IntCounterVec,
    /// Guest instances alive.
    pub instances: IntGauge,
    /// Guest instances ever made.
    pub instances_started: IntCounter,
    /// Requests that ran again because their instance was stopped by another.
    pub retries: IntCounter,
    stops: IntCounterVec,
    cache: IntCounterVec,
    pub(crate) cache_age: Histogram,
    pub(crate) cache_bytes: IntGauge,
    pub(crate) cache_entries: IntGauge,
    pub(crate) connections: IntGauge,
    refused: IntCounterVec,
    pub(crate) readers: IntGauge,
    pub(crate) spans_dropped: IntCounter,
    pub(crate) standby: StandbyState,
    pub(crate) database: DatabaseState,
}

impl Metrics {
    /// All figures at zero.
    #[expect(clippy::too_many_lines, reason = "one entry per figure, and no logic")]
    pub fn new() -> Result<Self> {
        let registry = Registry::new();
        let kept = Kept(&registry);
        let request_duration = kept.durations(
            "http_server_request_duration_seconds",
            "Time until a response is complete.",
            &["route", "method", "status"],
            &REQUEST,
        )?;
        registry.register(Box::new(Counted::new(&request_duration)?))?;
        let metrics = Self {
            request_duration,
            active: kept.gauge("http_server_active_requests", "Requests being answered.")?,
            sources: Sources::new(&kept)?,
            sync_duration: kept.durations(
                "stacklok_registry_sync_duration_seconds",
                "Time of one run of a source.",
                &["source", "outcome"],
                &SYNC,
            )?,
            errors: kept.counters(
                "stacklok_registry_errors_total",
                "Errors, by kind and place.",
                &["error_type", "area"],
            )?,
            instances: kept.gauge("cairn_instances", "Guest instances alive.")?,
            instances_started: kept
                .counter("cairn_instances_started_total", "Guest instances made.")?,
            retries: kept.counter(
                "cairn_instance_retries_total",
                "Requests run again because another request stopped their instance.",
            )?,
            stops: kept.counters(
                "cairn_instance_stops_total",
                "Guest instances stopped, by reason.",
                &["reason"],
            )?,
            cache: kept.counters(
                "cairn_cache_requests_total",
                "Reads, by what the cache did.",
                &["result"],
            )?,
            cache_age: kept.kept(Histogram::with_opts(
                HistogramOpts::new(
                    "cairn_cache_age_seconds",
                    "Age of responses served from the cache.",
                )
                .buckets(AGE.to_vec()),
            )?)?,
            cache_bytes: kept.gauge(
                "cairn_cache_bytes",
                "Bytes of cached responses and their encodings.",
            )?,
            cache_entries: kept.gauge("cairn_cache_entries", "Cached responses.")?,
            connections: kept.gauge("cairn_connections", "Connections open.")?,
            refused: kept.counters(
                "cairn_refused_total",
                "Turned away at a limit, by limit.",
                &["limit"],
            )?,
            readers: kept.gauge(
                "cairn_database_readers",
                "Reading database connections open.",
            )?,
            spans_dropped: kept.counter(
                "cairn_spans_dropped_total",
                "Spans that no collector took in time.",
            )?,
            standby: StandbyState::new(&kept)?,
            database: DatabaseState::new(&kept)?,
            registry: registry.clone(),
        };
        build_info(&kept)?;
        // Memory, processor time, descriptors and threads, as every exporter names them.
        #[cfg(target_os = "linux")]
        registry.register(Box::new(ProcessCollector::for_self()))?;
        metrics.begin();
        Ok(metrics)
    }

    /// What seldom happens is there from the start, as zero: a rate that begins with its first event does not show it.
    fn begin(&self) {
        for limit in ["connections", "requests", "body"] {
            let _ = self.refused.with_label_values(&[limit]);
        }
        for reason in ["runaway", "memory", "trap", "timeout"] {
            let _ = self.stops.with_label_values(&[reason]);
            let _ = self.errors.with_label_values(&[reason, "guest"]);
        }
        let _ = self.errors.with_label_values(&["source", "sync"]);
    }

    /// All figures in the text format.
    pub fn render(&self) -> Result<String> {
        let (mut families, mut text) = (self.registry.gather(), Vec::new());
        labels::add(&mut families);
        TextEncoder::new().encode(&families, &mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// A request was answered. `route` is a template, never a path.
    pub(crate) fn answered(&self, route: &str, method: &str, status: &str, took: Duration) {
        self.request_duration
            .with_label_values(&[route, method, status])
            .observe(took.as_secs_f64());
    }

    /// How a source stands now.
    pub fn set_source(&self, source: &str, state: SourceState) {
        self.sources.set(source, state);
    }

    /// Drops the figures of sources that are not kept.
    pub fn retain_sources(&self, keep: impl Fn(&str) -> bool) {
        for source in self.sources.retain(keep) {
            for outcome in ["success", "failure"] {
                let _ = self.sync_duration.remove_label_values(&[&source, outcome]);
            }
        }
    }

    /// A run of a source is over; `outcome` is `success` or `failure`.
    pub fn synced(&self, source: &str, outcome: &str, took: Duration) {
        self.sync_duration
            .with_label_values(&[source, outcome])
            .observe(took.as_secs_f64());
    }

    /// Something went wrong; both words come from a fixed set.
    pub fn error(&self, error_type: &str, area: &str) {
        self.errors.with_label_values(&[error_type, area]).inc();
    }

    /// A guest instance was stopped.
    pub(crate) fn stopped(&self, reason: &str) {
        self.stops.with_label_values(&[reason]).inc();
        self.error(reason, "guest");
    }

    /// What the cache did for a read: `hit`, `stale`, `miss` or `bypass`.
    pub(crate) fn cached(&self, result: &str) {
        self.cache.with_label_values(&[result]).inc();
    }

    /// A connection or request was turned away.
    pub(crate) fn refused(&self, limit: &str) {
        self.refused.with_label_values(&[limit]).inc();
    }
}

fn build_info(kept: &Kept) -> Result<()> {
    let version = Version::current();
    let labels = [
        ("version", version.version),
        ("commit", version.commit),
        ("rust_version", version.rust_version),
    ];
    let opts = labels.into_iter().fold(
        Opts::new(
            "stacklok_build_info_ratio",
            "Always 1; the labels say what runs.",
        ),
        |opts, (name, value)| opts.const_label(name, value),
    );
    kept.kept(Gauge::with_opts(opts)?)?.set(1.0);
    Ok(())
}

/// Makes figures that are registered from birth.
pub(super) struct Kept<'a>(&'a Registry);

impl Kept<'_> {
    fn kept<C: Collector + Clone + 'static>(&self, figure: C) -> Result<C> {
        self.0.register(Box::new(figure.clone()))?;
        Ok(figure)
    }

    fn counter(&self, name: &str, help: &str) -> Result<IntCounter> {
        self.kept(IntCounter::new(name, help)?)
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec> {
        self.kept(IntCounterVec::new(Opts::new(name, help), labels)?)
    }

    pub(super) fn gauge(&self, name: &str, help: &str) -> Result<IntGauge> {
        self.kept(IntGauge::new(name, help)?)
    }

    pub(super) fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec> {
        self.kept(IntGaugeVec::new(Opts::new(name, help), labels)?)
    }

    pub(super) fn fractions(&self, name: &str, help: &str, labels: &[&str]) -> Result<GaugeVec> {
        self.kept(GaugeVec::new(Opts::new(name, help), labels)?)
    }

    fn durations(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
        buckets: &[f64],
    ) -> Result<HistogramVec> {
        let opts = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        self.kept(HistogramVec::new(opts, labels)?)
    }
}
