//! A place in a list, with the query it belongs to.
//!
//! A cursor is base64url without padding, because clients paste it into URLs unescaped. It carries search, version and
//! filters, because clients do not repeat them on later pages. A checksum tells an altered one from a good one; it is no
//! secret. The cursors of the official registry (`name:version`) and of ToolHive (base64 of `name,version`) are accepted
//! too and carry no query.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

use crate::{Error, Result};

/// The last record of the page before: the next page begins after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    pub name: String,
    pub version: String,
}

/// A position, with the query of the list it was made in; `None` in all of them for foreign cursors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    pub after: Position,
    pub search: Option<String>,
    pub version: Option<String>,
    /// Microseconds since the epoch.
    pub updated_since: Option<i64>,
    pub include_deleted: Option<bool>,
}

/// Bytes of the checksum in front of the content.
const CHECKSUM: usize = 4;

impl Cursor {
    /// The text a client sends back.
    #[must_use]
    pub fn encode(&self) -> String {
        let content = serde_json::to_vec(&(
            &self.after.name,
            &self.after.version,
            &self.search,
            &self.version,
            self.updated_since,
            self.include_deleted,
        ))
        .unwrap_or_default();
        let mut bytes = checksum(&content).to_vec();
        bytes.extend_from_slice(&content);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads our own form, then the official one, then ToolHive's.
    pub fn decode(text: &str) -> Result<Self> {
        own(text)
            .or_else(|| official(text))
            .or_else(|| toolhive(text))
            .ok_or_else(|| {
                Error::invalid(
                    "cursor",
                    text,
                    "invalid cursor: send the nextCursor of the page before unchanged, or none to begin",
                )
            })
    }

    fn foreign(name: &str, version: &str) -> Option<Self> {
        (!name.is_empty()).then(|| Self {
            after: Position {
                name: name.to_owned(),
                version: version.to_owned(),
            },
            search: None,
            version: None,
            updated_since: None,
            include_deleted: None,
        })
    }
}

fn own(text: &str) -> Option<Cursor> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (sum, content) = bytes.split_at_checked(CHECKSUM)?;
    (sum == checksum(content)).then_some(())?;
    let (name, version, search, filter, updated_since, include_deleted) =
        serde_json::from_slice(content).ok()?;
    Some(Cursor {
        after: Position { name, version },
        search,
        version: filter,
        updated_since,
        include_deleted,
    })
}

/// `name:version`, split at the first colon. A name has a slash, which base64url never has: the forms cannot be confused.
fn official(text: &str) -> Option<Cursor> {
    let (name, version) = text.split_once(':').unwrap_or((text, ""));
    let plausible =
        name.contains('/') && !text.chars().any(|c| c.is_control() || c.is_whitespace());
    plausible.then(|| Cursor::foreign(name, version))?
}

fn toolhive(text: &str) -> Option<Cursor> {
    let bytes = STANDARD
        .decode(text)
        .or_else(|_| STANDARD_NO_PAD.decode(text))
        .ok()?;
    let decoded = String::from_utf8(bytes).ok()?;
    let (name, version) = decoded.split_once(',')?;
    let plausible = name.contains('/') && !decoded.chars().any(char::is_control);
    plausible.then(|| Cursor::foreign(name, version))?
}

/// FNV-1a, 32 bits: enough to notice a cut or mistyped cursor.
fn checksum(content: &[u8]) -> [u8; CHECKSUM] {
    content
        .iter()
        .fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
        })
        .to_be_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn foreign_cursors_are_places_without_a_query() {
        let check = |text: &str, expected: Option<(&str, &str)>| {
            let found = Cursor::decode(text).ok().map(|cursor| cursor.after);
            let expected = expected.map(|(name, version)| Position {
                name: name.to_owned(),
                version: version.to_owned(),
            });
            assert_eq!(found, expected, "{text}");
        };
        check("io.a/x:1.0.0", Some(("io.a/x", "1.0.0")));
        check("io.a/x", Some(("io.a/x", "")));
        check("io.a/x:1:2", Some(("io.a/x", "1:2")));
        check(&STANDARD.encode("io.a/x,1.0.0"), Some(("io.a/x", "1.0.0")));
        check("", None);
        check("not a cursor", None);
        check("!!!", None);
        check("AAAA", None);
    }

    proptest! {
        #[test]
        fn a_cursor_survives_the_journey(name: String, version: String, search: Option<String>, since: Option<i64>) {
            let cursor = Cursor {
                after: Position { name, version },
                search,
                version: Some("latest".to_owned()),
                updated_since: since,
                include_deleted: Some(true),
            };
            let text = cursor.encode();
            prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            prop_assert_eq!(Cursor::decode(&text).ok(), Some(cursor));
        }

        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = Cursor::decode(&text);
        }
    }
}
