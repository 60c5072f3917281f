//! What holds while databases, disks, upstreams and replicas fail. Each case is short here, and longer and repeated with
//! `CAIRN_CHAOS=long`, as `cargo xtask test --chaos` sets it. Every part is real: the binary, a Postgres of the case's
//! own, a file system that is full; only the network between them is a proxy that does as it is told.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "failing loudly is a test's purpose"
)]

mod failover;
mod full;
#[path = "../host/git_server.rs"]
#[allow(dead_code, reason = "fetches are counted elsewhere")]
mod git_server;
mod kill;
mod liar;
mod lies;
mod notice;
mod outage;
mod refused;
mod rolling;
mod slow;
mod stage;
mod swarm;
mod upstream;

#[test]
fn every_file_of_the_folder_is_a_module() {
    cairn_tests::modules::assert_all_listed("chaos", include_str!("main.rs"));
}
