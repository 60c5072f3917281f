//! What the black-box tests are written with: a plain HTTP client, a server to ask, the binary as an operator runs it,
//! and the fixtures as text. Nothing here knows a Rust type of the program under test, and nothing here asserts what
//! only one target does.
//!
//! | binary | asks | steered by |
//! |---|---|---|
//! | `blackbox` (`cases/`) | any target, for what every target must do | `CAIRN_TARGET`, `CAIRN_TEST_POSTGRES`; `BLESS=1` writes `errors.golden` anew |
//! | `host` (`host/`) | the native host, for what only it does | `CAIRN_TEST_DATA`, the folder of real records |
//! | `crash` (`crash/`) | what a killed daemon leaves behind | `CAIRN_CRASHES`, `CAIRN_SEED` |
//! | `chaos` (`chaos/`) | what holds while databases, disks, upstreams and replicas fail | `CAIRN_CHAOS=long` |
//! | `deploy` (`deploy/`) | what is shipped, as a cluster would run it | `CAIRN_TEST_POSTGRES`; `BLESS=1` draws `docs/dashboard.png` anew |
//!
//! All of them run the binary `CAIRN_BIN`, which `cargo xtask test` builds, else the one beside the tests. One that
//! carries no component is given that of `CAIRN_COMPONENT_WASM`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "all of this is test code: failing loudly is its purpose"
)]

pub mod answer;
pub mod client;
pub mod database;
pub mod everything;
pub mod fixture;
pub mod installation;
pub mod load;
pub mod modules;
pub mod otlp;
pub mod postgres;
pub mod process;
pub mod proxy;
pub mod raw;
pub mod server;
pub mod target;
pub mod upstream;
pub mod wait;

pub use answer::Answer;
pub use client::{Client, encode, resolve};
pub use everything::everything;
pub use installation::{Ended, Installation};
pub use postgres::{Postgres, Stop};
pub use proxy::Proxy;
pub use server::Server;
pub use target::target;
pub use upstream::Upstream;
pub use wait::until;
