//! The row by which a registry shows an entry, with its ready bytes. Pure, and decides nothing: how the entry stands is
//! told it.

use crate::{
    model::{Digest, Status, Timestamp, quote},
    store::{entry::Entry, listing::head, view::Shown},
};

/// How an entry stands in a registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Shown,
    /// As a tombstone.
    Buried,
}

impl Standing {
    /// How the entry of a stored row stands there.
    pub(super) fn of(entry: &Entry, status: Status, latest: bool, digest: &Digest) -> Self {
        let deleted = || row(entry, Self::Shown, latest, Timestamp::default()).digest;
        match (status, entry.status) {
            (Status::Deleted, Status::Deleted) if deleted() == *digest => Self::Shown,
            (Status::Deleted, _) => Self::Buried,
            _ => Self::Shown,
        }
    }
}

/// The row of an entry with its ready bytes. A tombstone was deleted when its row changed.
pub(super) fn row(entry: &Entry, standing: Standing, latest: bool, changed_at: Timestamp) -> Shown {
    let (status, message, since) = match standing {
        Standing::Shown => (
            entry.status,
            entry.status_message.as_str(),
            entry.status_changed_at,
        ),
        Standing::Buried => (
            Status::Deleted,
            "no longer part of this registry",
            changed_at,
        ),
    };
    let tail = tail(entry, status, message, since, latest);
    let digest = Digest::of([entry.digest.as_bytes(), &tail]);
    let size = entry.size + tail.len();
    Shown {
        entry_id: entry.id,
        name: entry.name.clone(),
        version: entry.version.clone(),
        status,
        latest,
        changed_at,
        digest,
        head: head(&entry.name, &entry.version, size, &digest),
        tail,
        search: entry.search.clone(),
    }
}

/// The end of a response element, with its `_meta`: the official block, with upstream's values, and under our own key
/// where it is from.
fn tail(
    entry: &Entry,
    status: Status,
    message: &str,
    changed_at: Timestamp,
    latest: bool,
) -> Vec<u8> {
    let message = match message {
        "" => String::new(),
        text => format!(r#""statusMessage":{},"#, quote(text)),
    };
    format!(
        r#","_meta":{{"io.modelcontextprotocol.registry/official":{{"status":"{}","statusChangedAt":"{changed_at}",{message}"publishedAt":"{}","updatedAt":"{}","isLatest":{latest}}},"cairn/origin":{{"source":"{}"}}}}}}"#,
        status.as_str(),
        entry.published_at,
        entry.updated_at,
        entry.source,
    )
    .into_bytes()
}
