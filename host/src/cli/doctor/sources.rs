//! `cairn doctor`, of the sources: whether the configuration is the one in force, how they were read, and whether they can
//! be read now.

use std::collections::BTreeSet;

use cairn_registry::{
    model::{Namespace, Timestamp},
    ops::report::Source,
    store::Db,
};

use super::chart::Chart;
use crate::{
    clock,
    config::{self, Config},
    db::Store,
    sync::{self, Daemon},
};

pub(super) async fn examine(
    chart: &mut Chart,
    config: &Config,
    db: &Store,
    daemon: &Daemon,
    offline: bool,
) {
    let known = match daemon.sources().await {
        Ok(sources) => sources,
        Err(error) => return chart.bad(&error.to_string(), "see the database above"),
    };
    if !known.is_empty() {
        let sources = known.iter().map(|source| source.name.clone()).collect();
        let wanted = config.sources.iter().map(|source| source.name.clone());
        examine_names(chart, "source", &wanted.collect(), &sources);
        let wanted = config
            .registries
            .iter()
            .map(|registry| registry.name.clone());
        let registries = registries(db).await.unwrap_or_default();
        examine_names(chart, "registry", &wanted.collect(), &registries);
    }
    for source in &config.sources {
        match known.iter().find(|row| row.name == source.name) {
            Some(row) => {
                history(chart, row);
                examine_removals(chart, row);
                examine_times(chart, config, source, row, clock::now());
            }
            None => chart.note(&format!(
                "source {}: never read; `cairn serve` or `cairn sync` reads it",
                source.name
            )),
        }
        if !offline {
            reach(chart, daemon, source).await;
        }
    }
}

async fn registries(db: &Store) -> cairn_registry::Result<BTreeSet<String>> {
    let namespace = Namespace::default();
    let sql = "SELECT name FROM registry WHERE namespace = ?1 ORDER BY name";
    let rows = db.query(sql, vec![namespace.as_str().into()]).await?;
    rows.into_iter().map(|mut row| row.text()).collect()
}

/// Compares the configured names with those that the last process has applied.
fn examine_names(
    chart: &mut Chart,
    kind: &str,
    wanted: &BTreeSet<String>,
    there: &BTreeSet<String>,
) {
    const REMEDY: &str = "start `cairn serve` or `cairn sync` with this configuration; if another process has another one, \
                          stop it: the configuration applied last counts";
    for name in wanted.difference(there) {
        chart.bad(
            &format!("this configuration is not in force: the database has no {kind} {name}"),
            REMEDY,
        );
    }
    for name in there.difference(wanted) {
        chart.bad(
            &format!(
                "this configuration is not in force: the database has a {kind} {name} that it lacks"
            ),
            REMEDY,
        );
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

fn examine_times(
    chart: &mut Chart,
    config: &Config,
    source: &config::Source,
    row: &Source,
    now: Timestamp,
) {
    let doubts = sync::doubtful(row, source.interval, config.sync.lease, now);
    for doubt in &doubts {
        chart.bad(
            &format!("source {}: {doubt}", row.name),
            "set the clock if it is behind; if it was ahead, `cairn sync --once` reads the sources now",
        );
    }
    if doubts.is_empty() && !row.lease_owner.is_empty() && row.lease_until > now {
        chart.note(&format!(
            "source {}: being read by {}, whose lease ends at {}",
            row.name,
            sync::described(&row.lease_owner),
            row.lease_until
        ));
    }
}

/// Removals that await another reading.
fn examine_removals(chart: &mut Chart, row: &Source) {
    if row.held_removals > 0 {
        chart.bad(
            &format!(
                "source {}: {} records are missing from it, and are kept until a later reading confirms that",
                row.name, row.held_removals
            ),
            "look at the source; if they are really gone, run `cairn sync --once --allow-removals`",
        );
    }
}

async fn reach(chart: &mut Chart, daemon: &Daemon, source: &config::Source) {
    let name = &source.name;
    match daemon.preview(source).await {
        Ok(preview) if preview.taken.quarantined > 0 => chart.note(&format!(
            "source {name}: reachable, {} records, {} of them quarantined: `cairn sync --report` lists them",
            preview.taken.read, preview.taken.quarantined
        )),
        Ok(preview) => chart.good(&format!(
            "source {name}: reachable, {} records",
            preview.taken.read
        )),
        Err(message) => {
            let (what, remedy) = sync::remedy(&message);
            chart.bad(
                &format!("source {name}: {what}"),
                &format!("{remedy}; what was read before goes on being served"),
            );
        }
    }
}
