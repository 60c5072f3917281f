//! `cargo xtask docs`: the documents that are written by the program they describe.

use std::{fs, process::Command};

use anyhow::{Context, Result, ensure};

use crate::{
    build::{self, Profile},
    cargo::Workspace,
    term,
};

const CONFIGURATION: &str = "docs/configuration.md";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write nothing; fail if a document is not what it should be
    #[arg(long)]
    check: bool,
}

pub(crate) fn docs(workspace: &Workspace, args: &Args) -> Result<()> {
    let binary = build::host_as_it_is(workspace, Profile::Dev)?;
    let output = Command::new(binary)
        .args(["config", "--document"])
        .output()?;
    ensure!(
        output.status.success(),
        "`cairn config --document` failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let file = workspace.root.join(CONFIGURATION);
    if fs::read(&file).is_ok_and(|written| written == output.stdout) {
        term::result(&format!("{CONFIGURATION} is up to date"));
        return Ok(());
    }
    ensure!(
        !args.check,
        "{CONFIGURATION} is out of date: run `cargo xtask docs`"
    );
    fs::write(&file, output.stdout)
        .with_context(|| format!("{CONFIGURATION} cannot be written"))?;
    term::result(&format!("{CONFIGURATION} written"));
    Ok(())
}
