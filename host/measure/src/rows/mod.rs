//! What is measured, a file for each group of rows that share their preparations.

mod fairness;
mod memory;
mod paging;
mod postgres;
mod search;
mod size;
mod start;
mod sync;
mod throughput;
mod unchanged;

use std::{path::PathBuf, time::Duration};

use anyhow::Result;

use crate::{stock::Stock, table::Row};

/// Everything a measurement may need.
pub(crate) struct Bench {
    pub(crate) stock: Stock,
    /// The component as it was built, before it was compiled ahead of time.
    pub(crate) component: PathBuf,
    /// spin.toml.
    pub(crate) manifest: PathBuf,
    pub(crate) plan: Plan,
}

/// How large and how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) small: usize,
    pub(crate) middle: usize,
    pub(crate) large: usize,
    /// The page that is far from the first one.
    pub(crate) far: usize,
    /// Of one round of load.
    pub(crate) round: Duration,
    /// How often a process is started to see how long that takes.
    pub(crate) starts: usize,
    /// Writes that another replica has to notice.
    pub(crate) writes: usize,
    /// Runs whose slowest requests are compared.
    pub(crate) fair_runs: usize,
    /// Length of each of them.
    pub(crate) fair_run: Duration,
}

impl Plan {
    pub(crate) const FULL: Self = Self {
        small: 1000,
        middle: 120_000,
        large: 500_000,
        far: 1000,
        round: Duration::from_secs(3),
        starts: 9,
        writes: 200,
        fair_runs: 10,
        fair_run: Duration::from_secs(4),
    };

    /// Shows that everything works, and nothing about time.
    pub(crate) const SHORT: Self = Self {
        small: 1000,
        middle: 5000,
        large: 10_000,
        far: 100,
        round: Duration::from_millis(250),
        starts: 3,
        writes: 20,
        fair_runs: 2,
        fair_run: Duration::from_millis(250),
    };
}

/// A group of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Group {
    /// First sync: time and memory
    Sync,
    /// Sync of sources that have not changed
    Unchanged,
    /// A page of 30 against bare hyper, a native router and Spin
    Throughput,
    /// Far pages, recent changes, many records
    Paging,
    /// Terms of all kinds
    Search,
    /// On a Postgres server, against pgbench
    Postgres,
    /// The slowest requests of a run against its median
    Fairness,
    /// Resident memory, idle and under load
    Memory,
    /// Process start to first answer
    Start,
    /// Sizes of files
    Size,
}

impl Group {
    /// In the order of measuring: what makes databases comes first.
    pub(crate) const ALL: [Self; 10] = [
        Self::Sync,
        Self::Unchanged,
        Self::Throughput,
        Self::Paging,
        Self::Search,
        Self::Postgres,
        Self::Fairness,
        Self::Memory,
        Self::Start,
        Self::Size,
    ];

    pub(crate) async fn rows(self, bench: &Bench) -> Result<Vec<Row>> {
        match self {
            Self::Sync => sync::rows(bench).await,
            Self::Unchanged => unchanged::rows(bench).await,
            Self::Throughput => throughput::rows(bench).await,
            Self::Paging => paging::rows(bench).await,
            Self::Search => search::rows(bench).await,
            Self::Postgres => postgres::rows(bench).await,
            Self::Fairness => fairness::rows(bench).await,
            Self::Memory => memory::rows(bench).await,
            Self::Start => start::rows(bench).await,
            Self::Size => size::rows(bench),
        }
    }
}

/// Counts as people write them: 120,000.
fn thousands(number: usize) -> String {
    match number {
        0..1000 => number.to_string(),
        _ => format!("{},{:03}", thousands(number / 1000), number % 1000),
    }
}
