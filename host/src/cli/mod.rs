//! The command line: one file per command, each thin. Answers go to stdout, everything else to stderr; the exit code is 0
//! for done, 1 for failed, 2 for a call that cannot be understood.

mod backup;
mod compile;
mod config;
mod doctor;
mod export;
mod healthcheck;
mod import;
mod migrate;
mod out;
mod progress;
mod reload;
mod report;
mod restore;
mod serve;
mod settings;
mod sleep;
mod sync;
mod version;

use std::{env, ffi::OsString, path::Path, process::ExitCode};

use clap::{Parser, Subcommand};

/// One lightweight registry for what an AI platform has to find.
#[derive(Debug, Parser)]
#[command(name = "cairn", version, about, arg_required_else_help = true, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  cairn serve --config config.yaml                 serve on the configured address, with the sync daemon
  cairn sync --config config.yaml --once --report  read every source once and say what came of it
  cairn migrate status --config config.yaml        which schema steps the database has
  cairn backup --config config.yaml copy.db        a copy of the database, while it is in use
  cairn doctor --config config.yaml                what is wrong, and what to do about it

Other names: linked as `thv-registry-api` it takes that program's command lines (serve, migrate up, migrate down,
version), linked as `healthcheck` the URL alone.

`cairn config --document` describes every key of the configuration; `cairn config` prints the values in force.";

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Args),
    Sync(sync::Args),
    #[command(subcommand)]
    Migrate(migrate::Command),
    Backup(backup::Args),
    Restore(restore::Args),
    Export(export::Args),
    Import(import::Args),
    Config(config::Args),
    Doctor(doctor::Args),
    Healthcheck(healthcheck::Args),
    Sleep(sleep::Args),
    Compile(compile::Args),
    Version(version::Args),
}

/// Runs the command that the process was called with.
pub fn main() -> ExitCode {
    crate::memory::sparing_allocator();
    // Chosen before anything can ask for it: a second provider in the process would make rustls refuse to choose.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let called = match Cli::try_parse_from(command_line(env::args_os())) {
        Ok(called) => called,
        Err(answer) => return told(&answer),
    };
    let done = match called.command {
        Command::Serve(args) => serve::run(&args),
        Command::Sync(args) => sync::run(&args),
        Command::Migrate(command) => migrate::run(&command),
        Command::Backup(args) => backup::run(&args),
        Command::Restore(args) => restore::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Config(args) => config::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Healthcheck(args) => healthcheck::run(&args),
        Command::Sleep(args) => sleep::run(&args),
        Command::Compile(args) => compile::run(&args),
        Command::Version(args) => version::run(&args),
    };
    out::ended(done.unwrap_or_else(|error| {
        out::error(&error);
        ExitCode::FAILURE
    }))
}

/// Writes help, or what is wrong with the call.
fn told(answer: &clap::Error) -> ExitCode {
    out::note(answer.print());
    out::ended(ExitCode::from(
        u8::try_from(answer.exit_code()).unwrap_or(2),
    ))
}

/// A process called `healthcheck` is that command; by any other name it is `cairn`, whose commands include those of
/// its predecessor.
fn command_line(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut args: Vec<OsString> = args.into_iter().collect();
    let is_healthcheck = args
        .first()
        .and_then(|name| Path::new(name).file_name())
        .is_some_and(|name| name == "healthcheck");
    if is_healthcheck {
        args.insert(0, "cairn".into());
        if let Some(name) = args.get_mut(1) {
            *name = "healthcheck".into();
        }
    }
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_process_may_be_the_command() {
        for (called, understood) in [
            (&["cairn", "serve"][..], &["cairn", "serve"][..]),
            (
                &["/usr/local/bin/thv-registry-api", "migrate", "up"],
                &["/usr/local/bin/thv-registry-api", "migrate", "up"],
            ),
            (
                &["/usr/local/bin/healthcheck", "http://x/livez"],
                &["cairn", "healthcheck", "http://x/livez"],
            ),
            (&["healthcheck"], &["cairn", "healthcheck"]),
            (&[], &[]),
        ] {
            let called = called.iter().map(OsString::from);
            assert_eq!(command_line(called), understood);
        }
    }
}
