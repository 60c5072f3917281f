//! Everything a database holds as lines of JSON, out of one engine and into another: [`export`] writes them, [`Import`]
//! reads them. What an answer is made of (search text, facets, references, ready bytes) is not in the lines: it is derived
//! by the code that derives it from a source's record.

mod export;
mod import;
mod key;
mod rows;
mod section;
mod wire;

pub use export::export;
pub use import::{Begun, Import};

use crate::{Result, model::Namespace, store::Db};

/// How many lines of each sort went by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// All lines, with those that say where something begins and ends.
    pub lines: u64,
    pub sources: u64,
    pub registries: u64,
    pub findings: u64,
    pub entries: u64,
    /// Rows that registries show, tombstones among them.
    pub views: u64,
    pub changes: u64,
}

impl Tally {
    fn count(&mut self, line: &wire::Line) {
        self.lines += 1;
        match line {
            wire::Line::Cairn(_) | wire::Line::Namespace(_) | wire::Line::End(_) => {}
            wire::Line::Source(_) => self.sources += 1,
            wire::Line::Registry(_) => self.registries += 1,
            wire::Line::Finding(_) => self.findings += 1,
            wire::Line::Entry(_) => self.entries += 1,
            wire::Line::View(_) => self.views += 1,
            wire::Line::Change(_) => self.changes += 1,
        }
    }
}

/// Fails while an import into the namespace is not complete.
pub async fn require_whole(db: &impl Db, namespace: &Namespace) -> Result<()> {
    crate::store::import::require_complete(db, namespace).await
}
