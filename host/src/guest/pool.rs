//! A request's way to an answer: into an instance, out again, and once more on a fresh instance when another request
//! took the first one down.

use std::{
    sync::{
        Arc, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use http::{Method, Request};
use http_body_util::{BodyExt, Empty};
use hyper::body::Body;
use tokio::sync::{Notify, Semaphore};
use wasmtime_wasi_http::{
    WasiBody,
    handler::{ExpirationError, InstantiationError, ProxyHandler, ProxyPre, TrapOrPanicError},
};

use super::{
    crowd::Crowd,
    engine::{self, SPARE, Source},
    instance::{Instances, NoRoom, Statements, link},
    reply::{Reply, received},
    watch::{Stop, Ticket},
};
use crate::{
    config::model::Limits,
    db::Store,
    imports::variables::Variables,
    telemetry::{
        metrics::Metrics,
        trace::{Kind, Parent, Span},
    },
};

/// How long a request waits at most before it asks again whether there is room: the bell may have rung for another.
const ASK_AGAIN: Duration = Duration::from_millis(20);

/// What guests are given.
#[derive(Clone)]
pub struct Offer {
    pub db: Store,
    pub variables: Arc<Variables>,
}

/// Whose request it is.
pub struct Caller<'a> {
    /// In logs.
    pub(crate) id: &'a str,
    /// What spans hang below, when the request is traced.
    pub(crate) trace: Option<Parent>,
}

impl<'a> From<&'a str> for Caller<'a> {
    fn from(id: &'a str) -> Self {
        Self { id, trace: None }
    }
}

/// Why there is no answer from a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// It took longer than a request may.
    Timeout,
    /// The instance was stopped, and the request could not or must not run again.
    Stopped,
    /// The guest returned an error instead of a response.
    Broken,
}

pub(super) type Attempt = Result<Reply, Lost>;

/// How an attempt ended without an answer.
pub(super) enum Lost {
    /// Somebody else's fault: another attempt may do.
    Bystander,
    Final(Failure),
}

impl Lost {
    /// For traces.
    fn name(&self) -> &'static str {
        match self {
            Self::Bystander => "another request stopped the instance",
            Self::Final(Failure::Timeout) => "timeout",
            Self::Final(Failure::Stopped) => "stopped",
            Self::Final(Failure::Broken) => "broken",
        }
    }
}

/// The component, running on one thread.
pub struct Guests {
    shared: ProxyHandler<Instances>,
    /// For second attempts, one to an instance: whatever stopped the first instance cannot take down others again.
    alone: ProxyHandler<Instances>,
    freed: Arc<Notify>,
    closing: Arc<AtomicBool>,
    metrics: Arc<Metrics>,
}

impl Guests {
    /// Loads the component and checks that everything it imports is offered. Gives one for each thread that serves: an
    /// instance stays on its thread, and each thread has its share of them.
    pub fn load(
        source: &Source,
        limits: &Limits,
        offer: &Offer,
        metrics: &Arc<Metrics>,
        statements: Statements,
        threads: usize,
    ) -> Result<Vec<Self>> {
        let engine = engine::start(limits)?;
        let component = engine::load(&engine, source)?;
        let pre = Arc::new(ProxyPre::P3(
            link(&engine, &component, statements).map_err(engine::plain)?,
        ));
        let closing = Arc::new(AtomicBool::new(false));
        let shared_limits = Arc::new(limits.clone());
        let spare = Arc::new(Semaphore::new(SPARE));
        let one = |thread| {
            let freed = Arc::new(Notify::new());
            let handler = |room, alone| {
                ProxyHandler::new(Instances {
                    engine: engine.clone(),
                    pre: Arc::clone(&pre),
                    offer: offer.clone(),
                    limits: Arc::clone(&shared_limits),
                    metrics: Arc::clone(metrics),
                    room,
                    crowd: Arc::new(Crowd::new()),
                    freed: Arc::clone(&freed),
                    closing: Arc::clone(&closing),
                    alone,
                })
            };
            let room = share(limits.instances.max(threads), thread, threads);
            Self {
                shared: handler(Arc::new(Semaphore::new(room)), false),
                alone: handler(Arc::clone(&spare), true),
                freed: Arc::clone(&freed),
                closing: Arc::clone(&closing),
                metrics: Arc::clone(metrics),
            }
        };
        Ok((0..threads).map(one).collect())
    }

    /// From now on instances that end are no news.
    pub fn close(&self) {
        self.closing.store(true, Ordering::Release);
    }

    /// Gets an answer, whole when its body has no more than `whole` bytes. A `GET` or `HEAD` without a body may run
    /// twice.
    pub async fn handle(
        &self,
        caller: impl Into<Caller<'_>>,
        request: Request<WasiBody>,
        whole: usize,
        within: Duration,
    ) -> Result<Reply, Failure> {
        let caller = caller.into();
        let attempts = self.attempts(&caller, request, whole);
        let outcome = tokio::time::timeout(within, attempts).await;
        outcome.unwrap_or(Err(Failure::Timeout))
    }

    async fn attempts(
        &self,
        caller: &Caller<'_>,
        request: Request<WasiBody>,
        whole: usize,
    ) -> Result<Reply, Failure> {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let copy = (reads && request.body().is_end_stream()).then(|| copy(&request));
        let first = self.attempt(&self.shared, caller, request, whole).await;
        match (first, copy) {
            (Ok(reply), _) => Ok(reply),
            (Err(Lost::Final(failure)), _) => Err(failure),
            (Err(Lost::Bystander), None) => Err(Failure::Stopped),
            (Err(Lost::Bystander), Some(copy)) => {
                self.metrics.retries.inc();
                match self.attempt(&self.alone, caller, copy, whole).await {
                    Ok(reply) => Ok(reply),
                    Err(Lost::Bystander) => Err(Failure::Stopped),
                    Err(Lost::Final(failure)) => Err(failure),
                }
            }
        }
    }

    /// One attempt, and its span.
    async fn attempt(
        &self,
        handler: &ProxyHandler<Instances>,
        caller: &Caller<'_>,
        request: Request<WasiBody>,
        whole: usize,
    ) -> Attempt {
        let trace = caller.trace.as_ref();
        let mut span = trace.map(|trace| trace.child("guest", Kind::Internal));
        let ticket = Ticket::new(caller.id, span.as_ref().and_then(Span::below));
        let outcome = self.enter(handler, &ticket, request, whole).await;
        if let (Some(span), Err(lost)) = (&mut span, &outcome) {
            span.fail(lost.name());
        }
        outcome
    }

    async fn enter(
        &self,
        handler: &ProxyHandler<Instances>,
        ticket: &Arc<Ticket>,
        mut request: Request<WasiBody>,
        whole: usize,
    ) -> Attempt {
        let mut refused_before = false;
        loop {
            let error = match handler.handle(Arc::clone(ticket), request).await {
                Ok(response) => return received(ticket, response, whole).await,
                Err(error) => error,
            };
            request = match error.downcast::<InstantiationError<Arc<Ticket>>>() {
                Ok(refused) if refused.error.is::<NoRoom>() => refused
                    .request
                    .into_inner()
                    .unwrap_or_else(PoisonError::into_inner),
                Ok(refused) => {
                    let error = format!("{:#}", refused.error);
                    tracing::error!(request_id = ticket.id, error, "no instance could be made");
                    return Err(Lost::Final(Failure::Broken));
                }
                Err(error) => return Err(lost(ticket, &error).await),
            };
            if refused_before {
                let _ = tokio::time::timeout(ASK_AGAIN, self.freed.notified()).await;
            } else {
                // An instance that is just being made takes requests once it had its turn.
                refused_before = true;
                tokio::task::yield_now().await;
            }
        }
    }
}

/// What one thread gets of so many: all shares together are everything.
fn share(all: usize, thread: usize, threads: usize) -> usize {
    all / threads + usize::from(thread < all % threads)
}

/// A request without a body, once more.
fn copy(request: &Request<WasiBody>) -> Request<WasiBody> {
    let nothing = Empty::new().map_err(|never| match never {}).boxed_unsync();
    let mut copy = Request::new(nothing);
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    copy.headers_mut().clone_from(request.headers());
    copy
}

async fn lost(ticket: &Ticket, error: &wasmtime::Error) -> Lost {
    if error.is::<ExpirationError>() {
        return Lost::Final(Failure::Timeout);
    }
    if !error.is::<TrapOrPanicError>() && !error.is::<wasmtime::Trap>() {
        tracing::error!(
            request_id = ticket.id,
            error = format!("{error:#}"),
            "the guest returned an error"
        );
        return Lost::Final(Failure::Broken);
    }
    match ticket.verdict().await {
        Some((verdict, _)) if verdict.stop == Stop::Timeout => Lost::Final(Failure::Timeout),
        Some((_, true)) => Lost::Final(Failure::Stopped),
        Some((_, false)) | None => Lost::Bystander,
    }
}
