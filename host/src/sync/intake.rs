//! What a pass has brought and not yet committed: gathered until a batch is worth its commit.

use cairn_registry::{
    Result,
    model::Timestamp,
    ops::{
        Cx,
        ingest::{Incoming, Item, Taken},
        pass::{self, Pass},
    },
    store::Db,
};

use super::formats;

/// Records in a batch: so many that the pages of the database they touch are written once for several of them, and so
/// few that memory stays flat.
const RECORDS: usize = 2000;

/// Bytes of documents in a batch.
const BYTES: usize = 2 << 20;

/// Seconds that an incremental pass reaches back behind the begin of the one before: upstream may commit a record a
/// little later than the time it gives it.
const OVERLAP: i64 = 60;

/// A pass with what is still to be committed. An api pass commits whole pages only, each batch with the cursor behind its
/// last page.
pub(super) struct Intake {
    pass: Pass,
    paged: bool,
    items: Vec<Item>,
    bytes: usize,
    /// Behind the last whole page.
    cursor: String,
    at_border: bool,
    taken: Taken,
    /// Our clock at the begin.
    begun: Timestamp,
}

impl Intake {
    pub(super) fn new(pass: Pass, paged: bool, begun: Timestamp) -> Self {
        Self {
            cursor: pass.resume.clone().unwrap_or_default(),
            pass,
            paged,
            items: Vec::new(),
            bytes: 0,
            at_border: !paged,
            taken: Taken::default(),
            begun,
        }
    }

    pub(super) fn push(&mut self, item: formats::Item) {
        self.at_border = !self.paged;
        match item {
            formats::Item::Started { upstream_time } => self.start(upstream_time),
            formats::Item::Page { cursor } => {
                self.cursor = cursor.unwrap_or_default();
                self.at_border = true;
            }
            other => {
                let item = to_registry(other);
                if let Some(Item::Record(record)) = &item {
                    self.bytes += record.document.len();
                }
                self.items.extend(item);
            }
        }
    }

    /// The upstream's clock at the begin is where the next incremental pass asks from. A resumed pass keeps its own.
    fn start(&mut self, upstream_time: Option<i64>) {
        if self.paged && self.pass.mark.is_empty() {
            let time = upstream_time.map_or(self.begun, Timestamp::from_micros);
            self.pass.mark = time.plus_seconds(-OVERLAP).to_string();
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.at_border && (self.items.len() >= RECORDS || self.bytes >= BYTES)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Records that are not committed yet.
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// Returns true if the pass has more findings than are stored of one.
    pub(super) fn is_beyond_findings(&self) -> bool {
        self.taken.unlisted > 0
    }

    /// Commits what there is.
    pub(super) async fn commit<D: Db>(&mut self, cx: Cx<'_, D>) -> Result<()> {
        if self.items.is_empty() {
            return Ok(());
        }
        self.bytes = 0;
        let items = std::mem::take(&mut self.items);
        self.taken += pass::take(cx, &self.pass, items, &self.cursor).await?;
        self.pass.unlisted = self.taken.unlisted;
        Ok(())
    }

    /// The pass, ready to be completed, and what became of its records.
    pub(super) fn finish(self) -> (Pass, Taken) {
        (self.pass, self.taken)
    }
}

/// What the registry has to judge; `None` for what only steers the pass.
pub(super) fn to_registry(item: formats::Item) -> Option<Item> {
    Some(match item {
        formats::Item::Started { .. } | formats::Item::Page { .. } => return None,
        formats::Item::Record(record) => Item::Record(Incoming {
            position: record.position,
            document: record.document,
            official: record.official.map(|raw| raw.get().to_owned()),
        }),
        formats::Item::Rejected {
            position,
            name,
            reason,
        } => Item::Rejected {
            position,
            name,
            reason,
        },
        formats::Item::Skipped { what, count } => Item::Skipped {
            what: what.to_owned(),
            count,
        },
    })
}
