//! What is measured of the standby that is read from. Without one there are no figures.

use prometheus::{GaugeVec, IntGaugeVec, Result};

use super::metrics::Kept;
use crate::db::postgres::Standing;

/// The figures of a standby, by its address.
pub(crate) struct StandbyState {
    up: IntGaugeVec,
    seconds: GaugeVec,
    generations: IntGaugeVec,
}

impl StandbyState {
    pub(super) fn new(kept: &Kept) -> Result<Self> {
        let by = &["standby"];
        Ok(Self {
            up: kept.gauges(
                "cairn_database_standby_up",
                "Whether reads go to the standby: 0 when it is lost or too far behind.",
                by,
            )?,
            seconds: kept.fractions(
                "cairn_database_standby_lag_seconds",
                "Age of the oldest commit that the standby does not show.",
                by,
            )?,
            generations: kept.gauges(
                "cairn_database_standby_lag_generations",
                "Commits that the standby does not show.",
                by,
            )?,
        })
    }

    /// How it stands now.
    pub(crate) fn set(&self, standing: &Standing) {
        let label = [standing.place.as_str()];
        self.up
            .with_label_values(&label)
            .set(i64::from(standing.serves));
        self.seconds
            .with_label_values(&label)
            .set(standing.lag.as_secs_f64());
        self.generations
            .with_label_values(&label)
            .set(standing.generations);
    }
}
