//! Taking records in, page by page. Each page is one batch: entries, views, search, changes, what was met, and the place
//! to go on from. A record whose digest is stored already is met, not written.

use std::collections::{BTreeSet, HashMap};

use super::{Cx, draft::Draft, findings, pass::Pass, spoiled, upstream::Upstream};
use crate::{
    Result,
    kinds::{Key, Kind, Reading, Warning},
    model::{Digest, Status, Timestamp, fold, place},
    store::{
        Db, Statement,
        entry::{Content, Entry},
        finding::{Class, Finding},
        seen,
    },
};

/// One thing a source hands over.
#[derive(Debug)]
pub enum Item {
    Record(Incoming),
    /// Something that could not become a record.
    Rejected {
        position: String,
        name: Option<String>,
        reason: String,
    },
    /// Records of kinds that are not known yet.
    Skipped {
        what: String,
        count: u64,
    },
}

/// A record as it came.
#[derive(Debug)]
pub struct Incoming {
    /// Where it stands in its source, for a person.
    pub position: String,
    /// The document's bytes, kept as they are.
    pub document: Vec<u8>,
    /// JSON of the official `_meta` block.
    pub official: Option<String>,
}

/// What became of a page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Taken {
    /// Records read, whatever became of them.
    pub read: u64,
    /// Entries inserted or changed.
    pub written: u64,
    pub quarantined: u64,
    pub duplicates: u64,
    /// Findings that were not stored, because the pass had too many.
    pub unlisted: u64,
}

impl std::ops::AddAssign for Taken {
    fn add_assign(&mut self, more: Self) {
        self.read += more.read;
        self.written += more.written;
        self.quarantined += more.quarantined;
        self.duplicates += more.duplicates;
        self.unlisted += more.unlisted;
    }
}

/// A record that can be served.
struct Candidate {
    position: String,
    reading: Reading,
    upstream: Upstream,
    document: Vec<u8>,
    digest: Digest,
}

/// Judges a page without a store: what would be quarantined or come twice, and how many could be served.
#[must_use]
pub fn preview(kind: Kind, items: Vec<Item>) -> (Taken, Vec<Finding>) {
    let page = judge(kind, items);
    (page.taken, page.findings)
}

/// A page, judged before anything is read from the store.
pub(super) struct Judged {
    candidates: Vec<Candidate>,
    findings: Vec<Finding>,
    taken: Taken,
}

/// Judges every item of a page by itself: what can be served, what is quarantined, what comes twice.
pub(super) fn judge(kind: Kind, items: Vec<Item>) -> Judged {
    let mut page = Judged {
        candidates: Vec::with_capacity(items.len()),
        findings: Vec::new(),
        taken: Taken::default(),
    };
    let mut places: HashMap<(String, String), usize> = HashMap::new();
    for item in items {
        match item {
            Item::Skipped { what, count } => page.findings.push(Finding {
                class: Class::Skipped,
                position: what,
                name: String::new(),
                version: String::new(),
                detail: count.to_string(),
            }),
            Item::Rejected {
                position,
                name,
                reason,
            } => {
                let key = Key {
                    name,
                    version: None,
                };
                page.quarantine(position, key, reason);
            }
            Item::Record(record) => match read(kind, &record) {
                Ok((reading, upstream)) => {
                    page.add(candidate(record, reading, upstream), &mut places);
                }
                Err(reason) => page.quarantine(record.position, kind.key(&record.document), reason),
            },
        }
    }
    page
}

fn read(kind: Kind, record: &Incoming) -> Result<(Reading, Upstream), String> {
    let mut reading = kind.read(&record.document)?;
    let upstream = Upstream::read(record.official.as_deref(), &mut reading.warnings);
    Ok((reading, upstream))
}

fn candidate(record: Incoming, reading: Reading, upstream: Upstream) -> Candidate {
    let digest = Digest::of([&record.document[..], upstream.fingerprint().as_bytes()]);
    Candidate {
        position: record.position,
        reading,
        upstream,
        document: record.document,
        digest,
    }
}

impl Judged {
    /// Of two records with the same key the later one wins and the earlier one is reported.
    fn add(&mut self, candidate: Candidate, places: &mut HashMap<(String, String), usize>) {
        self.taken.read += 1;
        let key = (
            candidate.reading.name.clone(),
            candidate.reading.version.clone(),
        );
        let next = self.candidates.len();
        let place = *places.entry(key).or_insert(next);
        let Some(earlier) = self.candidates.get_mut(place) else {
            self.candidates.push(candidate);
            return;
        };
        let by = candidate.position.clone();
        let earlier = std::mem::replace(earlier, candidate);
        self.duplicate(
            earlier.position,
            &earlier.reading,
            format!("replaced by {by}"),
        );
    }

    fn duplicate(&mut self, position: String, reading: &Reading, detail: String) {
        self.taken.duplicates += 1;
        self.findings.push(Finding {
            class: Class::Duplicate,
            position,
            name: reading.name.clone(),
            version: reading.version.clone(),
            detail,
        });
    }

    fn quarantine(&mut self, position: String, key: Key, detail: String) {
        self.taken.read += 1;
        self.taken.quarantined += 1;
        self.findings.push(Finding {
            class: Class::Quarantined,
            position,
            name: key.name.unwrap_or_default(),
            version: key.version.unwrap_or_default(),
            detail,
        });
    }

    /// Drafts the page on what is stored now. `failed` tries before did not fit it.
    pub(super) async fn draft<D: Db>(
        &mut self,
        cx: Cx<'_, D>,
        pass: &Pass,
        failed: i64,
    ) -> Result<(Vec<Statement>, Taken)> {
        let names: BTreeSet<&str> = self
            .candidates
            .iter()
            .map(|one| one.reading.name.as_str())
            .chain(spoiled::names(pass.kind, &self.findings))
            .collect();
        let names: Vec<&str> = names.into_iter().collect();
        let mut draft = Draft::load(cx, pass.kind, &names).await?;
        draft.skip_serials(place::skipped(failed));
        let mut taken = self.taken;
        let (mut statements, mut found) = spoiled::keep(&draft, &cx, pass, &self.findings);
        for candidate in &self.candidates {
            let reading = &candidate.reading;
            let before = draft.find(&pass.lease.source, &reading.name, &reading.version);
            if before.is_some_and(|entry| pass.has_met(entry)) {
                taken.duplicates += 1;
                found.push(again(candidate));
            }
            let id = put(&mut draft, &cx, pass, candidate);
            if pass.is_full() {
                statements.push(seen::upsert(pass.key(&cx), id));
            }
        }
        let (stored, left_out) = findings::store(&cx, pass, &found).await?;
        statements.extend(stored);
        taken.unlisted = left_out;
        taken.written = draft.written();
        let mut all = draft.finish();
        all.extend(statements);
        Ok((all, taken))
    }
}

fn again(candidate: &Candidate) -> Finding {
    Finding {
        class: Class::Duplicate,
        position: candidate.position.clone(),
        name: candidate.reading.name.clone(),
        version: candidate.reading.version.clone(),
        detail: "replaces an earlier record of the same name and version".to_owned(),
    }
}

/// The id of the candidate's entry, written only where something differs.
fn put<D: Db>(draft: &mut Draft<'_, D>, cx: &Cx<'_, D>, pass: &Pass, candidate: &Candidate) -> i64 {
    let reading = &candidate.reading;
    let hidden = !pass.filter.shows(&reading.name, &reading.tags);
    let before = draft.find(&pass.lease.source, &reading.name, &reading.version);
    match before {
        Some(old) if old.digest == candidate.digest && !old.gone && old.hidden == hidden => old.id,
        Some(old) if old.digest == candidate.digest => {
            let id = old.id;
            draft.flag(
                &pass.lease.source,
                &reading.name,
                &reading.version,
                |entry| {
                    entry.gone = false;
                    entry.hidden = hidden;
                },
            );
            id
        }
        _ => {
            let entry = entry(cx.now.of_record(), pass, candidate, before, hidden);
            draft.put(entry, content(candidate))
        }
    }
}

/// The entry that a candidate becomes. Times upstream does not give are ours, and stay once given.
fn entry(
    now: Timestamp,
    pass: &Pass,
    candidate: &Candidate,
    before: Option<&Entry>,
    hidden: bool,
) -> Entry {
    let Candidate {
        reading, upstream, ..
    } = candidate;
    let status = upstream.status.unwrap_or(Status::Active);
    let published_at = upstream
        .published_at
        .or(before.map(|old| old.published_at))
        .or(upstream.updated_at)
        .unwrap_or(now);
    let updated_at =
        upstream
            .updated_at
            .unwrap_or(if before.is_some() { now } else { published_at });
    let same_status = before
        .filter(|old| old.status == status)
        .map(|old| old.status_changed_at);
    let status_changed_at = upstream
        .status_changed_at
        .or(same_status)
        .unwrap_or(match status {
            Status::Active => published_at,
            Status::Deprecated | Status::Deleted => updated_at,
        });
    Entry {
        id: 0,
        met: 0,
        source: pass.lease.source.clone(),
        name: reading.name.clone(),
        version: reading.version.clone(),
        digest: candidate.digest,
        size: candidate.document.len(),
        status,
        status_message: upstream.status_message.clone(),
        status_changed_at,
        published_at,
        updated_at,
        gone: false,
        hidden,
        warned: !reading.warnings.is_empty(),
        search: searchable(reading),
    }
}

/// What is searched: the fields between separators that no field and no term has, so that no term is found across two.
pub(super) fn searchable(reading: &Reading) -> String {
    fold(&format!(
        "{}\u{1f}{}\u{1f}{}",
        reading.name, reading.title, reading.description
    ))
}

fn content(candidate: &Candidate) -> Content {
    let reading = &candidate.reading;
    Content {
        document: candidate.document.clone(),
        warnings: warnings(&reading.warnings),
        tags: reading.tags.clone(),
        references: reading.references.clone(),
    }
}

fn warnings(warnings: &[Warning]) -> String {
    if warnings.is_empty() {
        return String::new();
    }
    serde_json::to_string(warnings)
        .unwrap_or_default()
        .replace("\\u0000", "\\ufffd")
}
