//! How long an instance lives, doing well.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use tokio::time::Sleep;
use wasmtime_wasi_http::handler::{WorkerExpiration, WorkerStatus};

/// An instance that has nothing to do for this long gives its memory back.
const IDLE: Duration = Duration::from_secs(10);

/// An instance may go on for this long after its last answer, to send the rest of a body.
const AFTERWARDS: Duration = Duration::from_secs(300);

/// The same where a request took too long. What became of it stays in the instance, since nobody can take its answer any
/// more; the place is needed for an instance that takes requests.
const OVERDUE: Duration = Duration::from_secs(1);

/// When an instance has to go although it did nothing wrong, or nothing at all.
pub(super) struct Lifetime {
    request_timeout: Duration,
    /// A request took too long.
    overdue: Arc<AtomicBool>,
    timer: Pin<Box<Sleep>>,
}

impl Lifetime {
    pub(super) fn new(request_timeout: Duration, overdue: Arc<AtomicBool>) -> Self {
        Self {
            request_timeout,
            overdue,
            timer: Box::pin(tokio::time::sleep(IDLE)),
        }
    }
}

impl WorkerExpiration for Lifetime {
    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        status: WorkerStatus,
        since: Instant,
    ) -> Poll<()> {
        let limit = match status {
            WorkerStatus::Idle => IDLE,
            // Each request has its own, shorter limit; this one is for a guest that does not let it be seen.
            WorkerStatus::Requests => self.request_timeout + Duration::from_secs(1),
            WorkerStatus::PostReturn if self.overdue.load(Ordering::Acquire) => OVERDUE,
            WorkerStatus::PostReturn => AFTERWARDS,
        };
        let deadline = (since + limit).into();
        // A request moves the deadline three times, and to set a timer costs more than to be woken early once in a while.
        if self.timer.deadline() > deadline {
            self.timer.as_mut().reset(deadline);
        }
        while self.timer.as_mut().poll(cx).is_ready() {
            if self.timer.deadline() >= deadline {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}
