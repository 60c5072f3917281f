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

use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
    time::timeout,
};
use tokio_postgres::{AsyncMessage, Client};

use super::{
    connector::Moving,
    failure::{Failure, SILENT},
    pool::Pool,
};

/// What a migration's trigger notifies.
const CHANNEL: &str = "LISTEN cairn_generation";

/// Equal texts mean equal generations, and the sum is more with each of them.
pub const GENERATIONS: &str = "SELECT COALESCE(string_agg(namespace || ' ' || value, ' ' ORDER BY namespace), ''), \
                    COALESCE(sum(value), 0)::bigint FROM generation";

/// Between two looks, and before a lost connection is made anew.
pub(super) const PERIOD: Duration = Duration::from_millis(500);

/// A server that takes longer to tell its generations does not answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// The generations of a server; none as long as it has no schema.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Look {
    text: Option<String>,
    pub(super) sum: i64,
}

impl Look {
    pub(super) async fn at(client: &Client) -> Result<Self, Failure> {
        match bounded(client.query_one(GENERATIONS, &[])).await? {
            Ok(row) => Ok(Self {
                text: row.try_get(0)?,
                sum: row.try_get(1)?,
            }),
            Err(failure) if failure.as_db_error().is_some() => Ok(Self::default()),
            Err(failure) => Err(failure.into()),
        }
    }
}

async fn bounded<T>(answer: impl Future<Output = T>) -> Result<T, Failure> {
    timeout(PATIENCE, answer).await.map_err(|_| {
        Failure::Unreachable(
            SILENT,
            "timeout while looking at its generations".to_owned(),
        )
    })
}

/// Follows a primary for ever.
pub(super) struct Followed {
    pool: Arc<Pool>,
    /// Moves with every change.
    generation: Arc<AtomicU64>,
    /// What the primary shows; nothing as long as it does not answer.
    progress: watch::Sender<Option<Look>>,
}

impl Followed {
    /// With the place where its progress can be seen.
    pub(super) fn new(
        pool: &Arc<Pool>,
        generation: &Arc<AtomicU64>,
    ) -> (Self, watch::Receiver<Option<Look>>) {
        let (progress, seen) = watch::channel(None);
        let followed = Self {
            pool: Arc::clone(pool),
            generation: Arc::clone(generation),
            progress,
        };
        (followed, seen)
    }

    pub(super) async fn run(self) {
        loop {
            if let Err(failure) = self.listen().await {
                tracing::debug!(
                    ?failure,
                    "commits of others go unnoticed until the database answers"
                );
            }
            self.progress.send_replace(None);
            tokio::time::sleep(PERIOD).await;
        }
    }

    /// Looks at every notice and now and then, until the connection is lost. What an earlier connection showed counts for
    /// nothing: this one may lead to a server that took over, with a generation of the same number and another content.
    async fn listen(&self) -> Result<(), Failure> {
        let (client, moving) = self.pool.connector().connect().await?;
        let noticed = Arc::new(Notify::new());
        // Ends with this, whether the server takes the goodbye or not.
        let mut driver = JoinSet::new();
        driver.spawn(notices(moving, Arc::clone(&noticed)));
        bounded(client.batch_execute(CHANNEL)).await??;
        loop {
            let found = Some(Look::at(&client).await?);
            if self.progress.send_if_modified(|seen| {
                let is_new = *seen != found;
                seen.clone_from(&found);
                is_new
            }) {
                self.generation.fetch_add(1, Ordering::AcqRel);
            }
            let _ = timeout(PERIOD, noticed.notified()).await;
        }
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
