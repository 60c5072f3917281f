//! Why a source could not be read, in classes that the daemon acts upon. Messages are public: they name the remedy and
//! never a secret.

use std::{error::Error, fmt, io, time::Duration};

use super::super::formats::FormatError;

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// No connection, a broken one, or a server that is unwell: trying again may help.
    Unreachable,
    /// No answer in time: trying again may help.
    Timeout,
    Unauthorized,
    NotFound,
    /// The encrypted connection cannot be made.
    Tls,
    /// A redirect leads to where the source must not go, or in a circle.
    Redirect,
    /// This machine's disk cannot be written to or read.
    Disk,
    /// The file of a secret or a certificate cannot be used.
    Secret,
    /// The content is not what it should be.
    Format,
    TooLarge,
    /// The upstream contradicts itself, as one does that repeats its pages: the next pass begins anew.
    Inconsistent,
    /// The upstream refuses the saved cursor or time: begin a full pass without them.
    CursorRejected,
    /// The daemon itself ended the pass.
    Stopped,
    Other,
}

/// The message for a pass with more findings than its bound.
const USELESS: &str = "more than 10000 records of the source cannot be served, as of an upstream that repeats itself; look at \
    `cairn sync --report`, and report it to the operator of the source";

/// A pass that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SourceError {
    pub kind: Kind,
    /// For people: what happened and what to do.
    pub message: String,
    /// How long the upstream asks to be left alone.
    pub retry_after: Option<Duration>,
}

impl SourceError {
    pub(super) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            retry_after: None,
        }
    }

    /// More was found wrong in a pass than is stored of one.
    pub(in crate::sync) fn useless() -> Self {
        Self::new(Kind::Inconsistent, USELESS)
    }

    pub(super) fn stopped() -> Self {
        Self::new(Kind::Stopped, "stopped before the end")
    }

    /// What was read from `place` is not what it should be.
    pub(super) fn format(place: &str, error: &FormatError) -> Self {
        let (kind, remedy) = match error {
            FormatError::Read(_) => (Kind::Disk, "see to the disk of this machine"),
            FormatError::Content { message, .. } if message.contains("HTML") => (
                Kind::Format,
                "check the address, and whether the server asks for a login (`auth`)",
            ),
            FormatError::Content { .. } | FormatError::OtherForm(_) => {
                (Kind::Format, "check the address, or mend the content there")
            }
            FormatError::Stopped => return Self::stopped(),
        };
        Self::new(kind, format!("{place}: {error}; {remedy}"))
    }

    /// Whether the same request may succeed a little later.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self.kind, Kind::Unreachable | Kind::Timeout)
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for SourceError {}

/// The innermost cause: what people recognise, as in `Connection refused`.
pub(super) fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// The cause of that type. Those inside I/O errors are found too, which `source` passes over.
pub(super) fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    if let Some(found) = error.downcast_ref() {
        return Some(found);
    }
    let inner: Option<&'a (dyn Error + 'static)> = match error.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as _),
        None => error.source(),
    };
    find(inner?)
}

/// An address without what may be secret in it: user, password, query.
pub(super) fn public_url(url: &str) -> String {
    let parsed = reqwest::Url::parse(url).ok();
    let Some(mut parsed) = parsed.filter(|parsed| !parsed.cannot_be_a_base()) else {
        return url
            .split(['@', '?'])
            .next_back()
            .unwrap_or_default()
            .to_owned();
    };
    // Both fail only for addresses that can have no user.
    let _ = parsed.set_username("");
    let _ = parsed.set_password(None);
    parsed.set_query(None);
    parsed.to_string()
}

#[cfg(test)]
mod tests {
    use super::public_url;

    #[test]
    fn a_shown_address_carries_no_secret() {
        for (url, shown) in [
            (
                "https://user:pw@git.example/r.git",
                "https://git.example/r.git",
            ),
            ("https://git.example/r?token=t", "https://git.example/r"),
            ("user:pw@git.example:r.git", "git.example:r.git"),
            ("http://git.example", "http://git.example/"),
        ] {
            assert_eq!(public_url(url), shown);
        }
    }
}
