//! `cairn config`: the values in force.

use std::process::ExitCode;

use anyhow::Result;
use clap::ValueEnum;

use super::{out, settings::Settings};
use crate::config::{self, Config, Overrides};

/// Print the effective configuration, with secrets masked.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    settings: Settings,
    #[arg(long, value_enum, default_value = "yaml")]
    format: Format,
    /// Print the reference of all keys instead
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
        Format::Yaml => config::effective(&config) + &secrets(&config),
        Format::Json => config::effective_json(&config),
    };
    out::line(text.trim_end());
    Ok(ExitCode::SUCCESS)
}

/// Comments on settings that are in force and not shown.
fn secrets(config: &Config) -> String {
    let server = &config.database.server;
    let given = [
        ("database.password", server.password.is_some()),
        (
            "database.migrationPassword",
            server.migration_password.is_some(),
        ),
        ("database.readUrl", server.read_url.is_some()),
    ];
    let given = given.iter().filter(|(_, is_given)| *is_given);
    let mut text: String = given
        .map(|(key, _)| format!("# {key} is given and not shown\n"))
        .collect();
    let postgres = config.database.postgres.as_ref();
    let logins = postgres.map(|server| [&server.login, &server.migration]);
    let looked_up =
        logins.is_some_and(|logins| logins.iter().any(|login| login.password.is_none()));
    if let (true, Some(file)) = (
        looked_up,
        postgres.and_then(|server| server.password_file.as_ref()),
    ) {
        let state = if file.exists() {
            ""
        } else {
            ", which is not there"
        };
        text += &format!(
            "# passwords that are not given are looked up in {}{state}\n",
            file.display()
        );
    }
    text
}
