//! `cargo xtask bench`: builds what is measured and starts the programme that measures it, `host/benches/measure`.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};

use crate::{
    build::{self, Profile},
    cargo::{self, Workspace},
    term,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Few records and fractions of a second, on a dev build: shows that everything works, judges only what is counted
    #[arg(long)]
    short: bool,
    /// Exit with 1 when something misses what it must reach
    #[arg(long)]
    check: bool,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Only this group of rows: sync, unchanged, throughput, paging, search, memory, start, size; may be given several
    /// times
    #[arg(long, value_name = "GROUP")]
    only: Vec<String>,
    /// Make the databases anew that are measured on
    #[arg(long)]
    fresh: bool,
}

/// Ends with the exit code of the programme.
pub(crate) fn bench(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let profile = if args.short {
        Profile::Dev
    } else {
        Profile::Release
    };
    let wasm = build::component(workspace)?;
    let binary = build::host(workspace, profile, &wasm)?;
    let programme = programme(workspace, profile)?;
    let folder = workspace.target.join("bench");
    if args.fresh && folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    term::step("measuring (the whole table takes about 10 min)");
    let mut measure = std::process::Command::new(&programme);
    measure
        .arg("--binary")
        .arg(binary)
        .arg("--component")
        .arg(wasm)
        .arg("--folder")
        .arg(folder);
    for (flag, given) in [
        ("--short", args.short),
        ("--check", args.check),
        ("--json", args.json),
    ] {
        if given {
            measure.arg(flag);
        }
    }
    for group in &args.only {
        measure.args(["--only", group]);
    }
    let status = measure
        .status()
        .with_context(|| format!("{} does not start", programme.display()))?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Builds the programme, with the component inside as the host has it.
fn programme(workspace: &Workspace, profile: Profile) -> Result<PathBuf> {
    term::step("the programme that measures");
    let mut build = workspace.cargo();
    build.args(["build", "--bench", "measure"]);
    match profile {
        Profile::Dev => build.arg("--workspace"),
        Profile::Release => build.args(["--release", "--package", "cairn"]),
    };
    build::embed(&mut build, &build::artifact(workspace, profile));
    cargo::artifact(&mut build, "measure", "")
}
