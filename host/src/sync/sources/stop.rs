//! The one signal that ends all passes.

use std::sync::Arc;

use tokio::sync::watch;

/// Set once, seen by all clones.
#[derive(Debug, Clone)]
pub(crate) struct Stop(Arc<watch::Sender<bool>>);

impl Default for Stop {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Stop {
    pub(crate) fn set(&self) {
        self.0.send_replace(true);
    }

    pub(crate) fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when it is set.
    pub(crate) async fn wait(&self) {
        // The sender lives in `self`, so that the only way out is the value.
        let _ = self.0.subscribe().wait_for(|set| *set).await;
    }
}
