//! The findings of a pass, within a bound: an upstream that sends nothing but rubbish must not fill the database.

use super::{Cx, pass::Pass};
use crate::{
    Result,
    store::{
        Db, Statement,
        finding::{self, Class, Finding},
    },
};

/// Most findings that are stored of one pass over one source. The others are only counted.
pub const MOST: usize = 10_000;

/// Position of the finding that has the number of those that are not stored.
pub const UNLISTED: &str = "findings beyond the first 10000";

/// Statements that store findings as far as there is room, and how many are left out.
pub(super) async fn store<D: Db>(
    cx: &Cx<'_, D>,
    pass: &Pass,
    findings: &[Finding],
) -> Result<(Vec<Statement>, u64)> {
    if findings.is_empty() {
        return Ok((Vec::new(), 0));
    }
    let stored = finding::count(cx.db, pass.key(cx), MOST).await?;
    let room = MOST.saturating_sub(stored).min(findings.len());
    let key = pass.key(cx);
    let mut statements: Vec<Statement> = findings
        .iter()
        .take(room)
        .map(|finding| finding::upsert(key, finding))
        .collect();
    let left_out = (findings.len() - room) as u64;
    if left_out > 0 {
        let unlisted = pass.unlisted.saturating_add(left_out);
        statements.push(finding::upsert(key, &remark(unlisted)));
    }
    Ok((statements, left_out))
}

fn remark(unlisted: u64) -> Finding {
    Finding {
        class: Class::Skipped,
        position: UNLISTED.to_owned(),
        name: String::new(),
        version: String::new(),
        detail: unlisted.to_string(),
    }
}
