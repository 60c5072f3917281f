//! From rows to lines and back, by hand: what either side names stays its own matter.

use serde_json::value::RawValue;

use super::wire::{
    Change, Class, Digest, Entry, Finding, Kind, Op, Registry, Source, Status, Text, Time, View,
};
use crate::{
    Error, Result,
    kinds::{self, Reading},
    ops::{ingest, row::Standing},
    store::{
        entry::{self, Content},
        finding, generation, registry, source,
        walk::Viewed,
    },
};

pub(super) fn source_line(row: &source::Source) -> Source {
    let text = |text: &String| Text(text.clone());
    Source {
        name: text(&row.name),
        origin: text(&row.origin),
        filter: text(&row.filter),
        phase: settled(row).into(),
        message: text(&row.message),
        attempts: row.attempts,
        last_attempt_at: row.last_attempt_at.map(Time),
        last_success_at: row.last_success_at.map(Time),
        next_run_at: Time(row.next_run_at),
        fingerprint: text(&row.fingerprint),
        mark: text(&row.mark),
        full_pass_at: row.full_pass_at.map(Time),
        pass: row.pass,
        records: row.records,
        warned: row.warned,
        hidden: row.hidden,
        quarantined: row.quarantined,
        duplicates: row.duplicates,
        skipped: row.skipped,
    }
}

/// The phase of a source whose pass, if one is under way, has not been begun.
fn settled(row: &source::Source) -> &str {
    match row.phase.as_str() {
        "syncing" if row.attempts > 0 => "failed",
        "syncing" if row.last_success_at.is_some() => "complete",
        "syncing" => "pending",
        "held" => "complete",
        phase => phase,
    }
}

pub(super) fn source_row(line: Source) -> source::Source {
    source::Source {
        name: line.name.0,
        origin: line.origin.0,
        filter: line.filter.0,
        fence: 0,
        lease_owner: String::new(),
        lease_until: crate::model::Timestamp::default(),
        phase: line.phase.0,
        message: line.message.0,
        attempts: line.attempts,
        last_attempt_at: line.last_attempt_at.map(|time| time.0),
        last_success_at: line.last_success_at.map(|time| time.0),
        next_run_at: line.next_run_at.0,
        fingerprint: line.fingerprint.0,
        mark: line.mark.0,
        full_pass_at: line.full_pass_at.map(|time| time.0),
        pass: line.pass,
        pass_state: "idle".to_owned(),
        pass_cursor: String::new(),
        pass_mark: String::new(),
        records: line.records,
        warned: line.warned,
        hidden: line.hidden,
        quarantined: line.quarantined,
        duplicates: line.duplicates,
        skipped: line.skipped,
        held_removals: 0,
        held_since: None,
    }
}

pub(super) fn registry_line(row: registry::Registry) -> Registry {
    Registry {
        name: Text(row.name),
        is_default: row.is_default,
        valid_only: row.valid_only,
        loaded: row.loaded,
        projected: row.projected,
        records: row.records,
        names: row.names,
        sources: row.sources.into_iter().map(Text).collect(),
    }
}

pub(super) fn registry_row(line: Registry) -> registry::Registry {
    registry::Registry {
        name: line.name.0,
        is_default: line.is_default,
        valid_only: line.valid_only,
        loaded: line.loaded,
        projected: line.projected,
        records: line.records,
        names: line.names,
        sources: line.sources.into_iter().map(|name| name.0).collect(),
    }
}

pub(super) fn finding_line(source: String, pass: i64, row: finding::Finding) -> Finding {
    Finding {
        source: Text(source),
        class: Class(row.class),
        position: Text(row.position),
        pass,
        name: Text(row.name),
        version: Text(row.version),
        detail: Text(row.detail),
    }
}

pub(super) fn finding_row(line: Finding) -> finding::Finding {
    finding::Finding {
        class: line.class.0,
        position: line.position.0,
        name: line.name.0,
        version: line.version.0,
        detail: line.detail.0,
    }
}

/// `document` and `warnings` as they are stored.
pub(super) fn entry_line(
    kind: kinds::Kind,
    row: &entry::Entry,
    warnings: &str,
    document: Vec<u8>,
) -> Result<Entry> {
    let broken = |what: &str| {
        Error::internal(format!(
            "{} {} of source {}: stored {what}",
            row.name, row.version, row.source
        ))
    };
    let warnings = match warnings {
        "" => None,
        json => Some(RawValue::from_string(json.to_owned()).map_err(|_| broken("warnings"))?),
    };
    Ok(Entry {
        kind: Kind(kind),
        name: row.name.as_str().into(),
        source: row.source.as_str().into(),
        version: row.version.as_str().into(),
        status: Status(row.status),
        status_message: row.status_message.as_str().into(),
        status_changed_at: Time(row.status_changed_at),
        published_at: Time(row.published_at),
        updated_at: Time(row.updated_at),
        gone: row.gone,
        hidden: row.hidden,
        digest: Digest(row.digest),
        warnings,
        document: String::from_utf8(document).map_err(|_| broken("document"))?,
    })
}

/// An entry without its id. What is searched, filtered and pointed to is read from the document again.
pub(super) fn entry_row(line: Entry) -> Result<(entry::Entry, Content), String> {
    let reading: Reading = line.kind.0.read(line.document.as_bytes())?;
    if (&reading.name, &reading.version) != (&line.name.0, &line.version.0) {
        return Err(format!(
            "the document is {} {}",
            reading.name, reading.version
        ));
    }
    let warnings = line.warnings.as_deref().map(RawValue::get);
    let entry = entry::Entry {
        id: 0,
        met: 0,
        size: line.document.len(),
        search: ingest::searchable(&reading),
        source: line.source.0,
        name: line.name.0,
        version: line.version.0,
        digest: line.digest.0,
        status: line.status.0,
        status_message: line.status_message.0,
        status_changed_at: line.status_changed_at.0,
        published_at: line.published_at.0,
        updated_at: line.updated_at.0,
        gone: line.gone,
        hidden: line.hidden,
        warned: warnings.is_some(),
    };
    let content = Content {
        warnings: warnings.unwrap_or_default().to_owned(),
        document: line.document.into_bytes(),
        tags: reading.tags,
        references: reading.references,
    };
    Ok((entry, content))
}

pub(super) fn view_line(kind: kinds::Kind, row: &Viewed) -> View {
    let standing = Standing::of(&row.entry, row.status, row.latest, &row.digest);
    View {
        registry: row.registry.as_str().into(),
        kind: Kind(kind),
        name: row.entry.name.as_str().into(),
        version: row.entry.version.as_str().into(),
        source: row.entry.source.as_str().into(),
        tombstone: standing == Standing::Buried,
        latest: row.latest,
        changed_at: Time(row.changed_at),
    }
}

pub(super) fn standing(line: &View) -> Standing {
    if line.tombstone {
        Standing::Buried
    } else {
        Standing::Shown
    }
}

pub(super) fn change_line(kind: kinds::Kind, row: generation::Feed) -> Change {
    Change {
        sequence: row.seq,
        registry: Text(row.registry),
        kind: Kind(kind),
        name: Text(row.name),
        version: Text(row.version),
        op: Op(row.op),
        digest: Digest(row.digest),
        changed_at: Time(row.changed_at),
    }
}

pub(super) fn change_row(line: &Change) -> generation::Change<'_> {
    generation::Change {
        seq: line.sequence,
        registry: &line.registry.0,
        kind: line.kind.0,
        name: &line.name.0,
        version: &line.version.0,
        op: line.op.0,
        digest: line.digest.0,
        changed_at: line.changed_at.0,
    }
}
