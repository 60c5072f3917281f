//! `cairn compile`: a component ahead of time, for the baseline CPU of this architecture.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;

use super::out;
use crate::guest;

/// Compile a component ahead of time, for any CPU of this architecture.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The component, a .wasm file
    component: PathBuf,
    /// Where the artifact goes, a .cwasm file
    artifact: PathBuf,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    guest::precompile(&args.component, &args.artifact)?;
    out::line(args.artifact.display());
    Ok(ExitCode::SUCCESS)
}
