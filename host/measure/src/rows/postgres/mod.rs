//! On a Postgres server: a first sync, a page and a point read against pgbench on that very server, statements for a list,
//! how soon a write shows elsewhere, growth. The server, cairn and whoever asks share the machine.

mod notice;
mod pgbench;
mod queries;

use anyhow::{Context, Result};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::{Bench, paging::first_pages, thousands, throughput::against};
use crate::{
    load::{self, Target, drive, median, ratio, rounds},
    progress,
    server::{Database, Server},
    stock,
    subject::{Serving, Site, Synced},
    table::{Must, Row, Unit},
};
use pgbench::{Pgbench, Question};

const CLIENTS: usize = 32;
const LIST: &str = "/registry/default/v0.1/servers";

/// A figure, if there is one, and what is to be said of it.
type Measured = (Option<f64>, String);

/// A database with records, and the configuration that leads to it.
pub(super) struct Filled {
    pub(super) site: Site,
    database: Database,
    synced: Synced,
}

pub(super) async fn rows(bench: &Bench) -> Result<Vec<Row>> {
    let titles = titles(bench);
    let measured = match Server::start() {
        Ok(server) => measured(bench, &server).await?,
        Err(why) => vec![(None, why.to_string()); titles.len()],
    };
    let row = |((measure, must, unit), (value, note))| Row {
        measure,
        must,
        unit,
        value,
        note,
    };
    Ok(titles.into_iter().zip(measured).map(row).collect())
}

fn titles(bench: &Bench) -> [(String, Must, Unit); 7] {
    let [small, middle, large] =
        [bench.plan.small, bench.plan.middle, bench.plan.large].map(thousands);
    let against =
        |what| format!("{what} ÷ pgbench with its statement, {CLIENTS} clients, {middle} records");
    let titles = [
        (
            format!("first full sync of {middle} records"),
            Must::AtMost(25.0),
            Unit::Seconds,
        ),
        (
            format!("its peak resident memory, {middle} records"),
            Must::AtMost(96.0 * f64::from(1 << 20)),
            Unit::Memory,
        ),
        (
            against("page of 30 through the component"),
            Must::AtLeast(0.6),
            Unit::Ratio,
        ),
        (
            against("…/versions/latest"),
            Must::AtLeast(0.5),
            Unit::Ratio,
        ),
        (
            "statements for a list".to_owned(),
            Must::AtMost(1.0),
            Unit::Count,
        ),
        (
            "a write shows through another replica's cache, p99".to_owned(),
            Must::AtMost(1000.0),
            Unit::Milliseconds,
        ),
        (
            format!("time of a page of 30 at {large} records ÷ at {small}"),
            Must::AtMost(1.3),
            Unit::Ratio,
        ),
    ];
    titles.map(|(measure, must, unit)| (format!("Postgres: {measure}"), must, unit))
}

/// In the order of [`titles`].
async fn measured(bench: &Bench, server: &Server) -> Result<Vec<Measured>> {
    let plan = bench.plan;
    let middle = fill(bench, server, ("middle", plan.middle)).await?;
    let serving = middle.site.serve(&bench.stock.binary)?;
    let page = page(bench, server, &middle, &serving).await?;
    let latest = latest(bench, server, &middle, &serving).await?;
    drop(serving);
    let queries = queries::measured(bench, server, &middle).await?;
    let small = fill(bench, server, ("small", plan.small)).await?;
    let notice = notice::measured(bench, &small).await?;
    let large = fill(bench, server, ("large", plan.large)).await?;
    let growth = growth(bench, &small.site, &large.site).await?;
    let peak = middle.synced.peak as f64;
    Ok(vec![
        (
            Some(middle.synced.took.as_secs_f64()),
            super::sync::rate(middle.synced),
        ),
        (Some(peak), "cairn's, without the server's".to_owned()),
        page,
        latest,
        queries,
        notice,
        growth,
    ])
}

/// Makes a database and fills it by the real pipeline. What a server tidies up when it finds the time is tidied up at once.
pub(super) async fn fill(
    bench: &Bench,
    server: &Server,
    (name, size): (&'static str, usize),
) -> Result<Filled> {
    progress(&format!("first sync of {size} records into Postgres"));
    let database = server.database(name).await?;
    let further = format!("database: {{url: \"{}\"}}\n", database.url);
    let folder = format!("postgres-{name}");
    let (stock::Filled { site, .. }, synced) = bench.stock.synced(&folder, size, &further).await?;
    database.run("VACUUM (ANALYZE)").await?;
    database.run("CHECKPOINT").await?;
    Ok(Filled {
        site,
        database,
        synced,
    })
}

/// The second page: a parameter that is empty, as the place of the first one is, pgbench does not take.
async fn page(
    bench: &Bench,
    server: &Server,
    filled: &Filled,
    serving: &Serving,
) -> Result<Measured> {
    progress("page of 30 against pgbench");
    let first = first_page(serving).await?;
    let cursor = first
        .pointer("/metadata/nextCursor")
        .and_then(Value::as_str);
    let cursor = cursor.context("a list of one page")?;
    let question = Question::page(&filled.database, cursor).await?;
    let path = format!("{LIST}?limit=30&cursor={cursor}");
    let target = Target::uncached(serving.process(), serving.address, [path]);
    compared(bench, server, filled, (&question, &target)).await
}

async fn latest(
    bench: &Bench,
    server: &Server,
    filled: &Filled,
    serving: &Serving,
) -> Result<Measured> {
    progress("point read against pgbench");
    let first = first_page(serving).await?;
    let name = first
        .pointer("/servers/0/server/name")
        .and_then(Value::as_str);
    let name = name.context("an empty list")?;
    let question = Question::latest(&filled.database, name).await?;
    let encoded = utf8_percent_encode(name, NON_ALPHANUMERIC);
    let path = format!("{LIST}/{encoded}/versions/latest");
    let target = Target::uncached(serving.process(), serving.address, [path]);
    compared(bench, server, filled, (&question, &target)).await
}

async fn first_page(serving: &Serving) -> Result<Value> {
    let page = load::get(serving.address, &format!("{LIST}?limit=30")).await?;
    Ok(serde_json::from_slice(&page)?)
}

/// Both in turn, so that what disturbs the machine disturbs both: the median of the rounds.
async fn compared(
    bench: &Bench,
    server: &Server,
    filled: &Filled,
    (question, target): (&Question, &Target),
) -> Result<Measured> {
    let Some(pgbench) = Pgbench::new(&filled.site.folder, server, &filled.database, question)?
    else {
        return Ok((None, "no `pgbench` among the server's programs".to_owned()));
    };
    let length = bench.plan.round;
    drive(target, CLIENTS, length / 4).await?;
    pgbench.rate(length / 4)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        ours.push(drive(target, CLIENTS, length).await?);
        theirs.push(pgbench.rate(length)?);
    }
    let ratios = ours
        .iter()
        .zip(&theirs)
        .map(|(ours, theirs)| ours.rate / theirs);
    let of = |figure: fn(&load::Figures) -> f64| median(ours.iter().map(figure));
    let note = format!(
        "{:.0}/s against {:.0}/s; {:.0} µs of processor time for each, without the server's; p99 {:.1} ms",
        of(|one| one.rate),
        median(theirs.iter().copied()),
        of(|one| one.cost),
        of(|one| one.p99),
    );
    Ok((Some(median(ratios)), note))
}

async fn growth(bench: &Bench, small: &Site, large: &Site) -> Result<Measured> {
    progress("growth of the list on Postgres");
    let small = small.serve(&bench.stock.binary)?;
    let large = large.serve(&bench.stock.binary)?;
    let (few, many) = (first_pages(&small).await?, first_pages(&large).await?);
    let figures = rounds(&[&few, &many], CLIENTS, bench.plan.round).await?;
    let [few, many] = &figures[..] else {
        anyhow::bail!("a round without figures");
    };
    Ok((Some(ratio(few, many)), against(many, few)))
}
