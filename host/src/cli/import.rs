//! `cairn import`: what `cairn export` wrote, into an empty database of either engine.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::{Context, Result, ensure};
use cairn_registry::{
    ops::transfer::{Begun, Import, Tally},
    store::Db,
};
use serde_json::json;

use super::{
    export::{facts, is_standard, sentence},
    out,
    progress::Progress,
    report::Format,
    settings::{self, Settings},
};
use crate::{config::Overrides, telemetry::log};

/// Read an export into an empty database. Interrupted, it goes on where it stopped when it is run again.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    settings: Settings,
    /// Where from; - is standard input
    #[arg(default_value = "-")]
    file: PathBuf,
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// Bytes of a line that are read at most: many times the largest record there may be.
const LONGEST: u64 = 256 << 20;

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let config = args.settings.load(Overrides::default())?;
    log::init(&config.log)?;
    let mut from: Box<dyn BufRead> = if is_standard(&args.file) {
        Box::new(io::stdin().lock())
    } else {
        let file = File::open(&args.file).with_context(|| args.file.display().to_string())?;
        Box::new(BufReader::with_capacity(64 << 10, file))
    };
    let (begun, tally) = settings::runtime()?.block_on(async {
        let db = settings::database(&config).await?;
        let done = lines(&db, &mut from).await;
        db.close().await;
        done
    })?;
    out::line(told(begun, &tally, args.format));
    Ok(ExitCode::SUCCESS)
}

async fn lines(db: &impl Db, from: &mut dyn BufRead) -> Result<(Begun, Tally)> {
    let mut progress = Progress::new();
    let mut import = Import::new(db);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = from.take(LONGEST).read_until(b'\n', &mut line);
        if read.context("the export cannot be read")? == 0 {
            return Ok(import.finish()?);
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        let number = import.tally().lines + 1;
        ensure!(
            line.len() as u64 + 1 < LONGEST,
            "line {number} is longer than {} MiB: this is no export",
            LONGEST >> 20
        );
        import.line(&line).await?;
        progress.tell(|| format!("{number} lines read"));
    }
}

fn told(begun: Begun, tally: &Tally, format: Format) -> String {
    let what = sentence(tally);
    if format == Format::Json {
        let (word, line) = match begun {
            Begun::Anew => ("anew", None),
            Begun::Behind(line) => ("resumed", Some(line)),
            Begun::InsteadOfAnother => ("instead of an unfinished one", None),
            Begun::AfterItsEnd => ("already complete", None),
        };
        let how = [("begun", json!(word)), ("behindLine", json!(line))];
        return out::json(facts(tally).into_iter().chain(how));
    }
    match begun {
        Begun::Anew => format!("imported {what}"),
        Begun::Behind(line) => {
            format!("imported {what}; went on behind line {line}, where it was interrupted")
        }
        Begun::InsteadOfAnother => format!(
            "imported {what}; the unfinished import of another export that was there has been removed"
        ),
        Begun::AfterItsEnd => {
            format!("nothing to do: this export has been imported already ({what})")
        }
    }
}
