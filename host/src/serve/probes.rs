//! Probes, version and metrics: all that the internal listener answers, and part of what the public one does.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use serde_json::{Value, json};

use super::{
    body::Body,
    cache::Cache,
    health::{self, Health},
    host,
    problem::{json_response, problem},
    request_id::RequestId,
};
use crate::{config::model, db::Store, telemetry::metrics::Metrics, version::Version};

/// Between two looks at readiness.
const LOOK: Duration = Duration::from_secs(5);

/// Extent to which readiness is shown.
#[derive(Clone, Copy)]
enum Detail {
    /// To operators: components, sources, messages.
    Long,
    /// To everybody.
    Short,
}

/// Where probes look.
#[derive(Clone)]
pub(crate) struct Probes {
    pub(crate) health: Arc<Health>,
    pub(crate) db: Store,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) cache: Arc<Cache>,
}

impl Probes {
    /// The internal listener's whole map.
    pub(crate) async fn internal<B>(&self, request: &Request<B>) -> Response<Body> {
        let path = request.uri().path();
        if let Err(detail) = host::check(request) {
            let id = RequestId::of(request.headers());
            return problem(StatusCode::BAD_REQUEST, detail, &id);
        }
        let mut response = match self.probe(path, Detail::Long).await {
            Some(response) => response,
            None => match path {
                "/health" => json_response(StatusCode::OK, &json!({ "status": "healthy" })),
                "/version" => json_response(StatusCode::OK, &json!(Version::current())),
                "/metrics" => self.scrape().await,
                _ => problem(
                    StatusCode::NOT_FOUND,
                    "there is no such page",
                    &RequestId::of(request.headers()),
                ),
            },
        };
        if !matches!(*request.method(), Method::GET | Method::HEAD)
            && response.status() != StatusCode::NOT_FOUND
        {
            response = problem(
                StatusCode::METHOD_NOT_ALLOWED,
                "this page is only read",
                &RequestId::of(request.headers()),
            );
            response
                .headers_mut()
                .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
        if *request.method() == Method::HEAD {
            headless(&mut response);
        }
        response
    }

    /// What the public listener answers by itself: the component has `/health` and `/version` of its own.
    pub(crate) async fn public<B>(
        &self,
        request: &Request<B>,
        settings: &model::Probes,
    ) -> Option<Response<Body>> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return None;
        }
        let mut response = match request.uri().path() {
            "/metrics" if settings.public_metrics => self.scrape().await,
            path if settings.public => self.probe(path, Detail::Short).await?,
            _ => return None,
        };
        if *request.method() == Method::HEAD {
            headless(&mut response);
        }
        Some(response)
    }

    async fn probe(&self, path: &str, detail: Detail) -> Option<Response<Body>> {
        match path {
            "/livez" | "/healthz" => Some(json_response(StatusCode::OK, &self.health.alive())),
            "/readyz" | "/readiness" | "/ready" => {
                let (ready, answer) = self.ready().await;
                Some(match detail {
                    Detail::Long => readiness(ready, &answer),
                    Detail::Short => readiness(ready, &health::short(&answer)),
                })
            }
            _ => None,
        }
    }

    /// The answer of readiness. It is recorded for metrics, and a change is logged.
    async fn ready(&self) -> (bool, Value) {
        let (ready, answer) = self.health.ready(&self.db).await;
        let database = answer.pointer("/components/database/status");
        let database = database.and_then(Value::as_str).unwrap_or("down");
        if self.metrics.database.set(ready, database) {
            let reason = answer.get("reason").and_then(Value::as_str);
            match reason {
                None => tracing::info!("ready"),
                Some("draining") => tracing::info!("not ready: draining"),
                Some(reason) => {
                    let cause = self.health.failure().unwrap_or_default();
                    tracing::warn!(reason, database, cause, "not ready");
                }
            }
        }
        (ready, answer)
    }

    /// Looks at readiness again and again, so that a change is logged even where no client asks.
    pub(crate) async fn watch(self) {
        loop {
            let _ = self.ready().await;
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Asks the database first: an alert must not depend on requests.
    async fn scrape(&self) -> Response<Body> {
        let _ = self.ready().await;
        self.metrics.database.set_connections(self.db.connections());
        let (bytes, entries) = self.cache.figures();
        let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        self.metrics.cache_bytes.set(number(bytes));
        self.metrics.cache_entries.set(number(entries));
        self.metrics.readers.set(number(self.db.open_readers()));
        if let Some(standing) = self.db.standby() {
            self.metrics.standby.set(&standing);
        }
        exposition(&self.metrics)
    }
}

/// All figures, as Prometheus reads them.
pub(super) fn exposition(metrics: &Metrics) -> Response<Body> {
    match metrics.render() {
        Ok(text) => {
            let mut response = Response::new(Body::Whole(Bytes::from(text)));
            let plain = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, plain);
            response
        }
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            json_response(
                StatusCode::INTERNAL_SERVER_ERROR,
                &json!({ "error": "internal error" }),
            )
        }
    }
}

fn readiness(ready: bool, answer: &Value) -> Response<Body> {
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    json_response(status, answer)
}

fn headless(response: &mut Response<Body>) {
    if let Body::Whole(bytes) = std::mem::replace(response.body_mut(), Body::empty()) {
        response
            .headers_mut()
            .insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    }
}
