//! Fairness between requests: the slowest hundredth against the median, in the worst of several runs. A request that is
//! overtaken again and again shows here and in no rate.

use anyhow::Result;

use super::{
    Bench,
    postgres::{Filled, fill},
    thousands,
};
use crate::{
    load::{Figures, Target, drive},
    progress,
    server::Server,
    subject::Serving,
    table::{Must, Row, Unit},
};

const CLIENTS: [usize; 2] = [4, 32];
const PAGE: &str = "/v0.1/servers?limit=30";
const BOUND: f64 = 6.0;

pub(super) async fn rows(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = embedded(bench).await?;
    rows.extend(server(bench).await?);
    Ok(rows)
}

async fn embedded(bench: &Bench) -> Result<Vec<Row>> {
    let filled = bench.stock.filled(bench.plan.middle).await?;
    let serving = filled.site.serve(&bench.stock.binary)?;
    measured(bench, "libsql", &serving).await
}

async fn server(bench: &Bench) -> Result<Vec<Row>> {
    let server = match Server::start() {
        Ok(server) => server,
        Err(why) => {
            let missing = |clients| row(bench, "Postgres", clients, None, why.to_string());
            return Ok(CLIENTS.map(missing).into());
        }
    };
    let Filled { site, .. } = fill(bench, &server, ("fair", bench.plan.middle)).await?;
    let serving = site.serve(&bench.stock.binary)?;
    measured(bench, "Postgres", &serving).await
}

async fn measured(bench: &Bench, engine: &str, serving: &Serving) -> Result<Vec<Row>> {
    let target = Target::uncached(serving.process(), serving.address, [PAGE]);
    let mut rows = Vec::new();
    for clients in CLIENTS {
        progress(&format!("fairness on {engine}, {clients} clients"));
        drive(&target, clients, bench.plan.round / 4).await?;
        let mut runs = Vec::new();
        for _ in 0..bench.plan.fair_runs {
            runs.push(drive(&target, clients, bench.plan.fair_run).await?);
        }
        let worst = runs.iter().map(spread).fold(0.0, f64::max);
        rows.push(row(bench, engine, clients, Some(worst), note(&runs)));
    }
    Ok(rows)
}

fn row(bench: &Bench, engine: &str, clients: usize, value: Option<f64>, note: String) -> Row {
    let (runs, records) = (bench.plan.fair_runs, thousands(bench.plan.middle));
    Row {
        measure: format!(
            "{engine}: p99 ÷ p50 of a page of 30, worst of {runs} runs, {clients} clients, {records} records"
        ),
        must: Must::AtMost(BOUND),
        unit: Unit::Ratio,
        value,
        note,
    }
}

fn spread(run: &Figures) -> f64 {
    run.p99 / run.p50.max(f64::MIN_POSITIVE)
}

/// Median and slowest hundredth of each run, in milliseconds.
fn note(runs: &[Figures]) -> String {
    let of = |run: &Figures| format!("{:.1}/{:.1}", run.p50, run.p99);
    let runs: Vec<String> = runs.iter().map(of).collect();
    format!("p50/p99 in ms: {}", runs.join(" "))
}
