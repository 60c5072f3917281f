//! The steps of `cargo xtask test`, in their order: what each is called, how long it takes, what it needs.

use crate::build;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Step {
    /// Formatting
    Fmt,
    /// Lints, for the machine and for wasm
    Clippy,
    /// Build of the component
    Component,
    /// Build of the native host with the component inside
    Host,
    /// Unit tests, the store suite, the router and the host in process, the shape of the tree
    Unit,
    /// The black-box suite against the native host
    Blackbox,
    /// The black-box suite against the native host on Postgres
    Postgres,
    /// The store suite and the comparison of engines on the newest Postgres
    Versions,
    /// The short form of the chaos: databases, disks, upstreams and replicas that fail
    Chaos,
    /// The black-box suite against Spin
    Spin,
    /// The short form of the bench: no times, only what is counted
    Bench,
}

impl Step {
    pub(super) const ALL: [Self; 11] = [
        Self::Fmt,
        Self::Clippy,
        Self::Component,
        Self::Host,
        Self::Unit,
        Self::Blackbox,
        Self::Postgres,
        Self::Versions,
        Self::Chaos,
        Self::Spin,
        Self::Bench,
    ];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Fmt => "formatting",
            Self::Clippy => "lints",
            Self::Component => "build of the component",
            Self::Host => "build of the native host",
            Self::Unit => "unit, store suite, in process",
            Self::Blackbox => "black box against the native host",
            Self::Postgres => "black box on Postgres",
            Self::Versions => "other versions of Postgres",
            Self::Chaos => "chaos",
            Self::Spin => "black box against Spin",
            Self::Bench => "bench, short form",
        }
    }

    /// How long it takes from nothing.
    pub(super) fn about(self) -> String {
        match self {
            Self::Fmt => "a few seconds".to_owned(),
            Self::Clippy => format!("from nothing {}", build::about(10)),
            Self::Component => format!("from nothing {}", build::about(2)),
            Self::Host => format!("from nothing {}", build::about(20)),
            Self::Unit => format!("from nothing {}", build::about(6)),
            Self::Blackbox => "about 3 min".to_owned(),
            Self::Chaos => "about 2 min".to_owned(),
            Self::Postgres | Self::Versions | Self::Spin | Self::Bench => "about 1 min".to_owned(),
        }
    }

    /// Steps without which this one has nothing to work with.
    pub(super) fn needs(self) -> &'static [Self] {
        match self {
            Self::Fmt | Self::Clippy | Self::Component => &[],
            Self::Host => &[Self::Component],
            Self::Unit
            | Self::Blackbox
            | Self::Postgres
            | Self::Versions
            | Self::Chaos
            | Self::Spin
            | Self::Bench => &[Self::Component, Self::Host],
        }
    }
}
