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

/// For the way to a server that is told to stop.
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

/// Where a driver is told that its connection was left in the middle of an answer, and when that answer is due.
pub(super) type Left = oneshot::Sender<Instant>;

/// Runs until the connection is closed, and holds `seat` until then: a server that is still at work is not free for
/// another connection.
pub(super) fn drive(moving: Moving, stop: Stop, seat: OwnedSemaphorePermit) -> Left {
    let (left, told) = oneshot::channel();
    tokio::spawn(async move {
        if let Err(failure) = closed(moving, stop, told).await {
            tracing::debug!(%failure, "a database connection was lost");
        }
        sleep(FAREWELL).await;
        drop(seat);
    });
    left
}

/// By the time an answer is due the server has given the statement up by itself, if it is there. One that is not even
/// there to say goodbye is not waited for.
async fn closed(
    mut moving: Moving,
    stop: Stop,
    told: oneshot::Receiver<Instant>,
) -> Result<(), tokio_postgres::Error> {
    let told = tokio::select! {
        ended = &mut moving => return ended,
        told = told => told,
    };
    let Ok(due) = told else {
        return timeout(PATIENCE, moving).await.unwrap_or(Ok(()));
    };
    tokio::select! {
        ended = timeout_at(due, moving) => ended.unwrap_or(Ok(())),
        never = stop.insist() => match never {},
    }
}
