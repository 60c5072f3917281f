//! `cargo xtask spin-db`: all that `spin up` needs. Spin only serves; the database it reads is written by `cairn`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;

use crate::{
    build::{self, Profile},
    cargo::{self, Workspace},
    run, term,
};

/// The file that Spin takes for the database `default`, below the manifest's folder.
const DATABASE: &str = ".spin/sqlite_db.db";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Configuration whose sources are read
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(crate) fn spin_db(workspace: &Workspace, args: &Args) -> Result<()> {
    let config = match &args.config {
        Some(file) => std::path::absolute(file)?,
        None => workspace.root.join(run::SAMPLE),
    };
    let wasm = build::component(workspace)?;
    let binary = build::host(workspace, Profile::Release, &wasm)?;
    build::for_spin(workspace, wasm)?;
    let database = workspace.root.join(DATABASE);
    if let Some(folder) = database.parent() {
        fs::create_dir_all(folder)?;
    }
    term::step(&format!("filling {DATABASE} by {}", config.display()));
    for verb in [&["migrate", "up", "--yes"][..], &["sync", "--once"]] {
        cargo::run(&mut cairn(workspace, &binary, verb, &config, &database))?;
    }
    term::result(&format!("{} is filled; now: spin up", database.display()));
    Ok(())
}

fn cairn(
    workspace: &Workspace,
    binary: &Path,
    verb: &[&str],
    config: &Path,
    database: &Path,
) -> Command {
    let mut command = Command::new(binary);
    command
        .current_dir(&workspace.root)
        .args(verb)
        .arg("--config")
        .arg(config)
        .env("CAIRN_DATABASE_PATH", database);
    build::unspoken(&mut command);
    command
}
