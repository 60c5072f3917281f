//! Credentials of a source of kind `api` or `file.url`: the places of its keys, and the rules for request headers.

use std::path::PathBuf;

use reqwest::header::{HeaderName, HeaderValue};

use super::{
    model::{Access, BasicAuth, Credentials},
    slot::Pairs,
};

/// Every key below `api` or `file` that identifies the source.
#[derive(Debug, Default)]
pub(super) struct AccessDraft {
    pub token_file: PathBuf,
    pub username: String,
    pub password_file: PathBuf,
    pub headers: Vec<(String, String)>,
    pub header_files: Vec<(String, String)>,
    pub ca_path: PathBuf,
}

/// Of a draft that was checked: a token or a user with a password, not both.
impl From<AccessDraft> for Access {
    fn from(draft: AccessDraft) -> Self {
        let credentials = match given(draft.token_file) {
            Some(file) => Some(Credentials::Token(file)),
            None => basic(draft.username, draft.password_file).map(Credentials::Basic),
        };
        Self {
            credentials,
            headers: draft.headers,
            header_files: draft
                .header_files
                .into_iter()
                .map(|(name, file)| (name, file.into()))
                .collect(),
            ca_path: given(draft.ca_path),
        }
    }
}

impl From<Access> for AccessDraft {
    fn from(access: Access) -> Self {
        let mut draft = Self {
            headers: access.headers,
            header_files: access
                .header_files
                .into_iter()
                .map(|(name, file)| (name, file.display().to_string()))
                .collect(),
            ca_path: access.ca_path.unwrap_or_default(),
            ..Self::default()
        };
        match access.credentials {
            Some(Credentials::Token(file)) => draft.token_file = file,
            Some(Credentials::Basic(auth)) => {
                (draft.username, draft.password_file) = (auth.username, auth.password_file);
            }
            None => {}
        }
        draft
    }
}

/// A user and the file of a password, unless there is no user.
pub(super) fn basic(username: String, password_file: PathBuf) -> Option<BasicAuth> {
    (!username.is_empty()).then_some(BasicAuth {
        username,
        password_file,
    })
}

/// A path that was given.
pub(super) fn given(path: PathBuf) -> Option<PathBuf> {
    (!path.as_os_str().is_empty()).then_some(path)
}

/// Headers with their values.
pub(super) const HEADERS: Pairs = Pairs {
    what: "a header that holds no secret",
    test: header,
};
/// Headers with the files of their values.
pub(super) const HEADER_FILES: Pairs = Pairs {
    what: "absolute path of a file with a header's value",
    test: header_file,
};

/// Headers that the client or the protocol sets.
const OWN: [&str; 14] = [
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "keep-alive",
    "proxy-connection",
    "accept-encoding",
    "if-none-match",
    "if-modified-since",
    "range",
    "expect",
];
/// Parts of the names of headers that hold secrets.
const SECRET: [&str; 9] = [
    "auth",
    "cookie",
    "key",
    "token",
    "secret",
    "password",
    "session",
    "credential",
    "signature",
];

fn header(name: &str, value: &str) -> Result<(), String> {
    header_name(name)?;
    let lower = name.to_ascii_lowercase();
    if SECRET.iter().any(|part| lower.contains(part)) {
        return Err(
            "may hold a secret; write it to a file and name that under `headerFiles`, or use `auth`"
                .to_owned(),
        );
    }
    match HeaderValue::from_str(value) {
        Ok(_) if value == "***" => Err("is masked; give the true value".to_owned()),
        Ok(_) => Ok(()),
        Err(_) => Err("has a value that no header may have; use visible ASCII letters".to_owned()),
    }
}

fn header_file(name: &str, path: &str) -> Result<(), String> {
    header_name(name)?;
    (super::check::SECRET_FILE.test)(path)
}

fn header_name(name: &str) -> Result<(), String> {
    if HeaderName::from_bytes(name.as_bytes()).is_err() {
        return Err("is not the name of a header; use letters, digits and `-`".to_owned());
    }
    match OWN.contains(&name.to_ascii_lowercase().as_str()) {
        true => Err("is a header that cairn sets itself; remove it".to_owned()),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{header, header_file};

    #[test]
    fn headers_are_refused_that_hold_secrets_or_are_set_already() {
        for (name, value, expected) in [
            ("X-Tenant", "acme", true),
            ("Accept-Language", "de", true),
            ("Authorization", "Bearer x", false),
            ("X-Api-Key", "x", false),
            ("Cookie", "a=b", false),
            ("Host", "example.com", false),
            ("Content-Length", "0", false),
            ("X Tenant", "acme", false),
            ("", "acme", false),
            ("X-Tenant", "***", false),
            ("X-Tenant", "a\u{7f}", false),
        ] {
            assert_eq!(header(name, value).is_ok(), expected, "{name}: {value}");
        }
        for (name, path, expected) in [
            ("X-Api-Key", "/run/secrets/key", true),
            ("Authorization", "/run/secrets/key", true),
            ("X-Api-Key", "key", false),
            ("Transfer-Encoding", "/run/secrets/key", false),
        ] {
            assert_eq!(header_file(name, path).is_ok(), expected, "{name}: {path}");
        }
    }
}
