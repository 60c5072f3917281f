//! A dry run: a source is read whole and judged, and nothing is written.

use cairn_registry::{
    kinds::Kind,
    ops::{
        ingest::{self, Item, Taken},
        report::Finding,
    },
};

use super::{
    daemon::Daemon,
    intake,
    sources::{self, Fetch, Request, SourceError, Step},
};
use crate::config::Source;

/// Records judged together; duplicates are found within such a group.
const GROUP: usize = 2000;

/// What a pass would meet.
#[derive(Debug, Default)]
pub struct Preview {
    pub taken: Taken,
    /// What would not be served as it stands.
    pub findings: Vec<Finding>,
}

impl Daemon {
    /// Reads a source as a first pass would.
    pub async fn preview(&self, source: &Source) -> Result<Preview, String> {
        self.make_scratch()?;
        self.read_whole(source).await.map_err(|error| error.message)
    }

    async fn read_whole(&self, source: &Source) -> Result<Preview, SourceError> {
        let mut preview = Preview::default();
        let Fetch::Items(mut items) =
            sources::fetch(source, Request::default(), &self.context).await?
        else {
            return Ok(preview);
        };
        let mut group = Vec::new();
        while let Step::Batch(batch) = items.next().await? {
            group.extend(batch.into_iter().filter_map(intake::to_registry));
            if group.len() >= GROUP {
                preview.judge(std::mem::take(&mut group));
            }
        }
        preview.judge(group);
        Ok(preview)
    }
}

impl Preview {
    fn judge(&mut self, group: Vec<Item>) {
        let (taken, findings) = ingest::preview(Kind::Server, group);
        self.taken += taken;
        self.findings.extend(findings);
    }
}
