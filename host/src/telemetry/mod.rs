//! What the host says about itself: log lines, metrics and traces.

pub mod access;
mod counted;
mod database;
mod escape;
mod labels;
mod line;
pub mod log;
pub mod metrics;
pub mod sources;
mod standby;
pub mod trace;
