//! What only the native host does, asked of the real binary: cache, codings, limits, probes, metrics, life and death,
//! configuration, commands, and the sync daemon with its sources.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "failing loudly is a test's purpose"
)]

mod backup;
mod cache;
mod clocks;
mod codings;
mod config;
mod config_errors;
mod conversion;
mod dirt;
mod doctor;
mod first_start;
mod forwarded;
mod git;
mod git_server;
mod later;
mod leases;
mod lifetime;
mod limits;
mod metrics;
mod migrate;
mod mirror;
mod older_form;
mod outputs;
mod postgres;
mod probes;
mod real_data;
mod reload;
mod removals;
mod restore;
mod server_copies;
mod spoiled;
mod sync;
mod tls;
mod traces;
mod transfer;
mod turns;

#[test]
fn every_file_of_the_folder_is_a_module() {
    cairn_tests::modules::assert_all_listed("host", include_str!("main.rs"));
}
