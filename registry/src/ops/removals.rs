//! Removals of a whole pass: the entries it did not meet become tombstones. A pass that would remove most of a source is
//! more likely a fault of the source than a wish, so that its removals are held back until a second pass confirms them.

use super::{
    Cx,
    draft::Draft,
    pass::{Ending, MOST_TRIES, Pass, busy, commit},
};
use crate::{
    Result,
    model::Timestamp,
    store::{
        Db, entry,
        source::{self, Source},
    },
};

/// Entries from which on a share of them counts; of fewer only all of them are most.
const FEW: i64 = 20;

/// Entries that a whole pass may remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removals {
    /// Whatever it did not meet.
    Unbounded,
    /// Most of a source only when a second pass, so many seconds after the first, finds the same.
    Confirmed { after: i64 },
}

/// Removals that were held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) removals: i64,
    /// Entries that there are, those included.
    pub(super) of: i64,
    /// The end of the first pass that would have removed most.
    pub(super) since: Timestamp,
    /// Time from which a pass confirms it.
    pub(super) until: Timestamp,
}

impl Held {
    pub(super) fn message(&self) -> String {
        let Self {
            removals,
            of,
            until,
            ..
        } = self;
        format!(
            "{removals} of {of} records were missing when the source was read: they are kept until it is read after {until} \
             and they are still missing. To remove them now run `cairn sync --once --allow-removals`, or set `removals: \
             unbounded` for the source"
        )
    }
}

/// Removes what a whole pass did not meet, or holds it back.
pub(super) async fn settle<D: Db>(
    cx: &Cx<'_, D>,
    pass: &Pass,
    ending: &Ending<'_>,
) -> Result<Option<Held>> {
    let source = source::get(cx.db, cx.namespace, &pass.lease.source).await?;
    let held = match ending.removals {
        Removals::Unbounded => None,
        Removals::Confirmed { after } => held(cx, pass, &source, after).await?,
    };
    if held.is_none() {
        bury_vanished(cx, pass).await?;
    }
    Ok(held)
}

async fn held<D: Db>(
    cx: &Cx<'_, D>,
    pass: &Pass,
    source: &Source,
    after: i64,
) -> Result<Option<Held>> {
    let removals = entry::count_vanished(cx.db, pass.key(cx), pass.kind).await?;
    let of = entry::count(cx.db, cx.namespace, &source.name)
        .await?
        .records;
    if !are_most(removals, of, source.records) {
        return Ok(None);
    }
    // A time in the future was written by a wrong clock.
    let since = source.held_since.filter(|since| *since <= cx.now);
    let since = since.unwrap_or(cx.now);
    let until = since.plus_seconds(after);
    let confirmed = source.held_since.is_some() && until <= cx.now;
    Ok((!confirmed).then_some(Held {
        removals,
        of,
        since,
        until,
    }))
}

/// Returns true if removals leave nothing, or less than a tenth of the entries before the pass.
fn are_most(removals: i64, of: i64, before: i64) -> bool {
    let before = before.max(removals);
    let are_many = before >= FEW && removals.saturating_mul(10) > before.saturating_mul(9);
    removals > 0 && (removals == of || are_many)
}

async fn bury_vanished<D: Db>(cx: &Cx<'_, D>, pass: &Pass) -> Result<()> {
    let mut after = (String::new(), String::new());
    loop {
        let vanished = entry::list_vanished(cx.db, pass.key(cx), pass.kind, &after).await?;
        let Some(last) = vanished.last() else {
            return Ok(());
        };
        after = last.clone();
        bury(cx, pass, &vanished).await?;
    }
}

async fn bury<D: Db>(cx: &Cx<'_, D>, pass: &Pass, vanished: &[(String, String)]) -> Result<()> {
    let mut names: Vec<&str> = vanished.iter().map(|(name, _)| name.as_str()).collect();
    names.dedup();
    for _ in 0..MOST_TRIES {
        let mut draft = Draft::load(*cx, pass.kind, &names).await?;
        for (name, version) in vanished {
            draft.flag(&pass.lease.source, name, version, |entry| entry.gone = true);
        }
        let mut statements = vec![pass.lease.renewal(cx)];
        statements.extend(draft.finish());
        if commit(cx, &pass.lease, statements).await? {
            return Ok(());
        }
    }
    Err(busy())
}

#[cfg(test)]
mod tests {
    use super::are_most;

    #[test]
    fn most_is_all_of_a_source_or_more_than_nine_tenths_of_twenty() {
        for (removals, of, before, most) in [
            (0, 0, 0, false),
            (0, 30, 30, false),
            (1, 1, 1, true),
            (3, 3, 3, true),
            // Replaced by others.
            (1, 2, 1, false),
            (19, 38, 19, false),
            (18, 19, 19, false),
            (18, 20, 20, false),
            (19, 20, 20, true),
            (20, 40, 20, true),
            (27, 30, 30, false),
            (28, 30, 30, true),
            (90, 100, 100, false),
            (91, 100, 100, true),
            // Of an interrupted pass the row does not know yet.
            (40, 41, 0, true),
        ] {
            let found = are_most(removals, of, before);
            assert_eq!(found, most, "{removals} of {of}, {before} before");
        }
    }
}
