//! What a source held that is not served as it stands, and what is served with warnings.

use super::Cx;
use crate::{
    Result,
    store::{Db, entry, finding, source},
};

pub use crate::store::{
    entry::Warned,
    finding::{Class, Finding},
    source::Source,
};

/// Most lines of each list.
const MOST: u32 = 10_000;

/// A source with its lists.
pub struct Report {
    pub source: Source,
    pub findings: Vec<Finding>,
    pub warned: Vec<Warned>,
}

/// All sources, with what is remarkable in each.
pub async fn list<D: Db>(cx: Cx<'_, D>) -> Result<Vec<Report>> {
    let mut reports = Vec::new();
    for source in source::list(cx.db, cx.namespace).await? {
        reports.push(Report {
            findings: finding::list(cx.db, cx.namespace, &source.name, MOST).await?,
            warned: entry::list_warned(cx.db, cx.namespace, &source.name, MOST).await?,
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
