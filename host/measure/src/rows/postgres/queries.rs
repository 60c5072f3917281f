//! How many statements a list costs, as the server itself counts them.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use anyhow::{Result, ensure};
use cairn_registry::store::Value;

use super::{Filled, Measured};
use crate::{
    load::{Target, drive},
    progress,
    rows::{Bench, paging::walk},
    server::{Database, Server},
};

/// Lists that are asked for, one after another, none of them twice.
const LISTS: usize = 100;
/// Clients that ask before.
const WARMING: usize = 4;
/// By then whatever looks at the database now and then has done so.
const IDLE: Duration = Duration::from_secs(3);

const COUNTS: &str = "SELECT s.query, sum(s.calls)::bigint FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid \
                      WHERE d.datname = current_database() GROUP BY s.query";

pub(super) async fn measured(bench: &Bench, server: &Server, filled: &Filled) -> Result<Measured> {
    if !server.counts {
        return Ok((None, "the server has no pg_stat_statements".to_owned()));
    }
    progress("statements for a list");
    let database = &filled.database;
    database.run("CREATE EXTENSION pg_stat_statements").await?;
    let track = format!(
        "ALTER DATABASE {} SET pg_stat_statements.track = 'all'",
        database.name
    );
    database.run(&track).await?;
    let serving = filled.site.serve(&bench.stock.binary)?;
    // Makes connections, by a list of another length: none of those that are counted is in the cache.
    let other = Target::uncached(
        serving.process(),
        serving.address,
        ["/v0.1/servers?limit=7"],
    );
    drive(&other, WARMING, bench.plan.round).await?;
    let begun = counts(database).await?;
    tokio::time::sleep(IDLE).await;
    let idle = counts(database).await?;
    walk(serving.address, LISTS + 1).await?;
    let asked = counts(database).await?;
    let others: HashSet<String> = moved(&begun, &idle).into_keys().collect();
    let mut of_lists = moved(&idle, &asked);
    of_lists.retain(|statement, _| !others.contains(statement));
    let statements: i64 = of_lists.values().sum();
    ensure!(statements > 0, "the server has counted nothing");
    let note = match of_lists.len() {
        1 => format!("{statements} for {LISTS} lists, all of them one text"),
        _ => format!("{statements} for {LISTS} lists: {of_lists:?}"),
    };
    Ok((Some(statements as f64 / LISTS as f64), note))
}

type Counts = HashMap<String, i64>;

/// How often each statement ran so far.
async fn counts(database: &Database) -> Result<Counts> {
    let rows = database.run(COUNTS).await?;
    let pair = |row: Vec<Value>| match <[Value; 2]>::try_from(row) {
        Ok([Value::Text(statement), Value::Integer(calls)]) => Some((statement, calls)),
        _ => None,
    };
    Ok(rows.into_iter().filter_map(pair).collect())
}

/// What ran in between, and how often.
fn moved(before: &Counts, after: &Counts) -> Counts {
    let more = |(statement, calls): (&String, &i64)| {
        let more = calls - before.get(statement).copied().unwrap_or_default();
        (more > 0).then(|| (statement.clone(), more))
    };
    after.iter().filter_map(more).collect()
}
