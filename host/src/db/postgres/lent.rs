//! A connection in somebody's hands. It goes back by itself.

use std::sync::Arc;

use cairn_registry::store::Value;
use tokio::{runtime::Handle, sync::OwnedSemaphorePermit};

use super::{connection::Connection, failure::Failure, pool::Pool, values::Answer};

/// A connection that goes back when it is dropped; one that is inside a transaction is rolled back first.
pub(super) struct Lent {
    held: Option<Connection>,
    pool: Arc<Pool>,
}

impl Lent {
    pub(super) fn new(
        mut connection: Connection,
        place: OwnedSemaphorePermit,
        pool: Arc<Pool>,
    ) -> Self {
        connection.place = Some(place);
        Self {
            held: Some(connection),
            pool,
        }
    }

    /// It is there as long as this is.
    pub(super) fn connection(&mut self) -> Result<&mut Connection, Failure> {
        let held = self.held.as_mut();
        held.ok_or_else(|| Failure::Unsent("a connection that was given back".to_owned()))
    }

    pub(super) async fn query(
        &mut self,
        sql: &str,
        parameters: &[Value],
    ) -> Result<Answer, Failure> {
        self.connection()?.query(sql, parameters).await
    }

    pub(super) fn is_good(&self) -> bool {
        self.held.as_ref().is_some_and(Connection::is_good)
    }

    /// Whether it has to be rolled back before somebody else gets it.
    pub(super) fn set_in_transaction(&mut self, is_inside: bool) {
        if let Some(connection) = &mut self.held {
            connection.in_transaction = is_inside;
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(connection) = self.held.take() else {
            return;
        };
        let pool = Arc::clone(&self.pool);
        if !connection.in_transaction || !connection.is_good() {
            pool.take_back(connection);
            return;
        }
        // Whoever held it is gone, in the middle of its work.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(rolled_back(connection, pool));
        }
    }
}

async fn rolled_back(mut connection: Connection, pool: Arc<Pool>) {
    if connection.simple("ROLLBACK").await.is_ok() {
        connection.in_transaction = false;
        pool.take_back(connection);
    }
}
