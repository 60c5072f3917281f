//! What a text must be to serve as a name, a URL, a git reference or a path. It knows no key and touches neither disk nor
//! network.

use super::url;

/// A rule for a text: how it is documented and how it is tested.
#[derive(Clone, Copy)]
pub(super) struct Check {
    /// For people, as a noun.
    pub what: &'static str,
    pub test: fn(&str) -> Result<(), String>,
}

/// RFC 1123 label, as the reference asks of sources and registries.
pub(super) const NAME: Check = Check {
    what: "at most 63 of a–z, 0–9 and `-`",
    test: name,
};
/// A repository to clone.
pub(super) const GIT_URL: Check = Check {
    what: "http or https URL",
    test: url::document,
};
/// Something to which paths are appended.
pub(super) const BASE_URL: Check = Check {
    what: "http or https URL without query",
    test: url::base,
};
/// One document.
pub(super) const DOCUMENT_URL: Check = Check {
    what: "http or https URL",
    test: url::document,
};
/// Branch or tag.
pub(super) const REFERENCE: Check = Check {
    what: "git reference name",
    test: reference,
};
/// A commit that can be fetched by its id.
pub(super) const COMMIT: Check = Check {
    what: "commit id of 40 hexadecimal digits",
    test: commit,
};
/// A file inside a repository.
pub(super) const INNER_PATH: Check = Check {
    what: "path inside the repository",
    test: inner_path,
};
/// A file of this machine.
pub(super) const PATH: Check = Check {
    what: "path",
    test: |text| filled(text, "a path"),
};
/// A secret's file: relative ones would depend on where the process was started.
pub(super) const SECRET_FILE: Check = Check {
    what: "absolute path",
    test: secret_file,
};
/// The database file.
pub(super) const DATABASE_FILE: Check = Check {
    what: "path",
    test: database_file,
};
/// Name of a user.
pub(super) const USER: Check = Check {
    what: "text without `:`",
    test: user,
};
/// How much is logged.
pub(super) const LEVEL: Check = Check {
    what: "error, warn, info, debug or trace",
    test: level,
};
/// One glob of a name filter, one tag of a tag filter.
pub(super) const PATTERN: Check = Check {
    what: "text",
    test: |text| filled(text, "a text"),
};

fn filled(text: &str, what: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err(format!("is empty; give {what}"));
    }
    Ok(())
}

fn name(text: &str) -> Result<(), String> {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let edges = text.starts_with('-') || text.ends_with('-');
    if text.is_empty() || text.len() > 63 || edges || !text.bytes().all(inner) {
        return Err(format!(
            "`{text}` is not a name; use at most 63 of a–z, 0–9 and `-`, with a letter or digit first and last"
        ));
    }
    Ok(())
}

/// The part of git's rules for reference names that keeps a refspec a refspec.
fn reference(text: &str) -> Result<(), String> {
    let forbidden = |c: char| c.is_whitespace() || c.is_control() || "~^:?*[\\".contains(c);
    let shape =
        text.starts_with(['-', '/']) || text.ends_with(['/', '.']) || text.ends_with(".lock");
    if text.is_empty()
        || shape
        || text.contains("..")
        || text.contains("@{")
        || text.contains(forbidden)
    {
        return Err(format!("`{text}` cannot be the name of a branch or tag"));
    }
    Ok(())
}

fn commit(text: &str) -> Result<(), String> {
    if text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(());
    }
    Err(format!(
        "`{text}` is not a full commit id of 40 hexadecimal digits (`git rev-parse` prints it)"
    ))
}

fn inner_path(text: &str) -> Result<(), String> {
    filled(text, "the path of a file in the repository")?;
    let climbs = text.split(['/', '\\']).any(|part| part == "..");
    if text.starts_with('/') || text.ends_with('/') || climbs {
        return Err(format!(
            "`{text}` is not a file inside the repository; write it relative to the root and without `..`"
        ));
    }
    Ok(())
}

fn secret_file(text: &str) -> Result<(), String> {
    if text.starts_with('/') {
        return Ok(());
    }
    Err(format!(
        "`{text}` is not an absolute path; start it with `/`"
    ))
}

fn database_file(text: &str) -> Result<(), String> {
    filled(text, "the path of the database file")?;
    if text.starts_with(":memory:") || text.starts_with("file:") {
        return Err(format!(
            "`{text}` is not a plain path; readers and other processes share the database, so it must be a file"
        ));
    }
    Ok(())
}

fn user(text: &str) -> Result<(), String> {
    filled(text, "a user name")?;
    if text.contains(':') {
        return Err(
            "contains `:`, which HTTP basic authentication does not allow in a user name"
                .to_owned(),
        );
    }
    Ok(())
}

fn level(text: &str) -> Result<(), String> {
    let levels = ["error", "warn", "info", "debug", "trace"];
    if levels.iter().any(|level| level.eq_ignore_ascii_case(text)) {
        return Ok(());
    }
    Err(format!(
        "`{text}` is unknown; choose one of {}",
        levels.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: Check, table: &[(&str, bool)]) {
        for (text, expected) in table {
            assert_eq!(
                (rule.test)(text).is_ok(),
                *expected,
                "{}: {text}",
                rule.what
            );
        }
    }

    #[test]
    fn names_are_rfc_1123_labels() {
        let longest = "a".repeat(63);
        let longer = "a".repeat(64);
        check(
            NAME,
            &[
                ("toolhive", true),
                ("a", true),
                ("0-9", true),
                (&longest, true),
                (&longer, false),
                ("", false),
                ("-a", false),
                ("a-", false),
                ("A", false),
                ("a.b", false),
                ("a_b", false),
                ("é", false),
            ],
        );
    }

    #[test]
    fn git_references_cannot_bend_a_refspec() {
        check(
            REFERENCE,
            &[
                ("main", true),
                ("release/1.10", true),
                ("v1.0.0", true),
                ("", false),
                ("-upload-pack=x", false),
                ("a:b", false),
                ("a..b", false),
                ("a b", false),
                ("a*", false),
                ("a.lock", false),
                ("a@{1}", false),
            ],
        );
        check(
            COMMIT,
            &[
                ("0123456789abcdef0123456789abcdef01234567", true),
                ("0123456", false),
                ("g123456789abcdef0123456789abcdef01234567", false),
            ],
        );
    }

    #[test]
    fn paths_stay_where_they_belong() {
        check(
            INNER_PATH,
            &[
                ("pkg/registry/data/registry.json", true),
                ("a..b.json", true),
                ("/etc/passwd", false),
                ("a/../../b", false),
                ("a/", false),
                (" ", false),
            ],
        );
        check(
            SECRET_FILE,
            &[("/run/secrets/git", true), ("secret", false), ("", false)],
        );
        check(
            DATABASE_FILE,
            &[
                ("cairn.db", true),
                (":memory:", false),
                ("file:x?mode=memory", false),
                ("", false),
            ],
        );
    }
}
