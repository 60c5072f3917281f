//! `cairn version`: what this binary is.

use std::process::ExitCode;

use anyhow::Result;
use clap::ValueEnum;

use super::out;
use crate::version::Version;

/// Print the version.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let version = Version::current();
    match args.format {
        Format::Json => out::line(serde_json::to_string(&version)?),
        Format::Text => out::line(format_args!(
            "cairn {} (commit {}, built {}, rust {}, {})",
            version.version,
            version.commit,
            version.build_date,
            version.rust_version,
            version.platform
        )),
    }
    Ok(ExitCode::SUCCESS)
}
