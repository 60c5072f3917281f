//! `cairn version`: what this binary is.

use std::process::ExitCode;

use anyhow::Result;
use clap::ValueEnum;

use super::out;
use crate::version;

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
    let version = version::document();
    match args.format {
        Format::Json => out::line(version),
        Format::Text => {
            for (name, value) in version.as_object().into_iter().flatten() {
                out::line(format_args!("{name:<13} {}", value.as_str().unwrap_or_default()));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
