//! Connections: how many, which thread serves them, and where they end.

use std::{
    future::Future,
    io,
    net::{self, IpAddr, SocketAddr},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};

use super::{body::Body, connection::Connections, refusal::no_room};
use crate::{config::model::Limits, telemetry::metrics::Metrics};

/// Connections at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    /// Served.
    pub(crate) served: usize,
    /// Answered 503; beyond these they are only closed.
    pub(crate) turned_away: usize,
}

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
    connections: Connections,
    room: Room,
    places: Arc<Semaphore>,
    turning_away: Arc<Semaphore>,
    phase: watch::Receiver<Phase>,
    metrics: Arc<Metrics>,
}

impl Listener {
    pub(crate) fn new(
        limits: &Limits,
        room: Room,
        phase: watch::Receiver<Phase>,
        metrics: &Arc<Metrics>,
    ) -> Self {
        Self {
            connections: Connections::new(limits),
            room,
            places: Arc::new(Semaphore::new(room.served)),
            turning_away: Arc::new(Semaphore::new(room.turned_away)),
            phase,
            metrics: Arc::clone(metrics),
        }
    }

    /// Accepts until draining begins, then waits for the connections to finish. Each goes to the desk with the fewest,
    /// and stays there.
    pub(crate) async fn run<F, R>(self: Arc<Self>, socket: TcpListener, desks: Vec<Desk<F>>)
    where
        F: Fn(Request<Incoming>, IpAddr) -> R + Clone + Send + 'static,
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
            let admitted =
                accepted.and_then(|(stream, peer)| self.admit(stream.into_std()?, peer, &desks));
            if let Err(error) = admitted {
                // Out of descriptors, or the peer was gone already: either passes.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        for (stream, peer) in let_in(socket) {
            let _ = self.admit(stream, peer, &desks);
        }
        let all = u32::try_from(self.room.served).unwrap_or(u32::MAX);
        let _ = self.places.acquire_many(all).await;
    }

    fn admit<F, R>(
        self: &Arc<Self>,
        stream: net::TcpStream,
        peer: SocketAddr,
        desks: &[Desk<F>],
    ) -> io::Result<()>
    where
        F: Fn(Request<Incoming>, IpAddr) -> R + Clone + Send + 'static,
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
            // A client of IPv4 comes with an address of IPv6 where one socket has both.
            let peer = peer.ip().to_canonical();
            // What tells that bytes have come belongs to the runtime that waits for them.
            desk.runtime.spawn(async move {
                let _open = open;
                let phase = listener.phase.clone();
                match TcpStream::from_std(stream) {
                    Ok(stream) => {
                        let connections = &listener.connections;
                        connections.serve(stream, peer, answer, phase).await;
                    }
                    Err(error) => tracing::warn!(%error, "a connection could not be served"),
                }
            });
        }
        Ok(())
    }
}

/// Closes the door. Who has been let in by the system already does not know that there is nobody behind it any more: the
/// system itself is asked for them, since the runtime may not have heard of the last ones yet.
fn let_in(socket: TcpListener) -> Vec<(net::TcpStream, SocketAddr)> {
    let Ok(socket) = socket.into_std() else {
        return Vec::new();
    };
    let waiting = std::iter::from_fn(|| socket.accept().ok());
    waiting
        .filter_map(|(stream, peer)| stream.set_nonblocking(true).ok().map(|()| (stream, peer)))
        .collect()
}

/// Says no, and reads a little of what the caller was going to say: closing over unread bytes would take the answer
/// away again.
async fn turn_away(mut stream: TcpStream, _place: OwnedSemaphorePermit) {
    let conversation = async {
        stream.write_all(&no_room()).await?;
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
