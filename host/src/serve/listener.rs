//! Connections: how many, how long they may dally, and how they end.

use std::{
    convert::Infallible,
    future::Future,
    io, net,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{Request, Response};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Handle,
    sync::{Notify, OwnedSemaphorePermit, Semaphore, watch},
};

use super::body::Body;
use crate::{config::model::Limits, telemetry::metrics::Metrics};

/// Streams that one HTTP/2 connection may have open.
const STREAMS: u32 = 128;

/// How often a silent HTTP/2 peer is asked whether it is still there.
const PING: Duration = Duration::from_secs(30);

/// Header fields of one request.
const FIELDS: usize = 100;

/// How long a connection that came just before the drain may take to say what it wants.
const LATE: Duration = Duration::from_secs(1);

/// Connections being told that there is no room, at once; beyond these they are only closed.
const TURNED_AWAY: usize = 64;

/// What a caller without a place is told, before it has said anything.
const NO_ROOM: &str =
    r#"{"title":"Service Unavailable","status":503,"detail":"too many connections at once"}"#;

/// Where a server is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    Serving,
    /// Requests under way finish; nothing new is accepted.
    Draining,
    /// Connections are cut.
    Over,
}

/// Where connections are served: a runtime, and what answers there.
pub(crate) struct Desk<F> {
    runtime: Handle,
    answer: F,
    /// Connections.
    open: Arc<AtomicUsize>,
}

impl<F> Desk<F> {
    pub(crate) fn new(runtime: Handle, answer: F) -> Self {
        Self {
            runtime,
            answer,
            open: Arc::default(),
        }
    }
}

/// A listener with its connections.
pub(crate) struct Listener {
    limits: Limits,
    http: auto::Builder<TokioExecutor>,
    places: Arc<Semaphore>,
    turning_away: Arc<Semaphore>,
    phase: watch::Receiver<Phase>,
    metrics: Arc<Metrics>,
}

impl Listener {
    pub(crate) fn new(
        limits: &Limits,
        phase: watch::Receiver<Phase>,
        metrics: &Arc<Metrics>,
    ) -> Self {
        Self {
            limits: limits.clone(),
            http: http(limits),
            places: Arc::new(Semaphore::new(limits.connections)),
            turning_away: Arc::new(Semaphore::new(TURNED_AWAY)),
            phase,
            metrics: Arc::clone(metrics),
        }
    }

    /// Accepts until draining begins, then waits for the connections to finish. Each goes to the desk with the fewest,
    /// and stays there.
    pub(crate) async fn run<F, R>(self: Arc<Self>, socket: TcpListener, desks: Vec<Desk<F>>)
    where
        F: Fn(Request<Incoming>) -> R + Clone + Send + 'static,
        R: Future<Output = Response<Body>> + Send + 'static,
    {
        let mut phase = self.phase.clone();
        let draining = phase.wait_for(|phase| *phase >= Phase::Draining);
        let mut draining = pin!(draining);
        loop {
            let accepted = tokio::select! {
                accepted = socket.accept() => accepted,
                _ = &mut draining => break,
            };
            let admitted = accepted.and_then(|(stream, _)| self.admit(stream.into_std()?, &desks));
            if let Err(error) = admitted {
                // Out of descriptors, or the peer was gone already: either passes.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        for stream in let_in(socket) {
            let _ = self.admit(stream, &desks);
        }
        let all = u32::try_from(self.limits.connections).unwrap_or(u32::MAX);
        let _ = self.places.acquire_many(all).await;
    }

    fn admit<F, R>(self: &Arc<Self>, stream: net::TcpStream, desks: &[Desk<F>]) -> io::Result<()>
    where
        F: Fn(Request<Incoming>) -> R + Clone + Send + 'static,
        R: Future<Output = Response<Body>> + Send + 'static,
    {
        let _ = stream.set_nodelay(true);
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            self.metrics.refused("connections");
            if let Ok(place) = Arc::clone(&self.turning_away).try_acquire_owned() {
                tokio::spawn(turn_away(TcpStream::from_std(stream)?, place));
            }
            return Ok(());
        };
        if let Some(desk) = desks
            .iter()
            .min_by_key(|desk| desk.open.load(Ordering::Relaxed))
        {
            let open = Open::new(&self.metrics, &desk.open, place);
            let (listener, answer) = (Arc::clone(self), desk.answer.clone());
            // What tells that bytes have come belongs to the runtime that waits for them.
            desk.runtime.spawn(async move {
                match TcpStream::from_std(stream) {
                    Ok(stream) => listener.converse(stream, answer, open).await,
                    Err(error) => tracing::warn!(%error, "a connection could not be served"),
                }
            });
        }
        Ok(())
    }

    async fn converse<F, R>(&self, stream: TcpStream, answer: F, _open: Open)
    where
        F: Fn(Request<Incoming>) -> R + Clone + Send + 'static,
        R: Future<Output = Response<Body>> + Send + 'static,
    {
        let asked = Arc::new(AtomicU64::new(0));
        let first = Arc::new(Notify::new());
        let (count, begun) = (Arc::clone(&asked), Arc::clone(&first));
        let service = service_fn(move |request| {
            if count.fetch_add(1, Ordering::Relaxed) == 0 {
                begun.notify_one();
            }
            let answer = answer(request);
            async move { Ok::<_, Infallible>(answer.await) }
        });
        let mut connection = pin!(self.http.serve_connection(TokioIo::new(stream), service));
        let mut phase = self.phase.clone();
        // The protocol's own timer begins with the first bytes that tell which protocol it is.
        let mut silent = pin!(tokio::time::sleep(self.limits.header_timeout));
        let mut watching = true;
        // Begins to count when a connection that has asked nothing meets the drain.
        let mut late = pin!(tokio::time::sleep(LATE));
        let mut awaited = false;
        loop {
            tokio::select! {
                _ = connection.as_mut() => return,
                () = &mut silent, if watching => {
                    if asked.load(Ordering::Relaxed) == 0 {
                        return;
                    }
                    watching = false;
                }
                _ = phase.changed() => match *phase.borrow_and_update() {
                    Phase::Serving => {}
                    Phase::Draining if asked.load(Ordering::Relaxed) == 0 => {
                        late.as_mut().reset(tokio::time::Instant::now() + LATE);
                        awaited = true;
                    }
                    Phase::Draining => connection.as_mut().graceful_shutdown(),
                    Phase::Over => return,
                },
                () = first.notified(), if awaited => {
                    awaited = false;
                    connection.as_mut().graceful_shutdown();
                }
                () = &mut late, if awaited => {
                    awaited = false;
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }
}

/// Closes the door. Who has been let in by the system already does not know that there is nobody behind it any more: the
/// system itself is asked for them, since the runtime may not have heard of the last ones yet.
fn let_in(socket: TcpListener) -> Vec<net::TcpStream> {
    let Ok(socket) = socket.into_std() else {
        return Vec::new();
    };
    let waiting = std::iter::from_fn(|| socket.accept().ok());
    waiting
        .filter_map(|(stream, _)| stream.set_nonblocking(true).ok().map(|()| stream))
        .collect()
}

fn http(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_headers(FIELDS)
        // The library needs at least this much.
        .max_buf_size(limits.header_size.max(8192));
    http.http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING)
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(u32::try_from(limits.header_size).unwrap_or(u32::MAX));
    http
}

/// Says no, and reads a little of what the caller was going to say: closing over unread bytes would take the answer
/// away again.
async fn turn_away(mut stream: TcpStream, _place: OwnedSemaphorePermit) {
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n\
         Content-Type: application/problem+json\r\nContent-Length: {}\r\n\r\n{NO_ROOM}",
        NO_ROOM.len()
    );
    let conversation = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
        let mut unread = [0; 1024];
        while stream.read(&mut unread).await? > 0 {}
        io::Result::Ok(())
    };
    let _ = tokio::time::timeout(Duration::from_secs(1), conversation).await;
}

/// Counts an open connection, and holds its place, as long as it lives.
struct Open {
    metrics: Arc<Metrics>,
    desk: Arc<AtomicUsize>,
    _place: OwnedSemaphorePermit,
}

impl Open {
    fn new(metrics: &Arc<Metrics>, desk: &Arc<AtomicUsize>, place: OwnedSemaphorePermit) -> Self {
        metrics.connections.inc();
        desk.fetch_add(1, Ordering::Relaxed);
        Self {
            metrics: Arc::clone(metrics),
            desk: Arc::clone(desk),
            _place: place,
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.metrics.connections.dec();
        self.desk.fetch_sub(1, Ordering::Relaxed);
    }
}
