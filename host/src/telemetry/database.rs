//! Measures of the database: its state, and the connections of this process to it. The probes fill them in.

use prometheus::{IntGauge, IntGaugeVec, Result};

use super::metrics::Kept;
use crate::db::Connections;

/// States that a database can be in, as readiness names them. The first one serves everything.
const STATES: [&str; 4] = ["up", "down", "read-only", "full"];

/// The figures of the database.
pub(crate) struct DatabaseState {
    ready: IntGauge,
    up: IntGauge,
    state: IntGaugeVec,
    open: IntGauge,
    idle: IntGauge,
    in_use: IntGauge,
    waiting: IntGauge,
    limit: IntGauge,
}

impl DatabaseState {
    pub(super) fn new(kept: &Kept) -> Result<Self> {
        let gauge = |name, help| kept.gauge(name, help);
        Ok(Self {
            ready: gauge("cairn_ready", "Whether readiness succeeds: 1 or 0.")?,
            up: gauge("cairn_database_up", "Whether the database answers: 1 or 0.")?,
            state: kept.gauges(
                "cairn_database_state",
                "1 for the state that the database is in, 0 for the others.",
                &["state"],
            )?,
            open: gauge(
                "cairn_database_pool_open",
                "Connections to the database open.",
            )?,
            idle: gauge(
                "cairn_database_pool_idle",
                "Open connections that no request uses.",
            )?,
            in_use: gauge(
                "cairn_database_pool_in_use",
                "Open connections that a request uses.",
            )?,
            waiting: gauge(
                "cairn_database_pool_waiting",
                "Requests that wait for a connection.",
            )?,
            limit: gauge(
                "cairn_database_pool_limit",
                "Connections that may be open at once.",
            )?,
        })
    }

    /// Records readiness and the state of the database. Returns whether readiness differs from the last record.
    pub(crate) fn set(&self, ready: bool, state: &str) -> bool {
        let changed = self.ready.get() != i64::from(ready);
        self.ready.set(i64::from(ready));
        self.up.set(i64::from(state != "down"));
        for known in STATES {
            let figure = self.state.with_label_values(&[known]);
            figure.set(i64::from(known == state));
        }
        changed
    }

    /// Records the connections.
    pub(crate) fn set_connections(&self, connections: Connections) {
        let Connections {
            open,
            idle,
            waiting,
            limit,
        } = connections;
        let idle = idle.min(open);
        for (figure, value) in [
            (&self.open, open),
            (&self.idle, idle),
            (&self.in_use, open.saturating_sub(idle)),
            (&self.waiting, waiting),
            (&self.limit, limit),
        ] {
            figure.set(i64::try_from(value).unwrap_or(i64::MAX));
        }
    }
}
