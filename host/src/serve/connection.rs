//! One connection, from its first byte to its end: idle, busy, draining. It does not know what is asked.

use std::{convert::Infallible, future::Future, net::IpAddr, pin::pin, sync::Arc, time::Duration};

use http::{Request, Response};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    net::TcpStream,
    sync::{Notify, watch},
    time::{Instant, sleep, sleep_until},
};

use super::{
    body::Body,
    listener::Phase,
    progress::{Answered, Due, Progress, Times},
    watched::Watched,
};
use crate::config::model::Limits;

/// Streams that one HTTP/2 connection may have open.
const STREAMS: u32 = 128;

/// Pause after which a silent HTTP/2 peer gets a ping.
const PING: Duration = Duration::from_secs(30);

/// Header fields of one request.
const FIELDS: usize = 100;

/// Time for a connection's first request after the drain has begun, and for its end after an idle time.
const LATE: Duration = Duration::from_secs(1);

/// Settings of every connection of a listener.
pub(super) struct Connections {
    http: auto::Builder<TokioExecutor>,
    times: Times,
}

impl Connections {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            http: http(limits),
            times: Times::of(limits),
        }
    }

    /// Serves a connection to its end.
    pub(super) async fn serve<F, R>(
        &self,
        stream: TcpStream,
        peer: IpAddr,
        answer: F,
        mut phase: watch::Receiver<Phase>,
    ) where
        F: Fn(Request<Incoming>, IpAddr) -> R + Clone + Send + 'static,
        R: Future<Output = Response<Body>> + Send + 'static,
    {
        let progress = Progress::new(Instant::now());
        let first = Arc::new(Notify::new());
        let (reported, begun) = (progress.clone(), Arc::clone(&first));
        let service = service_fn(move |request: Request<Incoming>| {
            let under_way = reported.begin(request.version());
            if reported.asked() == 1 {
                begun.notify_one();
            }
            let answer = answer(request, peer);
            async move {
                let answered = answer.await.map(|body| Answered {
                    body,
                    _under_way: under_way,
                });
                Ok::<_, Infallible>(answered)
            }
        });
        let socket = TokioIo::new(Watched::new(stream, progress.clone()));
        let mut connection = pin!(self.http.serve_connection(socket, service));
        let mut look = pin!(sleep_until(Instant::now()));
        let mut closing = false;
        // Begins to count when a connection that has asked nothing meets the drain.
        let mut late = pin!(sleep(LATE));
        let mut awaited = false;
        loop {
            tokio::select! {
                _ = connection.as_mut() => return,
                () = &mut look => match progress.due(Instant::now(), self.times) {
                    Due::Later(then) => look.as_mut().reset(then),
                    Due::Head => return,
                    Due::Idle if closing => return,
                    Due::Idle => {
                        closing = true;
                        connection.as_mut().graceful_shutdown();
                        let grace = progress.grace(self.times, LATE);
                        look.as_mut().reset(Instant::now() + grace);
                    }
                },
                _ = phase.changed() => match *phase.borrow_and_update() {
                    Phase::Serving => {}
                    Phase::Draining if progress.asked() == 0 => {
                        late.as_mut().reset(Instant::now() + LATE);
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

fn http(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        // Its own counts from the end of the answer before, not from the first byte of a request.
        .header_read_timeout(None)
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
