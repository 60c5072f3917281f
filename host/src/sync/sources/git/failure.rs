//! What went wrong with a repository, in the daemon's classes and with the remedy.

use std::io;

use gix::{bstr::BString, protocol::transport::client::AuthenticationRequired, refs::FullName};

use super::{Kind, Plan, SourceError};
use crate::config::model::GitReference;

/// Names of a list that are shown.
const SHOWN: usize = 5;

/// The innermost cause, for people; a password in the address does not show.
pub(super) fn cause(plan: &Plan, error: &gix::Error) -> String {
    let cause = error.probable_cause().to_string();
    let url = reqwest::Url::parse(&plan.repository).ok();
    match url.as_ref().and_then(reqwest::Url::password) {
        Some(password) => cause.replace(password, "***"),
        None => cause,
    }
}

/// Classifies what git said.
pub(super) fn of(plan: &Plan, error: &gix::Error) -> SourceError {
    if error.downcast_any_ref::<AuthenticationRequired>().is_some() || error.is_unauthenticated() {
        return unauthorized(plan);
    }
    if error.is_resource_exhausted() {
        return too_large(plan);
    }
    if let Some(error) = error.downcast_any_ref::<reqwest::Error>() {
        return transport(plan, error);
    }
    let cause = cause(plan, error);
    if cause.contains("sized 64 hexadecimal") || cause.to_ascii_lowercase().contains("sha256") {
        let message = format!(
            "the repository has SHA-256 object names, which are not supported ({cause}); use one with SHA-1 names"
        );
        return plan.error(Kind::Other, message);
    }
    if cause.contains("auth.passwordFile") {
        return plan.error(Kind::Secret, cause);
    }
    let io = error.downcast_any_ref::<io::Error>().map(io::Error::kind);
    let (kind, remedy) = remedy(plan, io, &cause);
    plan.error(kind, format!("{cause}; {remedy}"))
}

/// The class of a failure with its remedy: a transfer that broke off, a disk, or something that is no repository.
fn remedy(plan: &Plan, io: Option<io::ErrorKind>, cause: &str) -> (Kind, String) {
    use io::ErrorKind as Io;
    match io {
        Some(Io::StorageFull | Io::QuotaExceeded | Io::ReadOnlyFilesystem) => {
            let folder = plan.scratch.display();
            (
                Kind::Disk,
                format!("see to space and permissions in {folder}"),
            )
        }
        Some(
            Io::UnexpectedEof
            | Io::ConnectionReset
            | Io::ConnectionAborted
            | Io::BrokenPipe
            | Io::TimedOut,
        ) => broken_off(),
        _ if cause.contains("failed to fill whole buffer") => broken_off(),
        _ => {
            let remedy = "check that `git.repository` names a git repository";
            (Kind::Other, remedy.to_owned())
        }
    }
}

fn broken_off() -> (Kind, String) {
    let remedy = "the transfer broke off and is tried again by itself; see whether the server and the network are well";
    (Kind::Unreachable, remedy.to_owned())
}

fn unauthorized(plan: &Plan) -> SourceError {
    let remedy = match &plan.auth {
        None => "set `auth.username` and `auth.passwordFile`, or check the address: a repository that does not exist is often answered the same way".to_owned(),
        Some(auth) => format!(
            "check `auth.username` and the password in {} (`auth.passwordFile`)",
            auth.password_file.display()
        ),
    };
    plan.error(Kind::Unauthorized, format!("access is refused; {remedy}"))
}

fn transport(plan: &Plan, error: &reqwest::Error) -> SourceError {
    let place = plan.place();
    match error.status() {
        Some(status) if status.as_u16() == 401 || status.as_u16() == 403 => unauthorized(plan),
        Some(status) if status.as_u16() == 404 => plan.error(
            Kind::NotFound,
            "there is no git repository; check `git.repository`, and `auth` if it is a private one",
        ),
        Some(status) => super::super::http::refusal(&place, status, &http::HeaderMap::new()),
        None => super::super::http::transport(&place, error),
    }
}

pub(super) fn too_slow(plan: &Plan) -> SourceError {
    let message = format!(
        "less than {} bytes per second arrive; see whether the server and the network are well",
        super::meter::LEAST_SPEED
    );
    plan.error(Kind::Timeout, message)
}

pub(super) fn too_large(plan: &Plan) -> SourceError {
    let limits = plan.limits;
    let message = format!(
        "more than {} bytes or {} objects, or one object of more than {} bytes; use a repository that has little else in it",
        limits.bytes, limits.objects, limits.object_size
    );
    plan.error(Kind::TooLarge, message)
}

/// Where the refs of a kind live; those to choose from when there is no HEAD.
pub(super) fn prefix(reference: &GitReference) -> &'static str {
    match reference {
        GitReference::Tag(_) => "refs/tags/",
        _ => "refs/heads/",
    }
}

/// The full name of a branch or tag.
pub(super) fn full_name(plan: &Plan) -> Result<FullName, SourceError> {
    let (GitReference::Branch(name) | GitReference::Tag(name)) = &plan.reference else {
        return Err(plan.error(Kind::Other, "neither a branch nor a tag"));
    };
    let full = BString::from(format!("{}{name}", prefix(&plan.reference)));
    FullName::try_from(full).map_err(|_| {
        plan.error(
            Kind::Other,
            format!("`{name}` cannot be the name of a branch or tag"),
        )
    })
}

/// The ref is not there; `names` are those that are.
pub(super) fn missing(plan: &Plan, names: &[String]) -> SourceError {
    let message = match &plan.reference {
        GitReference::Default => format!(
            "the repository has no HEAD; set `git.branch`{}",
            choice(names, "")
        ),
        GitReference::Branch(name) => format!("no branch `{name}`{}", choice(names, name)),
        GitReference::Tag(name) => format!("no tag `{name}`{}", choice(names, name)),
        GitReference::Commit(id) => {
            format!("commit {id} is not there, or on no branch and under no tag")
        }
    };
    plan.error(Kind::NotFound, message)
}

/// `: there are a, b` — the ones most like `wanted`.
pub(super) fn choice(names: &[String], wanted: &str) -> String {
    let mut nearest: Vec<_> = names
        .iter()
        .map(|name| (distance(name, wanted), name))
        .collect();
    nearest.sort();
    let shown: Vec<_> = nearest
        .iter()
        .take(SHOWN)
        .map(|(_, name)| name.as_str())
        .collect();
    match (shown.len(), names.len()) {
        (0, _) => "; there are none".to_owned(),
        (shown_count, all) if shown_count < all => format!(
            "; there are {} and {} more",
            shown.join(", "),
            all - shown_count
        ),
        _ => format!("; there are {}", shown.join(", ")),
    }
}

/// Letters to add, drop or replace to make `b` of `a`.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (index, from) in a.chars().enumerate() {
        let mut diagonal = index;
        let mut left = index + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (to, cell) in b.chars().zip(row.iter_mut().skip(1)) {
            let replaced = diagonal + usize::from(from != to);
            diagonal = *cell;
            left = replaced.min(diagonal + 1).min(left + 1);
            *cell = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{choice, distance};

    #[test]
    fn distance_counts_the_letters_that_differ() {
        for (a, b, expected) in [
            ("main", "main", 0),
            ("main", "mian", 2),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn the_most_similar_names_are_offered_first() {
        let names: Vec<String> = ["a", "b", "c", "d", "e", "main"].map(String::from).into();
        assert_eq!(
            choice(&names, "mein"),
            "; there are main, e, a, b, c and 1 more"
        );
        assert_eq!(choice(&names[5..], "x"), "; there are main");
        assert_eq!(choice(&[], "x"), "; there are none");
    }
}
