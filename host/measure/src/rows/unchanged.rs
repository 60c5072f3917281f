//! A source that has not changed: nothing is written and, from git, nothing is fetched.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};

use super::{Bench, thousands};
use crate::{
    progress,
    records::Catalog,
    repository::Repository,
    stock::{api, now},
    subject::Site,
    table::{Must, Row, Unit},
    upstream,
};

/// Reads everything again although a short while has passed, so that unchanged records are met.
const WHOLE: &str = "sync: {fullPassInterval: 1s}\n";

pub(super) async fn rows(bench: &Bench) -> Result<Vec<Row>> {
    Ok(vec![from_api(bench).await?, from_git(bench).await?])
}

async fn from_api(bench: &Bench) -> Result<Row> {
    let size = bench.plan.small;
    progress("an api source that has not changed");
    let catalog = Arc::new(Catalog::make(&bench.stock.data, size, now())?);
    let origin = api(upstream::serve(catalog).await?);
    let folder = bench.stock.scratch("unchanged-api")?;
    let site = Site::write(folder, &origin, WHOLE)?;
    let binary = &bench.stock.binary;
    let first = site.sync(binary).await?;
    ensure!(first.written > 0, "the first sync wrote nothing");
    let before = rows_written(&site).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let second = site.sync(binary).await?;
    let changes = rows_written(&site).await? - before;
    Ok(Row {
        measure: "asset rows written by a full pass over an unchanged api source".to_owned(),
        must: Must::AtMost(0.0),
        unit: Unit::Count,
        value: Some(second.written as f64 + changes as f64),
        note: format!(
            "{} records read again in {:.2} s",
            thousands(usize::try_from(second.read)?),
            second.took.as_secs_f64()
        ),
    })
}

/// Changes ever written down.
async fn rows_written(site: &Site) -> Result<i64> {
    let changes = site
        .numbers("SELECT COALESCE(max(seq), 0) FROM change")
        .await?;
    changes.first().copied().context("a count")
}

async fn from_git(bench: &Bench) -> Result<Row> {
    let mut row = Row {
        measure: "objects fetched from an unchanged git source".to_owned(),
        must: Must::AtMost(0.0),
        unit: Unit::Count,
        value: None,
        note: String::new(),
    };
    if !Repository::can_be_served() {
        row.note = "no `git http-backend` here".to_owned();
        return Ok(row);
    }
    progress("a git source that has not changed");
    let catalog = Catalog::make(&bench.stock.data, bench.plan.small, now())?;
    let folder = bench.stock.scratch("unchanged-git")?;
    let repository = Repository::serve(&folder, &catalog.page(0, catalog.len(), None)).await?;
    let site = Site::write(folder, &repository.origin(), WHOLE)?;
    let first = site.sync(&bench.stock.binary).await?;
    let fetched = repository.objects_sent();
    ensure!(
        first.written > 0 && fetched > 0,
        "the first sync fetched nothing"
    );
    let second = site.sync(&bench.stock.binary).await?;
    row.value = Some((repository.objects_sent() - fetched) as f64);
    row.note = format!(
        "{fetched} by the first run; the second took {:.2} s and wrote {} records",
        second.took.as_secs_f64(),
        second.written
    );
    Ok(row)
}
