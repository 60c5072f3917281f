//! `cargo xtask`: every chore of the project is one verb, and every verb is one file. It starts other programs and tells
//! what they do; it links nothing of the project, so that it is built in a minute on an empty machine.

mod announce;
mod bench;
mod build;
mod cargo;
mod docs;
mod http;
mod image;
mod postgres;
mod record_sql;
mod run;
mod spin_db;
mod term;
mod test;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::cargo::Workspace;

/// The chores of cairn. New here? `cargo xtask run` shows it, `cargo xtask test` checks it.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", after_help = AFTER)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

const AFTER: &str = "\
Each verb works from any folder of the project and needs git, a C compiler and rustup's toolchain.
What is built lies in target/ (or CARGO_TARGET_DIR), what `run` stores in .cairn/: both can be deleted at any time.";

#[derive(Subcommand)]
enum Verb {
    /// Build everything, then serve the sample catalog on 127.0.0.1:8080. Start here
    Run(run::Args),
    /// Run every test; CI runs exactly this
    Test(test::Args),
    /// Build the component, put it into the native host and say where the binary lies
    Build(build::Args),
    /// Build the image's static binary and test it in the image's root folder
    Image,
    /// Measure speed, memory and size against what they must reach
    Bench(bench::Args),
    /// Write docs/configuration.md from the tables in host/src/config
    Docs(docs::Args),
    /// Record the SQL of this version in host/tests/released, once it is to be released; later schemas are tried with it
    RecordSql,
    /// Build the component and fill .spin/sqlite_db.db, so that `spin up` has something to serve
    SpinDb(spin_db::Args),
    #[command(hide = true)]
    Announce(announce::Args),
}

fn main() -> ExitCode {
    match perform(Cli::parse().verb) {
        Ok(code) => code,
        Err(error) => {
            term::error(&error);
            ExitCode::FAILURE
        }
    }
}

fn perform(verb: Verb) -> anyhow::Result<ExitCode> {
    if let Verb::Announce(args) = verb {
        announce::announce(&args);
        return Ok(ExitCode::SUCCESS);
    }
    let workspace = Workspace::find()?;
    match verb {
        Verb::Run(args) => run::run(&workspace, &args)?,
        Verb::Test(args) => return test::test(&workspace, &args),
        Verb::Build(args) => build::build(&workspace, &args)?,
        Verb::Bench(args) => return bench::bench(&workspace, &args),
        Verb::Image => image::image(&workspace)?,
        Verb::Docs(args) => docs::docs(&workspace, &args)?,
        Verb::RecordSql => record_sql::record_sql(&workspace)?,
        Verb::SpinDb(args) => spin_db::spin_db(&workspace, &args)?,
        Verb::Announce(_) => {}
    }
    Ok(ExitCode::SUCCESS)
}
