//! The public listener's requests, from head to answer: count it in, answer probes, ask the cache, ask the component.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use http::{Method, Request, Response, StatusCode, header, request::Parts};
use hyper::body::{Body as _, Incoming};
use wasmtime_wasi_http::WasiBody;

use super::{
    account::Account,
    answer::Answer,
    body::Body,
    cache::{Cache, Flights},
    coding::Effort,
    forwarded::Client,
    host,
    probes::Probes,
    problem::{problem, unanswered},
    request_id::{self, RequestId},
    upload::{TooLarge, absolute, announced, bounded},
};
use crate::{
    config::model::{self, Limits, Networks},
    db::Store,
    guest::{Caller, Content, Guests, Reply},
    telemetry::{metrics::Metrics, trace::Tracer},
};

/// Bodies up to this many bytes are taken in whole when nothing is kept of them.
pub(super) const WHOLE: usize = 1 << 20;

/// All that a public request may need. Each thread has one of its own; apart from the guests it is the same for all.
pub(crate) struct Public {
    pub(crate) guests: Guests,
    pub(crate) db: Store,
    pub(crate) cache: Arc<Cache>,
    pub(crate) caching: bool,
    pub(crate) flights: Flights,
    pub(crate) probes: Probes,
    pub(crate) open_probes: model::Probes,
    pub(crate) limits: Limits,
    pub(crate) trusted: Networks,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) tracer: Option<Arc<Tracer>>,
    pub(crate) under_way: Arc<AtomicUsize>,
}

/// One request among those under way.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Public {
    pub(crate) async fn answer(&self, request: Request<Incoming>, peer: IpAddr) -> Response<Body> {
        let id = RequestId::of(request.headers());
        let mut account = Account::open(
            &self.metrics,
            &request,
            id.clone(),
            Client::of(request.headers(), peer, &self.trusted),
        );
        if let Some(tracer) = &self.tracer {
            account.trace(tracer.request(request.headers()));
        }
        let mut response = if let Err(detail) = host::check(&request) {
            problem(StatusCode::BAD_REQUEST, detail, &id)
        } else if let Some(response) = self.recollect(&request, &mut account) {
            response
        } else {
            // In a box, so that what a hit has to carry around stays small.
            Box::pin(self.ponder(request, &id, &mut account)).await
        };
        request_id::stamp(&mut response, &id);
        let status = response.status();
        response.body_mut().settle(account, status);
        response
    }

    async fn ponder(
        &self,
        request: Request<Incoming>,
        id: &RequestId,
        account: &mut Account,
    ) -> Response<Body> {
        if let Some(response) = self.probes.public(&request, &self.open_probes).await {
            return response;
        }
        match self.enter() {
            Some(_place) => self.admitted(request, id, account).await,
            None => {
                self.metrics.refused("requests");
                let detail = "too many requests at once";
                problem(StatusCode::SERVICE_UNAVAILABLE, detail, id)
            }
        }
    }

    fn enter(&self) -> Option<Place<'_>> {
        let place = Place(&self.under_way);
        let before = self.under_way.fetch_add(1, Ordering::AcqRel);
        (before < self.limits.requests).then_some(place)
    }

    async fn admitted(
        &self,
        request: Request<Incoming>,
        id: &RequestId,
        account: &mut Account,
    ) -> Response<Body> {
        if announced(request.headers()).is_some_and(|size| size > self.limits.body_size as u64) {
            return self.too_large(id);
        }
        let (parts, body) = request.into_parts();
        let reads = matches!(parts.method, Method::GET | Method::HEAD) && body.is_end_stream();
        if reads {
            self.read(parts, id, account).await
        } else {
            self.write(parts, body, id, account).await
        }
    }

    async fn write(
        &self,
        mut parts: Parts,
        body: Incoming,
        id: &RequestId,
        account: &Account,
    ) -> Response<Body> {
        let mut headers = parts.headers.clone();
        // A condition on a write is the component's to judge.
        headers.remove(header::IF_NONE_MATCH);
        let (body, too_large) = bounded(body, self.limits.body_size);
        absolute(&mut parts);
        account.client().tell_origin(&mut parts.headers);
        parts.headers.insert(request_id::HEADER, id.value());
        let outcome = self
            .guests
            .handle(
                caller(id, account),
                Request::from_parts(parts, body),
                WHOLE,
                self.limits.request_timeout,
            )
            .await;
        match outcome {
            _ if TooLarge::is_set(&too_large) => self.too_large(id),
            Ok(Reply {
                head,
                body: Content::Whole(body),
            }) => {
                let answer = Arc::new(Answer::new(head, body, Effort::Quick));
                answer.respond(&headers, false).await
            }
            Ok(Reply {
                head,
                body: Content::Begun(first, rest),
            }) => begun(head, first, rest),
            Err(failure) => unanswered(failure, id),
        }
    }

    fn too_large(&self, id: &RequestId) -> Response<Body> {
        self.metrics.refused("body");
        let detail = format!("the body is larger than {} bytes", self.limits.body_size);
        problem(StatusCode::PAYLOAD_TOO_LARGE, &detail, id)
    }
}

pub(super) fn caller<'a>(id: &'a RequestId, account: &Account) -> Caller<'a> {
    Caller {
        id: id.as_str(),
        trace: account.below(),
    }
}

pub(super) fn begun(
    head: http::response::Parts,
    first: bytes::Bytes,
    rest: WasiBody,
) -> Response<Body> {
    Response::from_parts(head, Body::streamed(first, rest))
}
