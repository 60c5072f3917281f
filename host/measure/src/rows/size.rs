//! Sizes of what is shipped.

use std::{fs, path::Path};

use anyhow::Result;

use super::Bench;
use crate::table::{Must, Row, Unit};

pub(super) fn rows(bench: &Bench) -> Result<Vec<Row>> {
    Ok(vec![
        row("component", 3e6, &bench.component)?,
        row(
            "host binary, stripped, component inside",
            40e6,
            &bench.stock.binary,
        )?,
    ])
}

fn row(what: &str, most: f64, file: &Path) -> Result<Row> {
    Ok(Row {
        measure: format!("size of the {what}"),
        must: Must::AtMost(most),
        unit: Unit::Size,
        value: Some(fs::metadata(file)?.len() as f64),
        note: String::new(),
    })
}
