//! A page of 30 records, by 32 clients: through the component, natively, from the cache, against bare hyper and Spin.

use anyhow::Result;

use super::{Bench, thousands};
use crate::{
    load::{Figures, Target, median, ratio, rounds},
    peers::{PAGE, Peers},
    progress,
    spin::Spin,
    subject::Site,
    table::{Must, Row, Unit},
};

const CLIENTS: usize = 32;

pub(super) async fn rows(bench: &Bench) -> Result<Vec<Row>> {
    let filled = bench.stock.filled(bench.plan.middle).await?;
    progress("page of 30 against its peers");
    let peers = Peers::start(&filled.site)?;
    let (process, at) = (peers.process(), peers.addresses);
    let bare = Target::new(process, at.bare, [PAGE], &[]);
    let native = Target::new(process, at.native, [PAGE], &[]);
    let component = Target::uncached(process, at.host, [PAGE]);
    let cached = Target::new(process, at.host, [PAGE], &[]);
    let targets = [&bare, &native, &component, &cached];
    let figures = rounds(&targets, CLIENTS, bench.plan.round).await?;
    let [bare, native, through, cached] = &figures[..] else {
        return Ok(Vec::new());
    };
    let records = thousands(bench.plan.middle);
    let row = |what: &str, must, ours: &[Figures], theirs: &[Figures]| Row {
        measure: format!("{what}, {CLIENTS} clients, {records} records"),
        must: Must::AtLeast(must),
        unit: Unit::Ratio,
        value: Some(ratio(ours, theirs)),
        note: against(ours, theirs),
    };
    let mut rows = vec![
        row(
            "page of 30 through the component ÷ bare hyper",
            0.25,
            through,
            bare,
        ),
        row(
            "page of 30 through the component ÷ native router",
            1.0 / 1.5,
            through,
            native,
        ),
        row(
            "repeated page from the cache ÷ bare hyper",
            0.7,
            cached,
            bare,
        ),
    ];
    let mut spin = row(
        "page of 30 through the component ÷ Spin",
        3.0,
        through,
        bare,
    );
    (spin.value, spin.note) = against_spin(bench, &filled.site, &component).await?;
    rows.insert(2, spin);
    Ok(rows)
}

async fn against_spin(
    bench: &Bench,
    site: &Site,
    component: &Target,
) -> Result<(Option<f64>, String)> {
    let Some(spin) = Spin::start(bench, site).await? else {
        return Ok((None, "no `spin` on the PATH".to_owned()));
    };
    let spin = Target::new(spin.process(), spin.address, [PAGE], &[]);
    let figures = rounds(&[component, &spin], CLIENTS, bench.plan.round).await?;
    let [ours, theirs] = &figures[..] else {
        return Ok((None, String::new()));
    };
    Ok((Some(ratio(ours, theirs)), against(ours, theirs)))
}

/// Rates and what an answer cost, for who wants to know what a ratio is made of.
pub(super) fn against(ours: &[Figures], theirs: &[Figures]) -> String {
    let rate = |figures: &[Figures]| median(figures.iter().map(|one| one.rate));
    let cost = |figures: &[Figures]| median(figures.iter().map(|one| one.cost));
    let bytes = |figures: &[Figures]| figures.first().map_or(0, |one| one.bytes / 1000);
    format!(
        "{:.0}/s against {:.0}/s; {:.0} and {:.0} µs of processor time each; {} and {} KB",
        rate(ours),
        rate(theirs),
        cost(ours),
        cost(theirs),
        bytes(ours),
        bytes(theirs),
    )
}
