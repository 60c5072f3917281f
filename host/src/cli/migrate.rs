//! `cairn migrate`: the schema, up, down, and where it stands.

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use anyhow::{Result, bail};
use clap::Subcommand;
use serde_json::{Value, json};

use super::{
    out,
    report::Format,
    settings::{self, Settings},
};
use crate::{
    config::{Config, Overrides},
    db::Store,
    migrate::{self, Applied, Standing, Step},
    telemetry::log,
};

/// Apply or undo schema steps, or show them.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Apply the missing steps
    Up {
        #[command(flatten)]
        settings: Settings,
        /// Do not ask
        #[arg(long, short = 'y')]
        yes: bool,
        /// Apply at most so many steps; 0 for all
        #[arg(long, short = 'n', value_name = "N", default_value_t = 0)]
        num_steps: usize,
    },
    /// Undo steps, the last one first; what they held is lost
    Down {
        #[command(flatten)]
        settings: Settings,
        /// Do not ask
        #[arg(long, short = 'y')]
        yes: bool,
        /// Undo so many steps
        #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
        num_steps: u16,
    },
    /// Show which steps the database has; exit code 1 when some are missing, or a later one cannot be worked with
    Status {
        #[command(flatten)]
        settings: Settings,
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
}

pub(super) fn run(command: &Command) -> Result<ExitCode> {
    let (Command::Up { settings, .. }
    | Command::Down { settings, .. }
    | Command::Status { settings, .. }) = command;
    let config = settings.load(Overrides::default())?;
    log::init(&config.log)?;
    settings::runtime()?.block_on(async {
        let db = settings::for_migration(&config).await?;
        let applied = migrate::status(&db).await?;
        let done = match command {
            Command::Up { yes, num_steps, .. } => {
                up(&config, &db, &applied, *yes, *num_steps).await
            }
            Command::Down { yes, num_steps, .. } => {
                down(&db, &applied, *yes, usize::from(*num_steps)).await
            }
            Command::Status {
                format: Format::Json,
                ..
            } => Ok(status_json(&applied)),
            Command::Status { .. } => status(&applied),
        };
        db.close().await;
        done
    })
}

async fn up(
    config: &Config,
    db: &Store,
    applied: &[Applied],
    yes: bool,
    num_steps: usize,
) -> Result<ExitCode> {
    let standing = migrate::standing(applied)?;
    let most = (num_steps > 0).then_some(num_steps);
    let missing: Vec<&Step> = migrate::pending(applied)
        .take(most.unwrap_or(usize::MAX))
        .collect();
    if missing.is_empty() {
        out::line(match standing {
            Standing::Ahead(_) => {
                "the schema is of a later release, which this binary can work with: nothing to do"
            }
            Standing::Current | Standing::Behind(_) => "the schema is current",
        });
        return Ok(ExitCode::SUCCESS);
    }
    let names: Vec<&str> = missing.iter().map(|step| step.name).collect();
    confirm(yes, &format!("Apply {}?", names.join(", ")))?;
    for step in settings::migrate(config, db, most).await? {
        out::line(format_args!("applied {}", step.name));
    }
    Ok(ExitCode::SUCCESS)
}

async fn down(db: &Store, applied: &[Applied], yes: bool, num_steps: usize) -> Result<ExitCode> {
    let names: Vec<&str> = applied
        .iter()
        .rev()
        .take(num_steps)
        .map(|step| step.name.as_str())
        .collect();
    if names.is_empty() {
        out::line("nothing to undo: the database has no schema step");
        return Ok(ExitCode::SUCCESS);
    }
    confirm(
        yes,
        &format!("Undo {}? What they held is lost.", names.join(", ")),
    )?;
    for step in migrate::down(db, num_steps).await? {
        out::line(format_args!("undone {}", step.name));
    }
    if names.len() < num_steps {
        out::done(
            true,
            format_args!(
                "there were {} steps, not {num_steps}: all are undone",
                names.len()
            ),
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// As JSON, all at once.
fn status_json(applied: &[Applied]) -> ExitCode {
    let later: Vec<&Applied> = migrate::unknown(applied).collect();
    let done = applied.iter().map(|step| {
        let state = if later.contains(&step) {
            "later"
        } else {
            "applied"
        };
        json!({ "number": step.number, "name": step.name, "state": state, "appliedAt": step.at })
    });
    let missing = migrate::pending(applied)
        .map(|step| json!({ "number": step.number, "name": step.name, "state": "missing" }));
    let steps: Vec<Value> = done.chain(missing).collect();
    let standing = migrate::standing(applied);
    let (word, error) = match &standing {
        Ok(Standing::Current) => ("current", None),
        Ok(Standing::Ahead(_)) => ("ahead", None),
        Ok(Standing::Behind(_)) => ("behind", None),
        Err(error) => ("refused", Some(error.message())),
    };
    out::line(json!({ "schema": word, "error": error, "steps": steps }));
    match word {
        "current" | "ahead" => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn status(applied: &[Applied]) -> Result<ExitCode> {
    let later: Vec<&Applied> = migrate::unknown(applied).collect();
    for step in applied {
        let word = if later.contains(&step) {
            "later  "
        } else {
            "applied"
        };
        out::line(format_args!("{word}  {}", step.name));
    }
    migrate::standing(applied)?;
    let mut missing = 0;
    for step in migrate::pending(applied) {
        out::line(format_args!("missing  {}", step.name));
        missing += 1;
    }
    Ok(if missing == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Asks on a terminal; elsewhere nobody can answer, so the flag is needed.
fn confirm(yes: bool, question: &str) -> Result<()> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        bail!("{question} Nobody is there to answer: repeat with --yes");
    }
    write!(io::stderr(), "{question} [y/N] ")?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    bail!("not confirmed")
}
