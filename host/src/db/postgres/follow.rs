//! Notices commits of others: the server's notice tells at once, and a look at the generations now and then finds what a
//! lost notice did not tell.

use std::{
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;
use tokio_postgres::{AsyncMessage, Client};

use super::{connector::Moving, failure::Failure, pool::Pool};

/// What a migration's trigger notifies.
const CHANNEL: &str = "LISTEN cairn_generation";

/// Equal texts mean equal generations.
const LOOK: &str =
    "SELECT string_agg(namespace || ' ' || value, ' ' ORDER BY namespace) FROM generation";

/// Between two looks, and before a lost connection is made anew.
const PERIOD: Duration = Duration::from_millis(500);

/// Moves `generation` with every change, for ever.
pub(super) async fn follow(pool: Arc<Pool>, generation: Arc<AtomicU64>) {
    let mut seen = None;
    loop {
        let end = listen(&pool, &generation, &mut seen).await;
        if let Err(failure) = end {
            tracing::debug!(
                ?failure,
                "commits of others go unnoticed until the database answers"
            );
        }
        tokio::time::sleep(PERIOD).await;
    }
}

/// Looks at every notice and now and then, until the connection is lost.
async fn listen(
    pool: &Pool,
    generation: &AtomicU64,
    seen: &mut Option<String>,
) -> Result<(), Failure> {
    let (client, moving) = pool.connector().connect().await?;
    let noticed = Arc::new(Notify::new());
    // Ends with the client, which closes the connection when it is dropped.
    tokio::spawn(notices(moving, Arc::clone(&noticed)));
    client.batch_execute(CHANNEL).await?;
    loop {
        let found = look(&client).await?;
        if found != *seen {
            *seen = found;
            generation.fetch_add(1, Ordering::AcqRel);
        }
        let _ = tokio::time::timeout(PERIOD, noticed.notified()).await;
    }
}

/// The generations; none as long as there is no schema.
async fn look(client: &Client) -> Result<Option<String>, Failure> {
    match client.query_one(LOOK, &[]).await {
        Ok(row) => row.try_get(0).map_err(Failure::from),
        Err(failure) if failure.as_db_error().is_some() => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}

/// Moves the connection's bytes and wakes whoever waits for a notice.
async fn notices(mut moving: Moving, noticed: Arc<Notify>) {
    while let Some(Ok(message)) = poll_fn(|cx| moving.poll_message(cx)).await {
        if matches!(message, AsyncMessage::Notification(_)) {
            noticed.notify_one();
        }
    }
    noticed.notify_one();
}
