//! What is remembered of a complete pass, to find out next time whether anything has changed: opaque text for the daemon.
//! It belongs to one configuration, so that a changed one is read anew.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use crate::config::model::{Access, FileOrigin, Origin, Source};

/// To be raised when the same bytes would be read into other records than before.
const REVISION: u32 = 1;

/// A digest of what decides how a source's bytes are found and read. Secrets in an address do not show in it.
pub(crate) fn identity(source: &Source, max_record_size: usize) -> String {
    let (place, path) = match &source.origin {
        Origin::Git {
            repository, path, ..
        } => (repository.as_str(), path.as_str()),
        Origin::File(FileOrigin::Path(path)) => (path.to_str().unwrap_or_default(), ""),
        Origin::File(FileOrigin::Url { url, .. }) => (url.as_str(), ""),
        Origin::Api { endpoint, .. } => (endpoint.as_str(), ""),
    };
    let text = format!(
        "{REVISION}\n{place}\n{path}\n{:?}\n{max_record_size}{}",
        source.format,
        shown_as(source)
    );
    let mut digest = hex(&Sha256::digest(text));
    digest.truncate(16);
    digest
}

/// Identity of the source at its server, which may give each client another list. It shows no secret, so that a rotated one
/// changes nothing.
fn shown_as(source: &Source) -> String {
    let (Origin::Api { access, .. } | Origin::File(FileOrigin::Url { access, .. })) =
        &source.origin
    else {
        return String::new();
    };
    match *access == Access::default() {
        true => String::new(),
        false => format!("\n{:?}\n{:?}", access.credentials, access.headers),
    }
}

#[derive(Serialize, Deserialize)]
struct Saved<T> {
    /// Identity of the configuration.
    of: String,
    state: T,
}

/// The text that the daemon keeps.
pub(super) fn save<T: Serialize>(identity: &str, state: T) -> String {
    let saved = Saved {
        of: identity.to_owned(),
        state,
    };
    serde_json::to_string(&saved).unwrap_or_default()
}

/// What was saved, when it is of the same configuration.
pub(super) fn load<T: DeserializeOwned>(identity: &str, text: Option<&str>) -> Option<T> {
    let saved: Saved<T> = serde_json::from_str(text?).ok()?;
    (saved.of == identity).then_some(saved.state)
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::{load, save};

    #[test]
    fn a_fingerprint_counts_only_for_the_configuration_it_was_made_with() {
        let text = save("a", 7);
        for (identity, text, expected) in [
            ("a", Some(text.as_str()), Some(7)),
            ("b", Some(text.as_str()), None),
            ("a", Some("from an older program"), None),
            ("a", None, None),
        ] {
            assert_eq!(load::<u32>(identity, text), expected, "{identity} {text:?}");
        }
    }
}
