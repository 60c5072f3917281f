//! From the start of the process to its first good answer, with a database that is there.

use std::time::Instant;

use anyhow::Result;

use super::{Bench, thousands};
use crate::{
    load::{get, median},
    peers::PAGE,
    progress,
    table::{Must, Row, Unit},
};

pub(super) async fn rows(bench: &Bench) -> Result<Vec<Row>> {
    let filled = bench.stock.filled(bench.plan.middle).await?;
    progress("process start");
    let mut times = Vec::new();
    for _ in 0..bench.plan.starts {
        let begun = Instant::now();
        let server = filled.site.serve(&bench.stock.binary)?;
        get(server.address, PAGE).await?;
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    let worst = times.iter().copied().fold(0.0, f64::max);
    let best = times.iter().copied().fold(f64::INFINITY, f64::min);
    let records = thousands(bench.plan.middle);
    Ok(vec![Row {
        measure: format!("process start to first 200, {records} records"),
        must: Must::AtMost(50.0),
        unit: Unit::Milliseconds,
        note: format!("median of {}, {best:.1} to {worst:.1} ms", times.len()),
        value: Some(median(times)),
    }])
}
