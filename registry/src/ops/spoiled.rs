//! Records that turned bad. One whose name can be told counts as met, so that the last good record of its key is served on.
//! Nothing else is concluded from a record that cannot be served.

use std::collections::BTreeSet;

use super::{Cx, draft::Draft, pass::Pass};
use crate::{
    kinds::Kind,
    store::{
        Db, Statement,
        entry::Entry,
        finding::{Class, Finding},
        seen,
    },
};

/// The names of quarantined records that an entry can have.
pub(super) fn names(kind: Kind, findings: &[Finding]) -> impl Iterator<Item = &str> {
    findings
        .iter()
        .filter(move |finding| is_named(kind, finding))
        .map(|finding| finding.name.as_str())
}

fn is_named(kind: Kind, finding: &Finding) -> bool {
    finding.class == Class::Quarantined && kind.is_name(&finding.name)
}

/// Statements that mark the entries of quarantined records as met, and the findings of the page as they are to be stored.
pub(super) fn keep<'a, D: Db>(
    draft: &Draft<'_, D>,
    cx: &Cx<'a, D>,
    pass: &'a Pass,
    findings: &[Finding],
) -> (Vec<Statement>, Vec<Finding>) {
    let (mut marks, mut stored) = (Vec::new(), Vec::new());
    let mut marked = BTreeSet::new();
    for finding in findings {
        let kept = entries(draft, pass, finding);
        if kept.is_empty() {
            stored.push(finding.clone());
            continue;
        }
        stored.push(explained(finding));
        // Only a full pass concludes from what it has not met.
        let unmet = kept
            .iter()
            .filter(|entry| pass.is_full() && !pass.has_met(entry) && marked.insert(entry.id));
        marks.extend(unmet.map(|entry| seen::upsert_spoiled(pass.key(cx), entry.id)));
    }
    (marks, stored)
}

/// Without a version every version of the name may be meant.
fn entries<'a, D: Db>(
    draft: &'a Draft<'_, D>,
    pass: &'a Pass,
    finding: &Finding,
) -> Vec<&'a Entry> {
    if !is_named(pass.kind, finding) {
        return Vec::new();
    }
    let meant = |entry: &&Entry| finding.version.is_empty() || entry.version == finding.version;
    let living = draft.living(&pass.lease.source, &finding.name);
    living.filter(meant).collect()
}

fn explained(finding: &Finding) -> Finding {
    Finding {
        detail: format!("{}; the last good record is served on", finding.detail),
        ..finding.clone()
    }
}
