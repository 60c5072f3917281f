//! `cairn restore`: a backup into the place of the database; for a server the commands that do it.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use serde_json::json;

use super::{backup, out, report::Format, settings::Settings};
use crate::{
    config::Overrides,
    db::{self, Restored, postgres::tools},
    output::Replace,
};

/// Put a backup where the configuration says that the database is; nothing may have it open.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    settings: Settings,
    /// What `cairn backup` made
    file: PathBuf,
    /// Replace the database that is there; what it holds is lost
    #[arg(long)]
    force: bool,
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let config = args.settings.load(Overrides::default())?;
    if let Some(server) = &config.database.postgres {
        let command = tools::restore(server, &args.file, args.force);
        return backup::by_its_tools(args.format, &command, &tools::password_line(server));
    }
    let place = &config.database.path;
    let protected = args.settings.protected_inputs(&config);
    let restored = db::restore(&args.file, place, Replace::forced(args.force), &protected)?;
    match args.format {
        Format::Json => {
            let more = [
                ("database", json!(place)),
                ("file", json!(args.file)),
                ("removed", json!(restored.removed)),
                ("missingSteps", json!(restored.behind)),
            ];
            let facts = backup::facts(&restored.copied);
            out::line(out::json(facts.into_iter().chain(more)));
        }
        Format::Text => {
            let what = backup::sentence(&restored.copied);
            out::line(format_args!(
                "restored {} to {}: {what}; leases given back",
                args.file.display(),
                place.display()
            ));
            tell_more(&restored);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn tell_more(restored: &Restored) {
    for file in &restored.removed {
        out::line(format_args!(
            "removed {}, of the database before",
            file.display()
        ));
    }
    if restored.behind > 0 {
        out::line(format_args!(
            "its schema lacks {} step(s): the next start applies them, or `cairn migrate up`",
            restored.behind
        ));
    }
}
