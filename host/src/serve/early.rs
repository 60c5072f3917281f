//! Probes on the internal listener while a start waits, mostly for its database: such a process is alive and not ready.
//! Nothing else is answered, and the public listener is not open.

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use anyhow::Result;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use serde_json::json;
use tokio::{runtime::Handle, sync::watch, task::JoinHandle, time::timeout};

use super::{
    body::Body,
    health::Health,
    listener::{Desk, Listener, Phase, Room},
    probes::exposition,
    problem::{json_response, problem},
    request_id::RequestId,
    socket,
};
use crate::{config::model::Config, telemetry::metrics::Metrics};

/// A start that takes less opens no early listener.
const SHORT: Duration = Duration::from_secs(1);
/// Connections at once: those of probes.
const ROOM: Room = Room {
    served: 64,
    turned_away: 8,
};

/// Waits for the result, and answers probes meanwhile. The address is free again afterwards.
pub async fn probed<T>(
    config: &Config,
    metrics: &Arc<Metrics>,
    starting: impl Future<Output = Result<T>>,
) -> Result<T> {
    let mut starting = pin!(starting);
    if let Ok(outcome) = timeout(SHORT, &mut starting).await {
        return outcome;
    }
    let early = Early::open(config, metrics);
    let outcome = starting.await;
    if let Some(early) = early {
        early.close().await;
    }
    outcome
}

struct Early {
    phase: watch::Sender<Phase>,
    listening: JoinHandle<()>,
}

impl Early {
    /// `None` where the system chooses the port, which would be another one later, and where the address cannot be had,
    /// which the server itself reports.
    fn open(config: &Config, metrics: &Arc<Metrics>) -> Option<Self> {
        let address = config.internal_address;
        let socket = (address.port() != 0).then(|| socket::bind(address).ok())??;
        metrics.database.set(false, "down");
        let (phase, phases) = watch::channel(Phase::Serving);
        let listener = Listener::new(&config.limits, ROOM, phases, metrics);
        let (health, metrics) = (Arc::new(Health::default()), Arc::clone(metrics));
        let desk = Desk::new(
            Handle::current(),
            move |request: Request<Incoming>, _peer| {
                let response = answer(&request, &health, &metrics);
                async move { response }
            },
        );
        tracing::info!(internal_address = %address, "waiting: only probes are answered");
        let listening = tokio::spawn(Arc::new(listener).run(socket, vec![desk]));
        Some(Self { phase, listening })
    }

    async fn close(self) {
        self.phase.send_replace(Phase::Over);
        let _ = self.listening.await;
    }
}

fn answer<B>(request: &Request<B>, health: &Health, metrics: &Metrics) -> Response<Body> {
    match request.uri().path() {
        "/livez" | "/healthz" => json_response(StatusCode::OK, &health.alive()),
        "/metrics" => exposition(metrics),
        "/readyz" | "/readiness" | "/ready" => {
            let database = json!({ "status": "down" });
            let components = json!({ "database": database });
            let body =
                json!({ "status": "not_ready", "reason": "database", "components": components });
            json_response(StatusCode::SERVICE_UNAVAILABLE, &body)
        }
        _ => problem(
            StatusCode::SERVICE_UNAVAILABLE,
            "the server waits for its database",
            &RequestId::of(request.headers()),
        ),
    }
}
