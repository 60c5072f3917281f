//! `cargo xtask bench`: builds what is measured and starts the programme that measures it, `host/measure`.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context, Result};

use crate::{
    build::{self, Profile},
    cargo::{self, Workspace},
    term,
};

/// The programme and its package. A package of its own, because what tests of the host need would have wasmtime built a
/// second time with other features.
const MEASURE: &str = "cairn-measure";

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
    /// Only this group of rows: sync, unchanged, throughput, paging, search, postgres, fairness, memory, start, size; may
    /// be given several times
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
    let folder = folder(workspace);
    if args.fresh && folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    let mut measure = measure(workspace, profile, &wasm, &binary)?;
    measure.args(args.flags());
    term::step(&format!("measuring ({})", args.about()));
    let status = measure.status().context("what was built does not start")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

impl Args {
    /// What the programme is told of this.
    fn flags(&self) -> Vec<&str> {
        let flags = [
            ("--short", self.short),
            ("--check", self.check),
            ("--json", self.json),
        ];
        let given = flags.into_iter().filter(|(_, given)| *given);
        let only = self.only.iter().flat_map(|group| ["--only", group]);
        given.map(|(flag, _)| flag).chain(only).collect()
    }

    fn about(&self) -> &'static str {
        match (self.short, self.only.is_empty()) {
            (true, _) => "less than a minute",
            (false, true) => "the whole table takes about 15 min",
            (false, false) => "some minutes",
        }
    }
}

/// Where databases are kept from run to run.
fn folder(workspace: &Workspace) -> PathBuf {
    workspace.target.join("bench")
}

/// The programme, built with the component inside as the host has it, and told where everything lies.
pub(crate) fn measure(
    workspace: &Workspace,
    profile: Profile,
    wasm: &Path,
    binary: &Path,
) -> Result<Command> {
    term::step("the programme that measures");
    let mut build = workspace.cargo();
    build.args(["build", "--bin", MEASURE]);
    match profile {
        Profile::Dev => build.arg("--workspace"),
        Profile::Release => build.args(["--release", "--package", MEASURE]),
    };
    build::embed(&mut build, &build::artifact(workspace, profile));
    let mut measure = Command::new(cargo::artifact(&mut build, MEASURE, "")?);
    workspace.tell_records(&mut measure);
    for (flag, file) in [
        ("--binary", binary),
        ("--component", wasm),
        ("--folder", &folder(workspace)),
    ] {
        measure.arg(flag).arg(file);
    }
    Ok(measure)
}
