//! What a source held that is not served as it stands, and what is served with warnings.

use super::Cx;
use crate::{
    Result,
    model::Timestamp,
    store::{Db, entry, finding, source},
};

pub use crate::store::{
    entry::Warned,
    finding::{Class, Finding},
    source::Source,
};

/// Most lines of each list, unless less is asked for.
pub const MOST: u32 = 10_000;

/// A source with its lists.
pub struct Report {
    pub source: Source,
    pub findings: Lines<Finding>,
    pub warned: Lines<Warned>,
}

/// The lines of a list that has a bound.
pub struct Lines<T> {
    pub lines: Vec<T>,
    /// Whether there are more than these.
    pub more: bool,
}

impl<T> Lines<T> {
    /// Of one line more than are wanted.
    fn of(mut lines: Vec<T>, most: u32) -> Self {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let more = lines.len() > most;
        lines.truncate(most);
        Self { lines, more }
    }
}

/// All sources, with what is remarkable in each: at most so many lines of each list.
pub async fn list<D: Db>(cx: Cx<'_, D>, most: u32) -> Result<Vec<Report>> {
    let asked = most.saturating_add(1);
    let mut reports = Vec::new();
    for source in source::list(cx.db, cx.namespace).await? {
        let findings = finding::list(cx.db, cx.namespace, &source.name, asked).await?;
        let warned = entry::list_warned(cx.db, cx.namespace, &source.name, asked).await?;
        reports.push(Report {
            findings: Lines::of(findings, most),
            warned: Lines::of(warned, most),
            source,
        });
    }
    Ok(reports)
}

/// One source.
pub async fn source<D: Db>(cx: Cx<'_, D>, name: &str) -> Result<Source> {
    source::get(cx.db, cx.namespace, name).await
}

/// The sources alone: their phases, counts and next runs.
pub async fn sources<D: Db>(cx: Cx<'_, D>) -> Result<Vec<Source>> {
    source::list(cx.db, cx.namespace).await
}

/// Moves a source's next run, as its row was read.
pub async fn reschedule<D: Db>(cx: Cx<'_, D>, row: &Source, next_run: Timestamp) -> Result<()> {
    let moved = source::reschedule(cx.namespace, &row.name, row.next_run_at, next_run);
    cx.db.batch(vec![moved]).await
}

/// Tries whether the database takes a write.
pub async fn probe<D: Db>(cx: Cx<'_, D>, name: &str) -> Result<()> {
    cx.db.batch(vec![source::touch(cx.namespace, name)]).await
}
