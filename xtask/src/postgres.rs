//! The Postgres that tests use: the one that `CAIRN_TEST_POSTGRES` names, else one started for them.

use std::path::Path;

use anyhow::{Result, anyhow};

/// Shared with the black-box tests, which start servers of their own to do them harm.
#[path = "../../tests/src/postgres.rs"]
#[expect(
    unreachable_pub,
    dead_code,
    reason = "a library has it too, for tests that do more with a server"
)]
mod server;

/// Where tests find it.
pub(crate) const URL: &str = "CAIRN_TEST_POSTGRES";

/// A server for the time of a run.
pub(crate) enum Postgres {
    Named(String),
    Started(server::Postgres),
}

impl Postgres {
    pub(crate) fn find() -> Result<Self> {
        match std::env::var(URL) {
            Ok(url) if !url.is_empty() => Ok(Self::Named(url)),
            _ => server::Postgres::start()
                .map(Self::Started)
                .map_err(|why| anyhow!(why)),
        }
    }

    /// One whose programs lie in that folder.
    pub(crate) fn of(programs: &Path) -> Result<Self> {
        server::Postgres::of(programs)
            .map(Self::Started)
            .map_err(|why| anyhow!(why))
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::Named(url) => url.clone(),
            Self::Started(server) => server.url(),
        }
    }
}

/// Whether there is one, or what it takes to start one.
pub(crate) fn can_be_had() -> bool {
    std::env::var_os(URL).is_some_and(|url| !url.is_empty()) || server::is_installed()
}
