//! What the host says about itself: log lines and metrics.

pub mod access;
mod counted;
pub mod log;
pub mod metrics;
pub mod sources;
mod standby;
