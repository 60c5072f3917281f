//! A repository on this machine: opened where it is, nothing is copied.

use std::path::{Path, PathBuf};

use gix::{ObjectId, Repository};

use super::{Checkout, Kind, Obtained, Plan, SourceError, failure, remote};
use crate::config::model::GitReference;

/// Asks for the commit; there is nothing to fetch.
pub(super) fn ask(plan: &Plan, path: PathBuf) -> Result<Obtained, SourceError> {
    let commit = resolve(plan, &open(plan, &path)?)?;
    if plan.known == Some(commit) {
        return Ok(Obtained::Unchanged(commit));
    }
    Ok(Obtained::New(Checkout {
        path,
        commit,
        _scratch: None,
    }))
}

pub(super) fn open(plan: &Plan, path: &Path) -> Result<Repository, SourceError> {
    gix::open_opts(path, remote::options(plan)).map_err(|error| {
        let cause = failure::cause(plan, &error);
        plan.error(
            Kind::NotFound,
            format!("no git repository: {cause}; check `git.repository`"),
        )
    })
}

fn resolve(plan: &Plan, repository: &Repository) -> Result<ObjectId, SourceError> {
    let id = match &plan.reference {
        GitReference::Default => repository.head_id().ok().map(gix::Id::detach),
        GitReference::Branch(_) | GitReference::Tag(_) => {
            let name = failure::full_name(plan)?;
            let found = repository.try_find_reference(name.as_ref()).ok().flatten();
            found.and_then(|mut found| found.peel_to_id().ok().map(gix::Id::detach))
        }
        GitReference::Commit(id) => id
            .parse()
            .ok()
            .filter(|id: &ObjectId| repository.has_object(id)),
    };
    id.ok_or_else(|| failure::missing(plan, &names(plan, repository)))
}

/// What there is of the kind that was asked for.
fn names(plan: &Plan, repository: &Repository) -> Vec<String> {
    let Ok(all) = repository.references() else {
        return Vec::new();
    };
    let prefix = failure::prefix(&plan.reference);
    let Ok(found) = all.prefixed(prefix) else {
        return Vec::new();
    };
    found
        .filter_map(Result::ok)
        .map(|found| found.name().shorten().to_string())
        .collect()
}
