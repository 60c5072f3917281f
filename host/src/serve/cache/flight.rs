//! One question at a time: when many ask for what is not kept, one asks the component and the others wait for what it
//! brings back.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::watch;

/// Questions under way, by key; clones share them.
#[derive(Clone, Default)]
pub(crate) struct Flights(Arc<Mutex<HashMap<u64, watch::Receiver<()>>>>);

/// Whose turn it is.
pub(crate) enum Turn {
    /// The caller asks; others wait as long as this lives.
    Ask(Flight),
    /// Somebody asks already. The receiver ends when they are done.
    Wait(watch::Receiver<()>),
}

/// A question under way.
pub(crate) struct Flight {
    all: Arc<Mutex<HashMap<u64, watch::Receiver<()>>>>,
    key: u64,
    _done: watch::Sender<()>,
}

impl Flights {
    pub(crate) fn join(&self, key: u64) -> Turn {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = all.get(&key) {
            return Turn::Wait(flight.clone());
        }
        let (done, waiting) = watch::channel(());
        all.insert(key, waiting);
        Turn::Ask(Flight {
            all: Arc::clone(&self.0),
            key,
            _done: done,
        })
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.all
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.key);
    }
}
