//! What a registry shows of one name: which source owns it, and which version is the latest. Pure: it looks at
//! rows and says which to write.

use super::row::{Standing, row};
use crate::{
    model::{Status, Timestamp, VersionCandidate, latest},
    store::{
        entry::Entry,
        registry::Registry,
        view::{Shown, Stored},
    },
};

/// A view row to be written.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    Insert(Shown),
    Update(Shown),
    /// What was shown is not shown any more: the row stays as a tombstone.
    Bury(Shown),
}

/// The steps from what a registry shows of a name to what it has to show. `entries` are all of that name, of any source;
/// `stored` are the rows of that registry and name.
pub(super) fn steps(
    registry: &Registry,
    entries: &[Entry],
    stored: &[&Stored],
    now: Timestamp,
) -> Vec<Step> {
    let shown = visible(registry, entries);
    let candidates: Vec<_> = shown
        .iter()
        .map(|entry| candidate(entry, entry.status))
        .collect();
    let highest = latest(&candidates);
    let mut steps: Vec<Step> = shown
        .iter()
        .enumerate()
        .filter_map(|(index, entry)| {
            let before = stored.iter().find(|row| row.version == entry.version);
            show(
                registry,
                entry,
                Some(index) == highest,
                before.copied(),
                now,
            )
        })
        .collect();
    let is_left = |row: &&&Stored| !shown.iter().any(|entry| entry.version == row.version);
    let left = stored.iter().filter(is_left).filter_map(|row| {
        let entry = entries.iter().find(|entry| entry.id == row.entry_id)?;
        Some((entry, *row))
    });
    steps.extend(buried(left.collect(), shown.is_empty(), now));
    steps
}

fn candidate(entry: &Entry, status: Status) -> VersionCandidate<'_> {
    VersionCandidate {
        version: &entry.version,
        published_at: entry.published_at,
        status,
    }
}

/// The tombstones of what was shown and is not any more. When `nothing` of a name is left, the highest one is the latest,
/// as of a name whose versions are all deleted: who follows only the latest ones has to learn that it is gone.
fn buried(left: Vec<(&Entry, &Stored)>, nothing: bool, now: Timestamp) -> Vec<Step> {
    let candidates: Vec<_> = left
        .iter()
        .map(|(entry, _)| candidate(entry, Status::Deleted))
        .collect();
    let highest = latest(&candidates).filter(|_| nothing);
    left.iter()
        .enumerate()
        .filter_map(|(index, (entry, row))| bury(entry, row, Some(index) == highest, now))
        .collect()
}

/// The entries of the first source that has any to show: its name shadows the same name of later sources. A deleted entry
/// still shadows; one that vanished, that a filter hides, or that this registry does not accept, is as if not there.
fn visible<'a>(registry: &Registry, entries: &'a [Entry]) -> Vec<&'a Entry> {
    let refused = |entry: &Entry| registry.valid_only && entry.warned;
    let accepted = |entry: &&Entry| !(entry.gone || entry.hidden || refused(entry));
    registry
        .sources
        .iter()
        .map(|source| {
            let own = entries.iter().filter(|entry| entry.source == *source);
            own.filter(accepted).collect::<Vec<_>>()
        })
        .find(|own| !own.is_empty())
        .unwrap_or_default()
}

fn show(
    registry: &Registry,
    entry: &Entry,
    latest: bool,
    before: Option<&Stored>,
    now: Timestamp,
) -> Option<Step> {
    // A mirror that begins with the first load asks for what changed upstream since; later on it asks us.
    let changed_at = if registry.loaded {
        now
    } else {
        entry.updated_at
    };
    let shown = row(entry, Standing::Shown, latest, changed_at);
    match before {
        None => Some(Step::Insert(shown)),
        Some(row) if row.digest == shown.digest && row.entry_id == entry.id => None,
        Some(_) => Some(Step::Update(shown)),
    }
}

/// A tombstone stays as it is until it would say something else: it shows its entry's document and times, which may
/// change while nobody is shown the entry.
fn bury(entry: &Entry, before: &Stored, latest: bool, now: Timestamp) -> Option<Step> {
    let same = |standing| row(entry, standing, latest, before.changed_at).digest == before.digest;
    // What was deleted upstream looks deleted already.
    let deleted = before.status == Status::Deleted && same(Standing::Shown);
    if deleted || same(Standing::Buried) {
        return None;
    }
    Some(Step::Bury(row(entry, Standing::Buried, latest, now)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Digest;

    fn entry(id: i64, source: &str, version: &str) -> Entry {
        Entry {
            id,
            source: source.to_owned(),
            name: "a/b".to_owned(),
            version: version.to_owned(),
            digest: Digest::of([version.as_bytes()]),
            size: 0,
            status: Status::Active,
            status_message: String::new(),
            status_changed_at: Timestamp::default(),
            published_at: Timestamp::from_micros(id),
            updated_at: Timestamp::from_micros(id),
            gone: false,
            hidden: false,
            warned: false,
            search: String::new(),
            met: 0,
        }
    }

    fn registry() -> Registry {
        Registry {
            name: "r".to_owned(),
            is_default: true,
            valid_only: false,
            loaded: true,
            projected: true,
            records: 0,
            names: 0,
            sources: vec!["first".to_owned(), "second".to_owned()],
        }
    }

    /// Steps as `+id`, `~id`, `-id`, with `*` for the latest.
    fn play(registry: &Registry, entries: &[Entry], stored: &[Stored]) -> Vec<String> {
        let stored: Vec<&Stored> = stored.iter().collect();
        let now = Timestamp::from_micros(99);
        let word = |sign: char, shown: &Shown| {
            format!(
                "{sign}{}{}",
                shown.entry_id,
                if shown.latest { "*" } else { "" }
            )
        };
        steps(registry, entries, &stored, now)
            .iter()
            .map(|step| match step {
                Step::Insert(shown) => word('+', shown),
                Step::Update(shown) => word('~', shown),
                Step::Bury(shown) => word('-', shown),
            })
            .collect()
    }

    /// The rows that a registry shows once the steps have been written.
    fn settled(registry: &Registry, entries: &[Entry]) -> Vec<Stored> {
        after(registry, entries, Vec::new())
    }

    fn after(registry: &Registry, entries: &[Entry], mut rows: Vec<Stored>) -> Vec<Stored> {
        let before: Vec<&Stored> = rows.iter().collect();
        for step in steps(registry, entries, &before, Timestamp::from_micros(99)) {
            let (Step::Insert(shown) | Step::Update(shown) | Step::Bury(shown)) = step;
            rows.retain(|row| row.version != shown.version);
            rows.push(Stored {
                registry: registry.name.clone(),
                name: shown.name,
                version: shown.version,
                entry_id: shown.entry_id,
                status: shown.status,
                latest: shown.latest,
                changed_at: shown.changed_at,
                digest: shown.digest,
            });
        }
        rows.sort_by(|one, other| one.version.cmp(&other.version));
        rows
    }

    #[test]
    fn an_earlier_source_shadows_the_whole_name() {
        let entries = [
            entry(1, "second", "9.0.0"),
            entry(2, "first", "1.0.0"),
            entry(3, "first", "1.1.0"),
        ];
        assert_eq!(play(&registry(), &entries, &[]), ["+2", "+3*"]);
    }

    #[test]
    fn a_deleted_entry_still_shadows_and_one_that_vanished_does_not() {
        let mut entries = [entry(1, "first", "1.0.0"), entry(2, "second", "1.0.0")];
        entries[0].status = Status::Deleted;
        assert_eq!(play(&registry(), &entries, &[]), ["+1*"]);
        let before = settled(&registry(), &entries);
        entries[0].gone = true;
        assert_eq!(play(&registry(), &entries, &before), ["~2*"]);
    }

    #[test]
    fn what_is_unchanged_is_not_written() {
        let entries = [entry(1, "first", "1.0.0"), entry(2, "first", "2.0.0")];
        let before = settled(&registry(), &entries);
        assert_eq!(play(&registry(), &entries, &before), [""; 0]);
    }

    #[test]
    fn a_new_latest_takes_the_flag_from_the_old_one() {
        let mut entries = vec![entry(1, "first", "1.0.0")];
        let before = settled(&registry(), &entries);
        entries.push(entry(2, "first", "2.0.0"));
        assert_eq!(play(&registry(), &entries, &before), ["~1", "+2*"]);
    }

    #[test]
    fn what_leaves_the_view_stays_as_a_tombstone_written_once() {
        let mut entries = [entry(1, "first", "1.0.0"), entry(2, "first", "2.0.0")];
        let before = settled(&registry(), &entries);
        entries[1].gone = true;
        assert_eq!(play(&registry(), &entries, &before), ["~1*", "-2"]);
        let before = after(&registry(), &entries, before);
        assert_eq!(play(&registry(), &entries, &before), [""; 0]);
        entries[1].gone = false;
        assert_eq!(play(&registry(), &entries, &before), ["~1", "~2*"]);
    }

    #[test]
    fn a_tombstone_follows_the_document_that_it_shows() {
        let mut entries = [entry(1, "first", "1.0.0"), entry(2, "first", "2.0.0")];
        let before = settled(&registry(), &entries);
        entries[1].hidden = true;
        let before = after(&registry(), &entries, before);
        entries[1].digest = Digest::of([&b"another document"[..]]);
        entries[1].size = 1000;
        assert_eq!(play(&registry(), &entries, &before), ["-2"]);
        let before = after(&registry(), &entries, before);
        assert_eq!(play(&registry(), &entries, &before), [""; 0]);
    }

    #[test]
    fn what_was_deleted_upstream_leaves_without_a_change() {
        let mut entries = [entry(1, "first", "1.0.0"), entry(2, "first", "2.0.0")];
        entries[1].status = Status::Deleted;
        let before = settled(&registry(), &entries);
        entries[1].gone = true;
        assert_eq!(play(&registry(), &entries, &before), [""; 0]);
    }

    #[test]
    fn when_nothing_of_a_name_is_left_its_highest_tombstone_is_the_latest() {
        let mut entries = [entry(1, "first", "1.0.0"), entry(2, "first", "2.0.0")];
        let before = settled(&registry(), &entries);
        entries[0].gone = true;
        entries[1].gone = true;
        assert_eq!(play(&registry(), &entries, &before), ["-1", "-2*"]);
        let before = after(&registry(), &entries, before);
        assert_eq!(play(&registry(), &entries, &before), [""; 0]);
        entries[0].gone = false;
        assert_eq!(play(&registry(), &entries, &before), ["~1*", "-2"]);
    }

    #[test]
    fn hidden_records_and_for_strict_registries_warned_ones_are_not_there() {
        let mut entries = [
            entry(1, "first", "1.0.0"),
            entry(2, "first", "2.0.0"),
            entry(3, "second", "1.0.0"),
        ];
        entries[0].hidden = true;
        entries[1].warned = true;
        assert_eq!(play(&registry(), &entries, &[]), ["+2*"]);
        let strict = Registry {
            valid_only: true,
            ..registry()
        };
        assert_eq!(play(&strict, &entries, &[]), ["+3*"]);
    }

    #[test]
    fn times_of_change_are_upstream_s_during_the_first_load_and_ours_later() {
        let entries = [entry(7, "first", "1.0.0")];
        let check = |loaded, expected| {
            let registry = Registry {
                loaded,
                ..registry()
            };
            let found = steps(&registry, &entries, &[], Timestamp::from_micros(99));
            assert!(
                matches!(&found[..], [Step::Insert(shown)] if shown.changed_at == Timestamp::from_micros(expected))
            );
        };
        check(false, 7);
        check(true, 99);
    }
}
