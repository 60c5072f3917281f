//! Resident memory of a server: at rest, and at the most that load brought it to.

use std::time::Duration;

use anyhow::Result;

use super::{Bench, paging::walk, thousands};
use crate::{
    load::{Target, drive},
    peers::PAGE,
    process::Memory,
    progress,
    table::{Must, Row, Unit},
};

const CLIENTS: usize = 32;
/// Distinct pages: more than the cache holds.
const PAGES: usize = 1000;
const TERMS: [&str; 4] = ["ai", "git", "intelligence", "weather"];
const SETTLED: Duration = Duration::from_secs(2);

pub(super) async fn rows(bench: &Bench) -> Result<Vec<Row>> {
    let filled = bench.stock.filled(bench.plan.middle).await?;
    progress("resident memory");
    let server = filled.site.serve(&bench.stock.binary)?;
    crate::load::get(server.address, PAGE).await?;
    tokio::time::sleep(SETTLED).await;
    let idle = server.memory()?;

    let pages = PAGES.min(bench.plan.middle / 30);
    let mut paths = walk(server.address, pages).await?;
    paths.extend(TERMS.map(|term| format!("{PAGE}&search={term}")));
    let target = |headers: &[&str]| Target::new(server.process(), server.address, &paths, headers);
    let length = bench.plan.round * 3;
    let figures = drive(&target(&[]), CLIENTS, length).await?;
    let plain = server.memory()?;
    drive(
        &target(&["accept-encoding: gzip, br, zstd"]),
        CLIENTS,
        length,
    )
    .await?;
    let loaded = server.memory()?;

    let records = thousands(bench.plan.middle);
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let row = |measure, most: u32, memory: u64, note| Row {
        measure,
        must: Must::AtMost(f64::from(most) * f64::from(1 << 20)),
        unit: Unit::Memory,
        value: Some(memory as f64),
        note,
    };
    let of_files =
        |memory: &Memory| format!("{:.1} MiB of it the program's file", mib(memory.of_files));
    Ok(vec![
        row(
            format!("resident memory idle, {records} records"),
            24,
            idle.resident,
            of_files(&idle),
        ),
        row(
            format!("peak resident memory under load, {records} records"),
            64,
            loaded.peak,
            format!(
                "{CLIENTS} clients on {pages} pages and {} searches, {:.0}/s; {:.1} MiB before compression is asked for; {}",
                TERMS.len(),
                figures.rate,
                mib(plain.peak),
                of_files(&loaded)
            ),
        ),
    ])
}
