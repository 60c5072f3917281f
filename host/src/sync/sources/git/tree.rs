//! The way from a commit to the files that are read: one file, or all JSON files directly in a directory.

use gix::{Blob, ObjectId, Repository, Tree, objs::tree::EntryKind};

use super::{Kind, Plan, SourceError, failure};

/// What a path names.
pub(super) enum Found {
    File(File),
    /// What ends in .json, in byte order.
    Directory(Vec<Result<File, Refused>>),
}

/// An entry of a directory that is not read.
pub(super) struct Refused {
    pub path: String,
    pub reason: &'static str,
}

/// A file in the tree.
pub(super) struct File {
    pub path: String,
    id: ObjectId,
}

impl File {
    pub(super) fn content<'repo>(
        &self,
        plan: &Plan,
        repository: &'repo Repository,
    ) -> Result<Blob<'repo>, SourceError> {
        let failed = |error: gix::Error| {
            plan.error(
                Kind::Other,
                format!("{}: {}", self.path, failure::cause(plan, &error)),
            )
        };
        let size = repository.find_header(self.id).map_err(failed)?.size();
        let limit = plan.limits.object_size;
        if size > limit as u64 {
            let message = format!(
                "{}: {size} bytes are more than the {limit} that one file may have",
                self.path
            );
            return Err(plan.error(Kind::TooLarge, message));
        }
        repository.find_blob(self.id).map_err(failed)
    }
}

/// Finds what the plan's path names in a commit.
pub(super) fn find(
    plan: &Plan,
    repository: &Repository,
    commit: ObjectId,
) -> Result<Found, SourceError> {
    let failed = |error: gix::Error| plan.error(Kind::Other, failure::cause(plan, &error));
    let mut tree = repository
        .find_object(commit)
        .and_then(|object| object.peel_to_tree())
        .map_err(failed)?;
    let parts = parts(plan)?;
    let mut walked = String::new();
    for (index, part) in parts.iter().enumerate() {
        let (kind, id) = entry(plan, &tree, &walked, part)?;
        let path = join(&walked, part);
        match (kind, index + 1 == parts.len()) {
            (EntryKind::Tree, _) => tree = repository.find_tree(id).map_err(failed)?,
            (EntryKind::Blob | EntryKind::BlobExecutable, true) => {
                return Ok(Found::File(File { path, id }));
            }
            (kind, _) => {
                let reason = refusal(kind).unwrap_or("is a file, not a directory");
                return Err(
                    plan.error(Kind::NotFound, format!("{path} {reason}; check `git.path`"))
                );
            }
        }
        walked = path;
    }
    directory(plan, &tree, &walked)
}

/// The names on the way, without empty ones and `.`.
fn parts(plan: &Plan) -> Result<Vec<&str>, SourceError> {
    let parts: Vec<_> = plan
        .path
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .collect();
    if parts.contains(&"..") {
        return Err(plan.error(
            Kind::Other,
            format!("`{}` leaves the repository; check `git.path`", plan.path),
        ));
    }
    Ok(parts)
}

fn join(directory: &str, name: &str) -> String {
    match directory {
        "" => name.to_owned(),
        directory => format!("{directory}/{name}"),
    }
}

fn entry(
    plan: &Plan,
    tree: &Tree<'_>,
    directory: &str,
    name: &str,
) -> Result<(EntryKind, ObjectId), SourceError> {
    let mut names = Vec::new();
    for entry in tree.iter() {
        let entry = entry.map_err(|error| plan.error(Kind::Other, failure::cause(plan, &error)))?;
        if entry.filename() == name {
            return Ok((entry.kind(), entry.object_id()));
        }
        names.push(entry.filename().to_string());
    }
    let place = if directory.is_empty() {
        "at the root"
    } else {
        directory
    };
    let message = format!(
        "no `{name}` in `git.path` {}: {place}{}",
        plan.path,
        failure::choice(&names, name)
    );
    Err(plan.error(Kind::NotFound, message))
}

/// Why an entry that is neither file nor directory is not read.
fn refusal(kind: EntryKind) -> Option<&'static str> {
    match kind {
        EntryKind::Link => Some("is a symbolic link, which is not followed: name its target"),
        EntryKind::Commit => {
            Some("is a submodule, which is not fetched: name its repository as a source")
        }
        EntryKind::Tree | EntryKind::Blob | EntryKind::BlobExecutable => None,
    }
}

fn directory(plan: &Plan, tree: &Tree<'_>, path: &str) -> Result<Found, SourceError> {
    let mut files = Vec::new();
    for entry in tree.iter() {
        let entry = entry.map_err(|error| plan.error(Kind::Other, failure::cause(plan, &error)))?;
        let name = entry.filename().to_string();
        if !name.ends_with(".json") || entry.kind() == EntryKind::Tree {
            continue;
        }
        let path = join(path, &name);
        let id = entry.object_id();
        files.push(match refusal(entry.kind()) {
            Some(reason) => Err(Refused { path, reason }),
            None => Ok(File { path, id }),
        });
    }
    if !files.iter().any(Result::is_ok) {
        let message = format!(
            "no file in directory `{}` ends in .json; check `git.path`",
            plan.path
        );
        return Err(plan.error(Kind::NotFound, message));
    }
    Ok(Found::Directory(files))
}
