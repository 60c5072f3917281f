//! How it is shipped: the image's root folder, the chart, the manifests, the alerts. Everything is rendered by the tools
//! that operators use, and what is rendered is run where a process can stand for a pod. No test needs a cluster.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "failing loudly is a test's purpose"
)]

mod api_server;
mod chart;
mod commands;
mod crd;
mod dashboard;
mod dockerfile;
mod guides;
mod image;
mod manifest;
mod monitoring;
mod picture;
mod pod;
mod policy;
mod presets;
mod prometheus;
mod promql;
mod release;
mod rolling;
mod scale;
mod schemas;
mod stage;
mod terraform;
mod texts;
mod tool;
mod workflows;
mod workload;
