//! The line between a source and the daemon: batches in a bounded channel, and one last word that says whether the pass
//! was complete. Dropping `Items` ends the pass.

use std::{io::Read, ops::ControlFlow};

use tokio::sync::mpsc;

use super::{Kind, SourceError, Stop};
use crate::sync::formats::{self, FormatError, Item, Reading, Summary};

/// Records in one batch at most.
const BATCH_RECORDS: usize = 100;
/// Bytes of documents in one batch, unless a single one is larger.
const BATCH_SIZE: usize = 1 << 20;
/// Batches on their way at once.
const CAPACITY: usize = 2;

enum Message {
    Batch(Vec<Item>),
    End(Result<Complete, SourceError>),
}

/// A pass that has come to its end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Complete {
    /// To be saved together with the end of the pass; api sources have none.
    pub fingerprint: Option<String>,
    /// Some of the source could not be read, so that nothing may be concluded about what has vanished.
    pub partial: bool,
}

/// The next thing a pass has to say.
#[derive(Debug)]
pub(crate) enum Step {
    Batch(Vec<Item>),
    /// All has been handed over: only now may be concluded what has vanished.
    Complete(Complete),
}

/// The daemon's end.
pub(crate) struct Items(mpsc::Receiver<Message>);

impl Items {
    /// Waits for the next step. After an error or `Complete` there is nothing more.
    pub(crate) async fn next(&mut self) -> Result<Step, SourceError> {
        match self.0.recv().await {
            Some(Message::Batch(batch)) => Ok(Step::Batch(batch)),
            Some(Message::End(end)) => end.map(Step::Complete),
            None => Err(SourceError::new(
                Kind::Other,
                "the pass ended without a result",
            )),
        }
    }
}

impl std::fmt::Debug for Items {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Items")
    }
}

/// A line with both its ends.
pub(super) fn line(stop: &Stop) -> (Outlet, Items) {
    let (sender, receiver) = mpsc::channel(CAPACITY);
    let outlet = Outlet {
        sender,
        stop: stop.clone(),
        batch: Vec::new(),
        size: 0,
    };
    (outlet, Items(receiver))
}

/// The source's end. All but `ended` and `finish` block and belong on a thread that may.
pub(super) struct Outlet {
    sender: mpsc::Sender<Message>,
    stop: Stop,
    batch: Vec<Item>,
    size: usize,
}

impl Outlet {
    /// Puts an item on the line; an error when nobody wants it any more.
    pub(super) fn push(&mut self, item: Item) -> Result<(), SourceError> {
        self.size += size(&item);
        self.batch.push(item);
        match self.batch.len() >= BATCH_RECORDS || self.size >= BATCH_SIZE {
            true => self.flush(),
            false => Ok(()),
        }
    }

    /// Sends what has been put on the line so far.
    pub(super) fn flush(&mut self) -> Result<(), SourceError> {
        self.size = 0;
        let batch = std::mem::take(&mut self.batch);
        let wanted = batch.is_empty() || self.sender.blocking_send(Message::Batch(batch)).is_ok();
        match wanted && !self.stop.is_set() {
            true => Ok(()),
            false => Err(SourceError::stopped()),
        }
    }

    /// Reads one text through.
    pub(super) fn read(
        &mut self,
        input: impl Read,
        reading: Reading<'_>,
    ) -> Result<Summary, FormatError> {
        let summary = self.read_noting(input, reading, |_| {})?;
        if summary.cursors.next.is_some() {
            self.remark(reading.prefix)?;
        }
        Ok(summary)
    }

    /// Reports that a file is only a page of a longer list.
    fn remark(&mut self, prefix: &str) -> Result<(), FormatError> {
        let item = Item::Rejected {
            position: format!("{prefix}the end"),
            name: None,
            reason: "the file is one page of a longer list, as its cursor of a next page says; read the registry with \
                     `api.endpoint` to have all of it"
                .into(),
        };
        self.push(item).map_err(|_| FormatError::Stopped)
    }

    /// Reads one text through and shows each item before it is put on the line.
    pub(super) fn read_noting(
        &mut self,
        input: impl Read,
        reading: Reading<'_>,
        mut note: impl FnMut(&Item),
    ) -> Result<Summary, FormatError> {
        formats::read(input, reading, &mut |item| {
            note(&item);
            match self.push(item) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        })
    }

    /// Returns when nobody wants anything any more.
    pub(super) async fn ended(&self) {
        tokio::select! {
            () = self.stop.wait() => {}
            () = self.sender.closed() => {}
        }
    }

    /// Says the last word, from a thread that may block.
    pub(super) fn finish(mut self, end: Result<Complete, SourceError>) {
        let end = self.flush().and(end);
        // Whoever does not listen any more needs no last word.
        let _ = self.sender.blocking_send(Message::End(end));
    }
}

/// Bytes of what an item brings along.
fn size(item: &Item) -> usize {
    match item {
        Item::Record(record) => {
            record.document.len() + record.official.as_ref().map_or(0, |raw| raw.get().len())
        }
        _ => 0,
    }
}
