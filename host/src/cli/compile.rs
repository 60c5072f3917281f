//! `cairn compile`: a component ahead of time, for the baseline CPU of this architecture.

use std::{fs, io::Write, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};

use super::out;
use crate::{
    guest,
    output::{Access, Output, Protected, Replace},
};

/// Compile a component ahead of time, for any CPU of this architecture.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The component, a .wasm file
    component: PathBuf,
    /// Where the artifact goes, a .cwasm file
    artifact: PathBuf,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let component = args.component.display();
    let bytes = fs::read(&args.component).with_context(|| format!("reading {component}"))?;
    let protected = Protected::file(&args.component, "the component itself");
    let mut output = Output::with_access(&args.artifact, Replace::Yes, Access::Umask, &protected)?;
    let compiled = guest::compile(&bytes).with_context(|| format!("compiling {component}"))?;
    let written = output.write_all(&compiled);
    written.with_context(|| format!("writing {}", output.name()))?;
    let is_stdout = output.is_stdout();
    output.finish()?;
    out::done(is_stdout, args.artifact.display());
    Ok(ExitCode::SUCCESS)
}
