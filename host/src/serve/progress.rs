//! Progress of a connection: requests under way, bytes that came and went, and the times that follow. Nothing here reads or
//! writes; the socket ([`Watched`](super::watched)) and the requests of the connection report.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::time::Instant;
use wasmtime_wasi_http::Error;

use super::body::Body;
use crate::config::model::Limits;

/// First bytes of every HTTP/2 connection.
const PREFACE: &[u8] = b"PRI * HTTP/2.0";

/// Shortest time between two looks at a connection.
const SHORTEST: Duration = Duration::from_millis(10);

/// Times that a connection may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// From the first byte of a request to the end of its head.
    pub(super) header: Duration,
    /// From the last answer, or the last byte that the client took of it, to the next request.
    pub(super) idle: Duration,
}

impl Times {
    pub(super) fn of(limits: &Limits) -> Self {
        Self {
            header: limits.header_timeout,
            idle: limits.idle_timeout,
        }
    }
}

/// State of a connection's times at one moment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing to do before this moment.
    Later(Instant),
    /// The head of a request takes too long.
    Head,
    /// No request is under way, and the last one is too long ago.
    Idle,
}

/// Shared by the socket and the requests of one connection.
#[derive(Debug, Clone)]
pub(super) struct Progress(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    protocol: Protocol,
    asked: u64,
    under_way: usize,
    /// Time of the first byte of a request whose head is not complete.
    head: Option<Instant>,
    /// Time of the last answer or byte sent.
    quiet: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Unknown,
    Http1,
    Http2,
}

impl Progress {
    pub(super) fn new(now: Instant) -> Self {
        Self(Arc::new(Mutex::new(State {
            protocol: Protocol::Unknown,
            asked: 0,
            under_way: 0,
            head: None,
            quiet: now,
        })))
    }

    /// Requests whose heads have come so far.
    pub(super) fn asked(&self) -> u64 {
        self.state().asked
    }

    /// Bytes have come.
    pub(super) fn received(&self, bytes: &[u8], now: Instant) {
        let mut state = self.state();
        if state.protocol == Protocol::Unknown {
            state.protocol = match bytes.starts_with(PREFACE) {
                true => Protocol::Http2,
                false => Protocol::Http1,
            };
        }
        // Frames of HTTP/2 are not requests.
        if state.protocol == Protocol::Http1 && state.under_way == 0 && state.head.is_none() {
            state.head = Some(now);
        }
    }

    /// The client has taken bytes.
    pub(super) fn sent(&self, now: Instant) {
        let mut state = self.state();
        // Over HTTP/2 it may have been a ping of ours.
        if state.protocol != Protocol::Http2 {
            state.quiet = now;
        }
    }

    /// A request is under way until the value is dropped.
    pub(super) fn begin(&self, version: http::Version) -> UnderWay {
        let mut state = self.state();
        state.asked += 1;
        state.under_way += 1;
        state.head = None;
        if version == http::Version::HTTP_2 {
            state.protocol = Protocol::Http2;
        }
        drop(state);
        UnderWay(self.clone())
    }

    pub(super) fn due(&self, now: Instant, times: Times) -> Due {
        let state = self.state();
        let soon = now + times.header.max(SHORTEST);
        if state.under_way > 0 {
            return Due::Later(soon);
        }
        let (begun, allowed, over) = match state.head {
            Some(begun) => (begun, times.header, Due::Head),
            None => (state.quiet, times.idle, Due::Idle),
        };
        let until = begun + allowed;
        if until <= now {
            return over;
        }
        // A request may begin at any time, and its head may take less than what is left.
        Due::Later(until.min(soon))
    }

    /// Time that a connection that is being closed may take to finish.
    pub(super) fn grace(&self, times: Times, short: Duration) -> Duration {
        match self.state().protocol {
            // Its last answers may wait for the client's window.
            Protocol::Http2 => times.idle,
            Protocol::Http1 | Protocol::Unknown => short,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request under way.
#[derive(Debug)]
pub(super) struct UnderWay(Progress);

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.under_way -= 1;
        state.quiet = Instant::now();
    }
}

/// A response's body; the request is under way as long as it is there.
pub(super) struct Answered {
    pub(super) body: Body,
    pub(super) _under_way: UnderWay,
}

impl hyper::body::Body for Answered {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http::Version;

    use super::*;

    const TIMES: Times = Times {
        header: Duration::from_secs(10),
        idle: Duration::from_secs(75),
    };

    fn after(begun: Instant, seconds: u64) -> Instant {
        begun + Duration::from_secs(seconds)
    }

    #[test]
    fn idle_time_counts_from_the_last_answer() {
        let begun = Instant::now();
        let progress = Progress::new(begun);
        assert_eq!(progress.due(after(begun, 75), TIMES), Due::Idle);
        progress.received(b"GET / HTTP/1.1\r\n\r\n", after(begun, 1));
        let request = progress.begin(Version::HTTP_11);
        let due = progress.due(after(begun, 500), TIMES);
        assert_eq!(due, Due::Later(after(begun, 510)), "a request is under way");
        drop(request);
        progress.sent(after(begun, 500));
        let due = progress.due(after(begun, 570), TIMES);
        assert_eq!(due, Due::Later(after(begun, 575)));
        assert_eq!(progress.due(after(begun, 575), TIMES), Due::Idle);
    }

    #[test]
    fn header_time_counts_from_the_first_byte() {
        let begun = Instant::now();
        let progress = Progress::new(begun);
        progress.received(b"G", after(begun, 60));
        progress.received(b"ET", after(begun, 69));
        assert_eq!(
            progress.due(after(begun, 69), TIMES),
            Due::Later(after(begun, 70))
        );
        assert_eq!(progress.due(after(begun, 70), TIMES), Due::Head);
    }

    #[test]
    fn frames_and_pings_of_http_2_are_neither_a_head_nor_an_answer() {
        let begun = Instant::now();
        let progress = Progress::new(begun);
        progress.received(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", begun);
        progress.received(b"\0\0\x08\x06", after(begun, 30));
        progress.sent(after(begun, 60));
        assert_eq!(
            progress.due(after(begun, 74), TIMES),
            Due::Later(after(begun, 75))
        );
        assert_eq!(progress.due(after(begun, 75), TIMES), Due::Idle);
        assert_eq!(progress.grace(TIMES, SHORTEST), TIMES.idle);
    }
}
