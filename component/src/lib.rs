//! HTTP in, registry out. This crate is the WASI component of cairn, and the same router as a native library.
//!
//! A request is parsed into a route of the [`MAP`], answered by one handler, and written out; in reading order:
//!
//! * [`Router`]: the whole HTTP map, on this screen.
//! * `http`: what every surface shares: target, route, query, reply, fault.
//! * one folder per surface, which knows `http`, `ops`, `model` and `kinds`, never the store and never another surface.
//! * `db`: engines behind the store's port; `wasi`: the only export. Nothing else knows that there is a WASI.
//!
//! What only a native host can do (cache, compression, limits, probes, metrics) stands around it, not in it: every body
//! is sent as it is. Nothing here may panic, since other requests share the instance.

pub mod db;
mod health;
mod http;
mod limit;
mod mcp_registry;
mod openapi;
mod pages;
#[cfg(target_family = "wasm")]
mod wasi;

use std::{
    future::Future,
    time::{SystemTime, UNIX_EPOCH},
};

use ::http::{HeaderMap, Method, Request, Response, Uri};
use bytes::Bytes;
use cairn_registry::{
    model::{Namespace, Timestamp},
    ops::Cx,
    store::Db,
};

use crate::http::{Call, Dialect, Fault, Reply, Route, Served, Target};

/// What a route does: the name the parser gives a request and the dispatcher looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    ListServers,
    ListServerVersions,
    GetServerVersion,
    OpenapiYaml,
    OpenapiJson,
    Docs,
    Home,
    Health,
    Ping,
    Version,
}

/// Every route there is. What parses, what is documented and what is tested is this list.
const MAP: [&[Route]; 4] = [
    mcp_registry::ROUTES,
    health::ROUTES,
    openapi::ROUTES,
    pages::ROUTES,
];

/// Answers requests from a store. One per instance: it keeps nothing of a request.
#[derive(Debug)]
pub struct Router<D> {
    db: D,
    /// Where what only reads is read, if that is elsewhere.
    reads: Option<D>,
    namespace: Namespace,
}

/// A router over the registries of one namespace.
pub fn router<D: Db>(db: D, namespace: Namespace) -> Router<D> {
    Router {
        db,
        reads: None,
        namespace,
    }
}

impl<D: Db> Router<D> {
    /// Lists, single records and searches are read there: it may be a little behind.
    #[must_use]
    pub fn reading(self, reads: Option<D>) -> Self {
        Self { reads, ..self }
    }

    /// Answers one request. The body is whole, its length stands in the headers; a `HEAD` has the headers only.
    pub async fn answer<B>(&self, request: &Request<B>) -> Response<Bytes> {
        let (method, uri, headers) = (request.method(), request.uri(), request.headers());
        let reply = match self.serve(method, uri, headers).await {
            Ok(reply) => reply,
            Err(fault) => fault.reply(Dialect::of(uri.path()), headers),
        };
        reply.finish(method)
    }

    /// The same; when `late` is over before the answer is there, the answer is that, and its work is dropped.
    pub async fn answer_before<B>(
        &self,
        request: &Request<B>,
        seconds: u64,
        late: impl Future<Output = ()>,
    ) -> Response<Bytes> {
        match limit::first(self.answer(request), late).await {
            Some(answer) => answer,
            None => {
                let dialect = Dialect::of(request.uri().path());
                let fault = Fault::late(seconds);
                fault
                    .reply(dialect, request.headers())
                    .finish(request.method())
            }
        }
    }

    async fn serve(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Served {
        let target = Target::new(uri)?;
        let Some((route, call)) = target.route(&MAP, headers)? else {
            return Err(Fault::no_route(target.path()));
        };
        match *method {
            Method::OPTIONS => Ok(Reply::preflight()),
            _ if target.has_trailing_slash() => Reply::moved(target),
            Method::GET | Method::HEAD => self.dispatch(route.operation, &call).await,
            _ => Err(Fault::method(method)),
        }
    }

    async fn dispatch(&self, operation: Operation, call: &Call<'_>) -> Served {
        let cx = self.reads();
        match operation {
            Operation::ListServers => mcp_registry::servers::list(cx, call).await,
            Operation::ListServerVersions => mcp_registry::versions::list(cx, call).await,
            Operation::GetServerVersion => mcp_registry::versions::get(cx, call).await,
            Operation::OpenapiYaml => openapi::yaml(cx, call).await,
            Operation::OpenapiJson => openapi::json(cx, call).await,
            Operation::Docs => pages::docs(cx, call).await,
            Operation::Home => pages::home(cx, call).await,
            Operation::Health => health::health(cx, call).await,
            Operation::Ping => Ok(health::ping()),
            Operation::Version => Ok(health::version()),
        }
    }

    /// For operations that write nothing, and need not see what has just been written.
    fn reads(&self) -> Cx<'_, D> {
        Cx {
            db: self.reads.as_ref().unwrap_or(&self.db),
            namespace: &self.namespace,
            now: now(),
        }
    }
}

/// Returns true if the answer to this target depends on the database. That of the liveness probe does not.
#[must_use]
pub fn needs_database(uri: &Uri) -> bool {
    let headers = HeaderMap::new();
    let found = Target::new(uri).and_then(|target| target.route(&MAP, &headers));
    let operation = found.ok().flatten().map(|(route, _)| route.operation);
    operation != Some(Operation::Ping)
}

/// The time a request came. A clock before 1970 is one that was never set.
fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
