//! `cairn doctor`, of the database: the file or the server, and the schema in it.

use std::{
    fs::{self, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use cairn_registry::{
    Error,
    model::Namespace,
    ops::transfer,
    store::{Db, Engine},
};

use super::{chart::Chart, standby};
use crate::{
    config::Config,
    db::Store,
    migrate::{self, Standing},
};

/// The database, if sources can be looked up in it.
pub(super) async fn examine(chart: &mut Chart, config: &Config) -> Option<Store> {
    let is_file = config.database.postgres.is_none();
    if is_file {
        examine_path(chart, &config.database.path)?;
    }
    let place = config.database.to_string();
    let opened = match Store::open(&config.database) {
        Ok(db) => db.query("SELECT 1", Vec::new()).await.map(|_| db),
        Err(error) => Err(error),
    };
    let db = match opened {
        Ok(db) => db,
        Err(error) => {
            chart.bad(&format!("{place}: {error}"), remedy(&error, is_file));
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

/// `None` where there is no file, or one that cannot be used.
fn examine_path(chart: &mut Chart, path: &Path) -> Option<()> {
    let place = path.display();
    if let Some((process, copy)) = deleted(path) {
        chart.bad(
            &format!("{place} was deleted or replaced, and process {process} still has the old file open"),
            &format!(
                "do not make another one beside it: save the old one (cp {} copy.db, and its -wal), stop process {process}, \
                 then restore a backup or start anew",
                copy.display()
            ),
        );
        return None;
    }
    match OpenOptions::new().write(true).open(path) {
        Ok(_) => Some(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            chart.bad(
                &format!("there is no database at {place}"),
                "run `cairn migrate up`, or `cairn serve`, which makes it",
            );
            None
        }
        Err(error) => {
            let remedy = match error.kind() {
                io::ErrorKind::ReadOnlyFilesystem => {
                    "mount its file system writable, or name another database.path"
                }
                io::ErrorKind::IsADirectory => "name a file in it by database.path",
                _ => "mend its owner or mode, or run as the user that it belongs to",
            };
            chart.bad(&format!("{place} cannot be written: {error}"), remedy);
            None
        }
    }
}

/// The process that has a deleted file of this name open, and where its content still is.
fn deleted(path: &Path) -> Option<(u32, PathBuf)> {
    let folder = path.parent()?.canonicalize().ok()?;
    let mut name = folder.join(path.file_name()?).into_os_string();
    name.push(" (deleted)");
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let numbered = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    for process in numbered {
        let descriptors = fs::read_dir(format!("/proc/{process}/fd"));
        let open = descriptors.into_iter().flatten().flatten();
        let found = open
            .map(|entry| entry.path())
            .find(|link| fs::read_link(link).is_ok_and(|target| target.as_os_str() == name));
        if let Some(copy) = found {
            return Some((process, copy));
        }
    }
    None
}

/// The remedy, by the words of the failure.
fn remedy(error: &Error, is_file: bool) -> &'static str {
    const WORDS: [(&str, &str); 9] = [
        ("another program", "the message says it"),
        ("not a SQLite database", "the message says it"),
        (
            "is damaged",
            "stop every process that uses it and restore a backup",
        ),
        (
            "wants a password",
            "the message names the file and the line",
        ),
        (
            "password file",
            "the message names the file and what is wrong with it",
        ),
        (
            "refuses the login",
            "check database.user and its password, and pg_hba.conf of the server",
        ),
        (
            "no database of that name",
            "create it (createdb), or mend database.database",
        ),
        (
            "does not encrypt",
            "mend database.sslMode, or set up TLS at the server",
        ),
        (
            "does not answer",
            "the server is frozen, or the way to it: look at its machine, firewall and address",
        ),
    ];
    let said = error.message();
    let known = WORDS.iter().find(|(word, _)| said.contains(word));
    match known {
        Some((_, remedy)) => remedy,
        None if is_file => "check that the file is a database and that this user may write it",
        None => "check that the server runs, and host, port, user, password and database.sslMode",
    }
}

/// `None` where the database cannot be worked on.
async fn examine_schema(chart: &mut Chart, db: &Store, place: &str) -> Option<()> {
    let applied = match migrate::status(db).await {
        Ok(applied) => applied,
        Err(error) => {
            chart.bad(
                &error.to_string(),
                "grant the tables by `cairn migrate up` with database.migrationUser, or do what the message says",
            );
            return None;
        }
    };
    match migrate::standing(&applied) {
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
    examine_writes(chart, db).await;
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

/// A standby that took the place of the primary, or a server that was set so.
async fn examine_writes(chart: &mut Chart, db: &Store) {
    let follows = word(db, "SELECT pg_is_in_recovery()::text").await;
    if follows.is_ok_and(|follows| follows == "true") {
        chart.bad(
            "the database is read-only: it is a standby, which follows another server",
            "let database.host lead to the primary, or promote this one (SELECT pg_promote()); sources are not read until \
             then",
        );
        return;
    }
    let closed = word(db, "SELECT current_setting('transaction_read_only')").await;
    if closed.is_ok_and(|closed| closed == "on") {
        chart.bad(
            "the database is read-only: default_transaction_read_only is on",
            "turn it off where it was set: ALTER DATABASE, ALTER ROLE or postgresql.conf; sources are not read until then",
        );
    }
}

/// The one text that a query gives.
pub(super) async fn word(db: &Store, sql: &str) -> cairn_registry::Result<String> {
    let rows = db.query(sql, Vec::new()).await?;
    let mut rows = rows.into_iter().map(|mut row| row.text());
    rows.next().unwrap_or_else(|| Ok(String::new()))
}
