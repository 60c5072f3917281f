//! Connections of this process to the database, counted for metrics.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Connections at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connections {
    pub open: usize,
    /// Of the open ones those that no request uses.
    pub idle: usize,
    /// Requests that wait for one.
    pub waiting: usize,
    /// The most that may be open.
    pub limit: usize,
}

/// A request that is counted as waiting until it is dropped.
pub(super) struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    pub(super) fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
