//! `cairn sleep SECONDS`: a preStop hook for an image without a shell. It gives load balancers the time to hear that the
//! pod is going before the server stops accepting; a cluster from 1.30 on can do the same by itself.

use std::{process::ExitCode, thread, time::Duration};

use anyhow::Result;

/// Wait, and exit with 0.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[arg(value_parser = clap::value_parser!(u64).range(0..=3600))]
    seconds: u64,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    thread::sleep(Duration::from_secs(args.seconds));
    Ok(ExitCode::SUCCESS)
}
