//! The first sync of a whole registry: how long, and how much memory however many records.

use anyhow::Result;

use super::{Bench, thousands};
use crate::{
    subject::Synced,
    table::{Must, Row, Unit},
};

pub(super) async fn rows(bench: &Bench) -> Result<Vec<Row>> {
    let plan = bench.plan;
    let middle = bench.stock.first_sync(plan.middle).await?;
    let large = bench.stock.first_sync(plan.large).await?;
    let records = thousands(plan.middle);
    Ok(vec![
        Row {
            measure: format!("first full sync of {records} records"),
            must: Must::AtMost(20.0),
            unit: Unit::Seconds,
            value: Some(middle.took.as_secs_f64()),
            note: rate(middle),
        },
        Row {
            measure: format!("its peak resident memory, {records} records"),
            must: Must::AtMost(96.0 * f64::from(1 << 20)),
            unit: Unit::Memory,
            value: Some(middle.peak as f64),
            note: String::new(),
        },
        Row {
            measure: format!("peak at {} records ÷ at {records}", thousands(plan.large)),
            must: Must::AtMost(1.1),
            unit: Unit::Ratio,
            value: Some(large.peak as f64 / middle.peak.max(1) as f64),
            note: format!(
                "{:.1} MiB; {}",
                large.peak as f64 / f64::from(1 << 20),
                rate(large)
            ),
        },
    ])
}

/// How fast, for who wants to know what a time is made of.
pub(super) fn rate(synced: Synced) -> String {
    let seconds = synced.took.as_secs_f64();
    format!(
        "{:.1} s, of which {:.1} s of processor time; {:.0} records/s",
        seconds,
        synced.spent.as_secs_f64(),
        synced.read as f64 / seconds
    )
}
