//! Outcomes that the database did not take. They are kept here, so that loops, probes and metrics do not depend on rows that
//! could not be written; the log has one line when such a time begins and one when it ends.

use std::{
    collections::BTreeMap,
    fmt::Display,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// State of a source that its row does not show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    /// `failed` or `overruled`.
    pub(super) status: &'static str,
    pub(super) message: String,
    /// Attempts that failed since the row was last written.
    pub(super) failures: i64,
}

#[derive(Debug, Default)]
pub(super) struct Unwritten(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    announced: bool,
    sources: BTreeMap<String, State>,
}

impl Unwritten {
    /// Notes an attempt whose outcome could not be written.
    pub(super) fn failed(&self, name: &str, message: &str) {
        let mut inner = self.lock();
        let failures = inner.sources.get(name).map_or(0, |state| state.failures);
        let state = State {
            status: "failed",
            message: message.to_owned(),
            failures: failures.saturating_add(1),
        };
        inner.sources.insert(name.to_owned(), state);
    }

    /// Notes a source that this process leaves to others. Returns whether that is new.
    pub(super) fn overruled(&self, name: &str, message: &str) -> bool {
        let state = State {
            status: "overruled",
            message: message.to_owned(),
            failures: 0,
        };
        let before = self.lock().sources.insert(name.to_owned(), state.clone());
        before != Some(state)
    }

    /// Notes that a source's row shows what happened.
    pub(super) fn written(&self, name: &str) {
        self.lock().sources.remove(name);
    }

    /// Logs that the database takes no writes, unless the log says so already.
    pub(super) fn begin(&self, state: &str, error: &dyn Display) {
        if !std::mem::replace(&mut self.lock().announced, true) {
            tracing::error!(
                state,
                error = %error,
                "the database takes no writes: sources are read again when it does; `cairn doctor` says what to do"
            );
        }
    }

    /// Logs that the database takes writes again, if the log says otherwise.
    pub(super) fn end(&self) {
        if std::mem::replace(&mut self.lock().announced, false) {
            tracing::info!("the database takes writes again");
        }
    }

    pub(super) fn sources(&self) -> BTreeMap<String, State> {
        self.lock().sources.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
