//! `cairn config`: the values in force.

use std::process::ExitCode;

use anyhow::Result;
use clap::ValueEnum;

use super::{out, settings::Settings};
use crate::config::{self, Overrides};

/// Print the effective configuration, with secrets masked.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    settings: Settings,
    #[arg(long, value_enum, default_value = "yaml")]
    format: Format,
    /// Print the reference of all keys instead (docs/configuration.md)
    #[arg(long)]
    document: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Yaml,
    Json,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    if args.document {
        out::line(config::document().trim_end());
        return Ok(ExitCode::SUCCESS);
    }
    let config = args.settings.load(Overrides::default())?;
    let text = match args.format {
        Format::Yaml => config::effective(&config),
        Format::Json => config::effective_json(&config),
    };
    out::line(text.trim_end());
    Ok(ExitCode::SUCCESS)
}
