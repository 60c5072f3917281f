//! `cairn doctor`: looks at configuration, database, schema and sources, and says the remedy of each finding.

use std::{process::ExitCode, sync::Arc};

use anyhow::Result;
use cairn_registry::{ops::report::Source, store::Db};

use super::{
    out,
    settings::{self, Settings},
};
use crate::{
    config::{Config, Overrides},
    db::Libsql,
    guest,
    migrate::{self, Standing},
    sync::Daemon,
};

/// Find out what is wrong and what to do about it; exit code 1 when something is.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    settings: Settings,
    /// Do not read the sources, only what is known of them
    #[arg(long)]
    offline: bool,
}

/// The findings of an examination, printed as they are made.
#[derive(Default)]
struct Chart {
    problems: usize,
}

impl Chart {
    fn good(&self, what: &str) {
        out::line(format_args!("{}    {what}", out::paint("32", "ok")));
    }

    fn note(&self, what: &str) {
        out::line(format_args!("{}  {what}", out::paint("33", "note")));
    }

    fn bad(&mut self, what: &str, remedy: &str) {
        self.problems += 1;
        out::line(format_args!(
            "{}   {what}\n      remedy: {remedy}",
            out::paint("31", "bad")
        ));
    }
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let mut chart = Chart::default();
    match args.settings.load(Overrides::default()) {
        Ok(config) => {
            chart.good("configuration");
            settings::runtime()?.block_on(examine(&mut chart, &config, args.offline));
        }
        Err(error) => chart.bad(
            &error.to_string(),
            "mend the keys named above; docs/configuration.md describes each",
        ),
    }
    if guest::embedded().is_none() {
        chart.note("this binary carries no component: serve needs --component FILE");
    }
    Ok(if chart.problems == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn examine(chart: &mut Chart, config: &Arc<Config>, offline: bool) {
    if config.sources.is_empty() {
        chart.bad(
            "no source is configured",
            "name a configuration file by --config FILE",
        );
    }
    if let Some(db) = examine_database(chart, config).await {
        let db = Arc::new(db);
        if let Ok(daemon) = Daemon::new(Arc::clone(&db), Arc::clone(config), None) {
            examine_sources(chart, config, &daemon, offline).await;
        }
        db.close().await;
    }
}

async fn examine_database(chart: &mut Chart, config: &Config) -> Option<Libsql> {
    let path = config.database.path.display().to_string();
    if !config.database.path.exists() {
        chart.bad(
            &format!("there is no database at {path}"),
            "run `cairn migrate up`, or `cairn serve`, which makes it",
        );
        return None;
    }
    let db = match Libsql::open(&config.database) {
        Ok(db) => db,
        Err(error) => {
            chart.bad(
                &format!("{path}: {error}"),
                "check that the file is a database and that this user may write it",
            );
            return None;
        }
    };
    let standing = match migrate::status(&db).await {
        Ok(applied) => migrate::standing(&applied),
        Err(error) => Err(error),
    };
    match standing {
        Ok(Standing::Current) => chart.good(&format!("database {path}, schema current")),
        Ok(Standing::Behind(steps)) => {
            chart.bad(
                &format!("the schema lacks {steps} step(s)"),
                "run `cairn migrate up`",
            );
            return None;
        }
        Err(error) => {
            chart.bad(
                error.message(),
                "use a binary of the release that made this database",
            );
            return None;
        }
    }
    if let Some(damage) = damage(&db).await {
        chart.bad(
            &format!("the database is damaged: {damage}"),
            "stop every process that uses it and restore a backup",
        );
    }
    Some(db)
}

/// What SQLite's own check finds first.
async fn damage(db: &Libsql) -> Option<String> {
    let found = db.query("PRAGMA quick_check(1)", Vec::new()).await;
    let said = found.and_then(|rows| {
        rows.into_iter()
            .map(|mut row| row.text())
            .next()
            .transpose()
    });
    match said {
        Ok(Some(word)) if word == "ok" => None,
        Ok(said) => Some(said.unwrap_or_default()),
        Err(error) => Some(error.to_string()),
    }
}

async fn examine_sources(chart: &mut Chart, config: &Config, daemon: &Daemon, offline: bool) {
    let known = match daemon.reports().await {
        Ok(reports) => reports,
        Err(error) => return chart.bad(&error.to_string(), "see the database above"),
    };
    for source in &config.sources {
        let row = known
            .iter()
            .map(|report| &report.source)
            .find(|row| row.name == source.name);
        match row {
            Some(row) => history(chart, row),
            None => chart.note(&format!(
                "source {}: never read; `cairn serve` or `cairn sync` reads it",
                source.name
            )),
        }
        if offline {
            continue;
        }
        match daemon.preview(source).await {
            Ok(preview) if preview.taken.quarantined > 0 => chart.note(&format!(
                "source {}: reachable, {} records, {} of them quarantined: `cairn sync --report` lists them",
                source.name, preview.taken.read, preview.taken.quarantined
            )),
            Ok(preview) => chart.good(&format!("source {}: reachable, {} records", source.name, preview.taken.read)),
            Err(message) => chart.bad(
                &format!("source {}: {message}", source.name),
                "check address, network and credentials; what was read before goes on being served",
            ),
        }
    }
}

fn history(chart: &mut Chart, row: &Source) {
    let last = row
        .last_success_at
        .map_or("never".to_owned(), |time| time.to_string());
    if row.phase == "failed" {
        chart.bad(
            &format!(
                "source {}: {} failed attempts, last success {last}: {}",
                row.name, row.attempts, row.message
            ),
            "the next line says whether it can be read now",
        );
    } else {
        chart.good(&format!(
            "source {}: {}, last success {last}, {} records",
            row.name, row.phase, row.records
        ));
    }
}
