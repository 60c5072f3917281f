//! `cairn export`: everything the database holds, as lines of JSON.

use std::{
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, ensure};
use cairn_registry::ops::transfer::{self, Tally};
use serde_json::{Value, json};

use super::{
    out,
    progress::Progress,
    report::Format,
    settings::{self, Settings},
};
use crate::{
    clock,
    config::Overrides,
    db::Snapshot,
    output::{Output, Replace},
    telemetry::log,
};

/// Write everything the database holds as lines of JSON: for another engine, see `cairn import`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    settings: Settings,
    /// Where to; - is standard output
    #[arg(default_value = "-")]
    file: PathBuf,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
    /// Of what is said of it at the end
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let config = args.settings.load(Overrides::default())?;
    log::init(&config.log)?;
    let path = &config.database.path;
    ensure!(
        config.database.postgres.is_some() || path.exists(),
        "there is no database at {}: nothing to export",
        path.display()
    );
    let protected = args.settings.protected(&config);
    let output = Output::open(&args.file, Replace::forced(args.force), &protected)?;
    settings::runtime()?.block_on(async {
        let db = settings::current(&config).await?;
        let done = write(&db.snapshot().await?, output, args.format).await;
        db.close().await;
        done
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn write(db: &Snapshot, mut output: Output, format: Format) -> Result<()> {
    let written = lines(db, &mut output).await;
    let tally = written.with_context(|| output.name().to_owned())?;
    let is_stdout = output.is_stdout();
    output.finish()?;
    out::done(is_stdout, told(&tally, format));
    Ok(())
}

async fn lines(db: &Snapshot, to: &mut impl Write) -> Result<Tally> {
    let mut progress = Progress::new();
    let mut to = BufWriter::with_capacity(64 << 10, to);
    let version = env!("CARGO_PKG_VERSION");
    let seen = |tally: &Tally| progress.tell(|| format!("{} lines written", tally.lines));
    Ok(transfer::export(db, clock::now(), version, &mut to, seen).await?)
}

pub(super) fn is_standard(file: &Path) -> bool {
    file.as_os_str() == "-"
}

fn told(tally: &Tally, format: Format) -> String {
    match format {
        Format::Json => out::json(facts(tally)),
        Format::Text => format!("exported {}", sentence(tally)),
    }
}

pub(super) fn facts(tally: &Tally) -> [(&'static str, Value); 7] {
    [
        ("lines", json!(tally.lines)),
        ("sources", json!(tally.sources)),
        ("registries", json!(tally.registries)),
        ("findings", json!(tally.findings)),
        ("entries", json!(tally.entries)),
        ("views", json!(tally.views)),
        ("changes", json!(tally.changes)),
    ]
}

pub(super) fn sentence(tally: &Tally) -> String {
    format!(
        "{} entries of {} sources in {} registries, {} changes; {} lines",
        tally.entries, tally.sources, tally.registries, tally.changes, tally.lines
    )
}
