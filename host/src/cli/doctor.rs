//! `cairn doctor`: looks at configuration, database, schema and sources, and says the remedy of each finding.

use std::{process::ExitCode, sync::Arc};

use anyhow::Result;
use cairn_registry::{
    model::Namespace,
    ops::{report::Source, transfer},
    store::{Db, Engine},
};

use super::{
    out,
    settings::{self, Settings},
    standby,
};
use crate::{
    config::{Config, Overrides},
    db::Store,
    guest,
    migrate::{self, Standing},
    sync::{self, Daemon},
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
pub(super) struct Chart {
    problems: usize,
}

impl Chart {
    pub(super) fn good(&self, what: &str) {
        out::line(format_args!("{}    {what}", out::paint("32", "ok")));
    }

    pub(super) fn note(&self, what: &str) {
        out::line(format_args!("{}  {what}", out::paint("33", "note")));
    }

    pub(super) fn bad(&mut self, what: &str, remedy: &str) {
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
        if let Ok(daemon) = Daemon::new(db.clone(), Arc::clone(config), None, None) {
            examine_sources(chart, config, &daemon, offline).await;
        }
        db.close().await;
    }
}

async fn examine_database(chart: &mut Chart, config: &Config) -> Option<Store> {
    let place = config.database.to_string();
    let is_file = config.database.postgres.is_none();
    if is_file && !config.database.path.exists() {
        chart.bad(
            &format!("there is no database at {place}"),
            "run `cairn migrate up`, or `cairn serve`, which makes it",
        );
        return None;
    }
    let opened = match Store::open(&config.database) {
        Ok(db) => db.query("SELECT 1", Vec::new()).await.map(|_| db),
        Err(error) => Err(error),
    };
    let db = match opened {
        Ok(db) => db,
        Err(error) => {
            let remedy = if is_file {
                "check that the file is a database and that this user may write it"
            } else {
                "check that the server runs, and host, port, user, password and database.sslMode"
            };
            chart.bad(&format!("{place}: {error}"), remedy);
            return None;
        }
    };
    examine_schema(chart, &db, &place).await?;
    examine_import(chart, &db).await;
    match db.engine() {
        Engine::Sqlite => examine_file(chart, &db).await,
        Engine::Postgres => examine_server(chart, &db).await,
    }
    let server = config.database.postgres.as_ref();
    if let Some(standby) = server.and_then(|server| server.standby.as_deref()) {
        standby::examine(chart, &db, standby).await;
    }
    Some(db)
}

/// `None` where the database cannot be worked on.
async fn examine_schema(chart: &mut Chart, db: &Store, place: &str) -> Option<()> {
    let applied = migrate::status(db).await;
    match applied.and_then(|applied| migrate::standing(&applied)) {
        Ok(Standing::Current) => chart.good(&format!("database {place}, schema current")),
        Ok(Standing::Ahead(steps)) => chart.note(&format!(
            "database {place}, schema {steps} step(s) ahead: of a later release, which this binary can work with"
        )),
        Ok(Standing::Behind(steps)) => {
            let what = format!("the schema lacks {steps} step(s)");
            chart.bad(&what, "run `cairn migrate up`");
            return None;
        }
        Err(error) => {
            chart.bad(
                error.message(),
                "use a binary of the release that made this schema, or undo its steps with that one: `cairn migrate down`",
            );
            return None;
        }
    }
    Some(())
}

async fn examine_import(chart: &mut Chart, db: &Store) {
    if let Err(error) = transfer::require_whole(db, &Namespace::default()).await {
        chart.bad(
            error.message(),
            "run `cairn import` again with the same export; nothing is served before its end",
        );
    }
}

async fn examine_file(chart: &mut Chart, db: &Store) {
    let found = word(db, "PRAGMA quick_check(1)").await;
    let said = found.unwrap_or_else(|error| error.to_string());
    if said != "ok" {
        chart.bad(
            &format!("the database is damaged: {said}"),
            "stop every process that uses it and restore a backup",
        );
    }
}

async fn examine_server(chart: &mut Chart, db: &Store) {
    let trigrams = "SELECT COALESCE(max(indexname), '')::text FROM pg_indexes \
                    WHERE schemaname = current_schema() AND indexname = 'entry_search'";
    match word(db, trigrams).await {
        Ok(index) if index.is_empty() => chart.note(
            "the database has no trigram index, so that rare search terms are looked for in every record: \
             CREATE EXTENSION pg_trgm, then CREATE INDEX entry_search ON entry USING gin (search gin_trgm_ops)",
        ),
        Ok(_) => {}
        Err(error) => chart.note(&error.to_string()),
    }
    match word(db, "SHOW server_encoding").await {
        Ok(encoding) if encoding == "UTF8" => {}
        Ok(encoding) => chart.bad(
            &format!("the database stores text as {encoding}"),
            "make one with ENCODING 'UTF8'",
        ),
        Err(error) => chart.note(&error.to_string()),
    }
}

/// The one text that a query gives.
pub(super) async fn word(db: &Store, sql: &str) -> cairn_registry::Result<String> {
    let rows = db.query(sql, Vec::new()).await?;
    let mut rows = rows.into_iter().map(|mut row| row.text());
    rows.next().unwrap_or_else(|| Ok(String::new()))
}

async fn examine_sources(chart: &mut Chart, config: &Config, daemon: &Daemon, offline: bool) {
    let known = match daemon.sources().await {
        Ok(sources) => sources,
        Err(error) => return chart.bad(&error.to_string(), "see the database above"),
    };
    for source in &config.sources {
        let row = known.iter().find(|row| row.name == source.name);
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
            Err(message) => {
                let (what, remedy) = sync::remedy(&message);
                chart.bad(
                    &format!("source {}: {what}", source.name),
                    &format!("{remedy}; what was read before goes on being served"),
                );
            }
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
