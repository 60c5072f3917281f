//! What is written down about a request when its response is complete: one log line, one observation, and the end of its
//! span when it is traced.

use std::{sync::Arc, time::Instant};

use http::{HeaderValue, Method, Request, StatusCode, header, uri::PathAndQuery};

use super::{
    cache::Outcome,
    forwarded::Client,
    request_id::RequestId,
    route::{is_probe, route},
    span,
};
use crate::telemetry::{
    access,
    metrics::Metrics,
    trace::{Parent, Span},
};

/// An open account of one request.
pub(crate) struct Account {
    metrics: Arc<Metrics>,
    begun: Instant,
    method: Method,
    target: Option<PathAndQuery>,
    id: RequestId,
    client: Client,
    agent: Option<HeaderValue>,
    cache: Outcome,
    /// In a box: most requests have none.
    span: Option<Box<Span>>,
}

impl Account {
    pub(super) fn open<B>(
        metrics: &Arc<Metrics>,
        request: &Request<B>,
        id: RequestId,
        client: Client,
    ) -> Self {
        metrics.active.inc();
        Self {
            metrics: Arc::clone(metrics),
            begun: Instant::now(),
            method: request.method().clone(),
            target: request.uri().path_and_query().cloned(),
            id,
            client,
            agent: request.headers().get(header::USER_AGENT).cloned(),
            cache: Outcome::None,
            span: None,
        }
    }

    /// From now on the request is traced, if it is wanted.
    pub(crate) fn trace(&mut self, span: Option<Span>) {
        let Some(mut span) = span else { return };
        let path = self.target.as_ref().map_or("", PathAndQuery::path);
        span::asked(&mut span, known(&self.method), path, route(path));
        span.note("cairn.request_id", self.id.as_str().to_owned());
        self.span = Some(Box::new(span));
    }

    /// For spans below the request's own.
    pub(crate) fn below(&self) -> Option<Parent> {
        self.span.as_ref()?.below()
    }

    pub(super) fn client(&self) -> Client {
        self.client
    }

    pub(crate) fn cached(&mut self, outcome: Outcome) {
        self.cache = outcome;
    }

    /// The query stays out of the log: it may hold what people searched for.
    pub(crate) fn close(mut self, status: StatusCode, bytes: u64) {
        let took = self.begun.elapsed();
        let method = known(&self.method);
        let path = self.target.as_ref().map_or("", PathAndQuery::path);
        self.metrics
            .answered(route(path), method, status.as_str(), took);
        if let Some(result) = self.cache.name() {
            self.metrics.cached(result);
        }
        let agent = self.agent.as_ref().map(HeaderValue::to_str);
        access::write(&access::Line {
            level: if is_probe(path) {
                access::Level::Debug
            } else {
                access::Level::Info
            },
            client: self.client.address,
            agent: agent.and_then(Result::ok).unwrap_or_default(),
            request_id: self.id.as_str(),
            method,
            path,
            status: status.as_u16(),
            took,
            bytes,
            cache: self.cache.name().unwrap_or("none"),
        });
        if let Some(mut span) = self.span.take() {
            span.note("cairn.cache", self.cache.name().unwrap_or("none"));
            span::answered(&mut span, status, bytes);
        }
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.metrics.active.dec();
        if let Some(span) = &mut self.span {
            span.fail("the client did not wait for the answer");
        }
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
