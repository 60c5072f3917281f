//! That cost does not grow with the place in the list, nor with the list.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Bench, thousands, throughput::against};
use crate::{
    load::{self, Figures, Target, ratio, rounds},
    progress,
    records::Catalog,
    stock::Filled,
    subject::Serving,
    table::{Must, Row, Unit},
};

const CLIENTS: usize = 32;
/// Pages that stand for one: sizes of records differ, and one page alone would compare sizes.
const NEIGHBOURS: usize = 16;

pub(super) async fn rows(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for size in [bench.plan.middle, bench.plan.large] {
        rows.extend(places(bench, size).await?);
    }
    rows.push(growth(bench).await?);
    Ok(rows)
}

async fn places(bench: &Bench, size: usize) -> Result<[Row; 2]> {
    let Filled { site, until } = bench.stock.filled(size).await?;
    progress(&format!("places in a list of {size}"));
    let server = site.serve(&bench.stock.binary)?;
    let far = bench.plan.far;
    let pages = walk(server.address, far + NEIGHBOURS).await?;
    let since = Catalog::an_hour_before(until);
    let target = |paths: &[String]| Target::uncached(server.process(), server.address, paths);
    let first = target(pages.get(..NEIGHBOURS).unwrap_or_default());
    let distant = target(pages.get(far - 1..).unwrap_or_default());
    let recent = target(&[format!("/v0.1/servers?limit=30&updated_since={since}")]);
    let figures = rounds(&[&first, &distant, &recent], CLIENTS, bench.plan.round).await?;
    let [first, distant, recent] = &figures[..] else {
        anyhow::bail!("a round without figures");
    };
    let (records, far) = (thousands(size), thousands(far));
    Ok([
        slowdown(
            format!("time of page {far} ÷ page 1, {records} records"),
            1.2,
            first,
            distant,
        ),
        slowdown(
            format!("time of updated_since the last hour ÷ page 1, {records} records"),
            1.2,
            first,
            recent,
        ),
    ])
}

async fn growth(bench: &Bench) -> Result<Row> {
    let plan = bench.plan;
    let small = bench
        .stock
        .filled(plan.small)
        .await?
        .site
        .serve(&bench.stock.binary)?;
    let large = bench
        .stock
        .filled(plan.large)
        .await?
        .site
        .serve(&bench.stock.binary)?;
    progress("growth of the list");
    let few = first_pages(&small).await?;
    let many = first_pages(&large).await?;
    let figures = rounds(&[&few, &many], CLIENTS, plan.round).await?;
    let [few, many] = &figures[..] else {
        anyhow::bail!("a round without figures");
    };
    let measure = format!(
        "time of a page of 30 at {} records ÷ at {}",
        thousands(plan.large),
        thousands(plan.small)
    );
    Ok(slowdown(measure, 1.3, few, many))
}

fn slowdown(measure: String, most: f64, quick: &[Figures], slow: &[Figures]) -> Row {
    Row {
        measure,
        must: Must::AtMost(most),
        unit: Unit::Ratio,
        value: Some(ratio(quick, slow)),
        note: against(slow, quick),
    }
}

pub(super) async fn first_pages(server: &Serving) -> Result<Target> {
    let pages = walk(server.address, NEIGHBOURS).await?;
    Ok(Target::uncached(server.process(), server.address, pages))
}

/// The paths of so many pages, found by following the cursors.
pub(super) async fn walk(address: SocketAddr, pages: usize) -> Result<Vec<String>> {
    let mut paths = vec!["/v0.1/servers?limit=30".to_owned()];
    while paths.len() < pages {
        let path = paths.last().map_or("", String::as_str);
        let page: Value = serde_json::from_slice(&load::get(address, path).await?)?;
        let cursor = page.pointer("/metadata/nextCursor").and_then(Value::as_str);
        let cursor = cursor.context("the list ended before the page that was looked for")?;
        paths.push(format!("/v0.1/servers?limit=30&cursor={cursor}"));
    }
    Ok(paths)
}
