//! Search: broad terms, rare ones, and those that are nowhere.

use anyhow::Result;
use serde_json::Value;

use super::{Bench, thousands};
use crate::{
    load::{self, Target, median, rounds},
    progress,
    records::IN_ALL,
    table::{Must, Row, Unit},
};

const CLIENTS: usize = 8;

/// What is looked for, and what it stands for. The short ones that are nowhere are the worst that can be asked: no index
/// helps, and no page is ever full.
const TERMS: [(&str, &str); 8] = [
    ("ai", "2 letters, in many"),
    ("zq", "2 letters, in few or none"),
    ("git", "3 letters, in many"),
    ("dgm", "3 letters, in few"),
    ("intelligence", "12 letters"),
    ("oscilloscope", "12 letters, in other places"),
    (IN_ALL, "in all records"),
    ("xqzjwvkq", "in none"),
];

pub(super) async fn rows(bench: &Bench) -> Result<Vec<Row>> {
    let filled = bench.stock.filled(bench.plan.middle).await?;
    progress("search");
    let server = filled.site.serve(&bench.stock.binary)?;
    let path = |term: &str| {
        let term = term.replace('/', "%2F");
        format!("/v0.1/servers?limit=30&search={term}")
    };
    let targets: Vec<Target> = TERMS
        .iter()
        .map(|(term, _)| Target::uncached(server.process(), server.address, [path(term)]))
        .collect();
    let all: Vec<&Target> = targets.iter().collect();
    let figures = rounds(&all, CLIENTS, bench.plan.round).await?;
    let records = thousands(bench.plan.middle);
    let mut rows = Vec::new();
    for ((term, kind), figures) in TERMS.iter().zip(figures) {
        let page: Value = serde_json::from_slice(&load::get(server.address, &path(term)).await?)?;
        let hits = page.pointer("/metadata/count").cloned().unwrap_or_default();
        rows.push(Row {
            measure: format!("search, {kind}, p99, {CLIENTS} clients, {records} records"),
            must: Must::AtMost(10.0),
            unit: Unit::Milliseconds,
            value: Some(median(figures.iter().map(|one| one.p99))),
            note: format!(
                "\"{term}\", {hits} on the page, p50 {:.1} ms, {:.0}/s",
                median(figures.iter().map(|one| one.p50)),
                median(figures.iter().map(|one| one.rate)),
            ),
        });
    }
    Ok(rows)
}
