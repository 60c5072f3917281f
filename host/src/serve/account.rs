//! What is written down about a request: one log line and one observation, when its response is complete.

use std::{sync::Arc, time::Instant};

use http::{Method, StatusCode, Uri, uri::PathAndQuery};

use super::{cache::Outcome, request_id::RequestId, route::route};
use crate::telemetry::{access, metrics::Metrics};

/// An open account of one request.
pub(crate) struct Account {
    metrics: Arc<Metrics>,
    begun: Instant,
    method: Method,
    target: Option<PathAndQuery>,
    id: RequestId,
    cache: Outcome,
}

impl Account {
    pub(crate) fn open(metrics: &Arc<Metrics>, method: &Method, uri: &Uri, id: RequestId) -> Self {
        metrics.active.inc();
        Self {
            metrics: Arc::clone(metrics),
            begun: Instant::now(),
            method: method.clone(),
            target: uri.path_and_query().cloned(),
            id,
            cache: Outcome::None,
        }
    }

    pub(crate) fn cached(&mut self, outcome: Outcome) {
        self.cache = outcome;
    }

    /// The query stays out of the log: it may hold what people searched for.
    pub(crate) fn close(self, status: StatusCode, bytes: u64) {
        let took = self.begun.elapsed();
        let method = known(&self.method);
        let path = self.target.as_ref().map_or("", PathAndQuery::path);
        self.metrics
            .answered(route(path), method, status.as_str(), took);
        if let Some(result) = self.cache.name() {
            self.metrics.cached(result);
        }
        access::write(&access::Line {
            request_id: self.id.as_str(),
            method,
            path,
            status: status.as_u16(),
            took,
            bytes,
            cache: self.cache.name().unwrap_or("none"),
        });
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.metrics.active.dec();
    }
}

/// A method as a label: callers may make up any word.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
