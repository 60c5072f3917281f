//! Moves the bytes of a connection until it is closed, and has a server stop what nobody waits for any more. It knows
//! nothing of statements.

use std::{convert::Infallible, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, oneshot},
    time::{Instant, sleep, timeout, timeout_at},
};
use tokio_postgres::CancelToken;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::connector::Moving;

/// For the way to a server that is told to stop, or that one is leaving.
const PATIENCE: Duration = Duration::from_secs(5);

/// Before it is told again.
const PAUSE: Duration = Duration::from_millis(250);

/// What a server needs to end its side of a connection that was closed. Nobody is told when it has.
const FAREWELL: Duration = Duration::from_millis(50);

/// How a server is told to stop what a connection asked of it: over another one.
pub(super) struct Stop {
    pub(super) token: CancelToken,
    pub(super) tls: MakeRustlsConnect,
}

impl Stop {
    /// Tells it again and again: what is told before the statement has begun is not heard.
    async fn insist(self) -> Infallible {
        loop {
            let telling = self.token.cancel_query(self.tls.clone());
            if let Ok(Err(error)) = timeout(PATIENCE, telling).await {
                tracing::debug!(%error, "the database was not told to stop a statement");
            }
            sleep(PAUSE).await;
        }
    }
}

/// What a driver is told when its connection is left.
#[derive(Default)]
pub(super) struct Leave {
    /// When the answer is due that it was left in the middle of.
    pub(super) due: Option<Instant>,
    /// Whoever had it had this, and nobody else gets it before the connection is closed.
    pub(super) place: Option<OwnedSemaphorePermit>,
}

/// Runs until the connection is closed, and holds `seat` until then: a server that is still at work is not free for
/// another connection.
pub(super) fn drive(
    moving: Moving,
    stop: Stop,
    seat: OwnedSemaphorePermit,
) -> oneshot::Sender<Leave> {
    let (leave, told) = oneshot::channel();
    tokio::spawn(async move {
        let place = closed(moving, stop, told).await;
        sleep(FAREWELL).await;
        drop((seat, place));
    });
    leave
}

async fn closed(
    mut moving: Moving,
    stop: Stop,
    told: oneshot::Receiver<Leave>,
) -> Option<OwnedSemaphorePermit> {
    let leave = tokio::select! {
        ended = &mut moving => {
            if let Err(failure) = ended {
                tracing::debug!(%failure, "a database connection was lost");
            }
            return None;
        }
        told = told => told.unwrap_or_default(),
    };
    match leave.due {
        None => drop(timeout(PATIENCE, moving).await),
        // By then the server has given the statement up by itself, if it is there.
        Some(due) => tokio::select! {
            _ = timeout_at(due, moving) => {}
            never = stop.insist() => match never {},
        },
    }
    leave.place
}
