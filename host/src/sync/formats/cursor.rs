//! The cursor of the next page, under every spelling that public registries use. It reads members and follows nothing.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;
use serde_json::value::RawValue;

/// Members that promise a further page, in lower case without separators. They count even on a page that is not full: an
/// upstream may have a smaller page size than was asked for.
const PROMISES: [&str; 12] = [
    "next",
    "nextpage",
    "nexttoken",
    "nextpagetoken",
    "nextpagecursor",
    "nextkey",
    "nextoffset",
    "nexturl",
    "nextlink",
    "hasnext",
    "hasnextpage",
    "hasmore",
];

/// Cursors of one page: the words that lead to the next one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cursors {
    /// The cursor of the next page.
    pub next: Option<String>,
    /// The page has a cursor member that was understood, even if it says that there is no next page.
    known: bool,
    /// The first member that promises a next page in a form that is not known.
    promise: Option<String>,
    /// The first member whose name merely resembles that of a cursor.
    resembling: Option<String>,
}

impl Cursors {
    /// Takes note of a member of the page; one that is too large has no value. Objects such as `metadata` or `pagination`
    /// are looked into.
    pub(super) fn note(&mut self, key: &str, value: Option<&str>) {
        let Some(value) = value else {
            return self.too_large(key);
        };
        if value.starts_with('{') {
            for (inner, value) in members(value) {
                let path = format!("{key}.{inner}");
                self.member(&inner, value.get(), &path, key == "metadata");
            }
        }
        self.member(key, value, key, true);
    }

    fn too_large(&mut self, key: &str) {
        if key == "metadata" || resembles(&plain(key)) {
            self.resembling.get_or_insert_with(|| key.to_owned());
        }
    }

    fn member(&mut self, key: &str, value: &str, path: &str, in_place: bool) {
        let name = plain(key);
        if name == "nextcursor" && in_place {
            match Value::of(value) {
                Value::End => self.known = true,
                Value::Cursor(cursor) => {
                    self.known = true;
                    self.next.get_or_insert(cursor);
                }
                Value::Other => self.promises(path),
            }
        } else if matches!(Value::of(value), Value::End) {
            // No promise.
        } else if name == "nextcursor" || PROMISES.contains(&name.as_str()) {
            self.promises(path);
        } else if resembles(&name) {
            self.resembling.get_or_insert_with(|| path.to_owned());
        }
    }

    fn promises(&mut self, path: &str) {
        self.promise.get_or_insert_with(|| path.to_owned());
    }

    /// The member that leads to a next page in a way that is not understood, on a page that is full or not.
    pub(crate) fn not_understood(&self, full: bool) -> Option<&str> {
        if self.known {
            return None;
        }
        let resembling = self.resembling.as_deref().filter(|_| full);
        self.promise.as_deref().or(resembling)
    }
}

/// The name in lower case without `_`, `-` and the like.
fn plain(key: &str) -> String {
    key.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect()
}

/// Returns true if a plain name is like that of a cursor.
fn resembles(name: &str) -> bool {
    name.contains("cursor") || name.contains("next")
}

/// The value of a member that may be a cursor.
enum Value {
    /// Null, false, an empty text, an empty list or object, or zero.
    End,
    Cursor(String),
    Other,
}

impl Value {
    fn of(value: &str) -> Self {
        if matches!(value, "null" | "false" | "0" | "[]" | "{}") {
            return Self::End;
        }
        if let Ok(text) = serde_json::from_str::<String>(value) {
            return match text.is_empty() {
                true => Self::End,
                false => Self::Cursor(text),
            };
        }
        match !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
            true => Self::Cursor(value.to_owned()),
            false => Self::Other,
        }
    }
}

#[derive(Deserialize, Default)]
struct Members<'a>(#[serde(borrow)] BTreeMap<Cow<'a, str>, &'a RawValue>);

fn members(object: &str) -> BTreeMap<Cow<'_, str>, &RawValue> {
    serde_json::from_str::<Members<'_>>(object)
        .unwrap_or_default()
        .0
}

#[cfg(test)]
mod tests {
    use super::Cursors;

    fn read(members: &[(&str, &str)]) -> Cursors {
        let mut cursors = Cursors::default();
        for (key, value) in members {
            cursors.note(key, Some(value));
        }
        cursors
    }

    #[test]
    fn cursors_are_read_in_every_spelling() {
        for (members, next) in [
            (&[("metadata", r#"{"nextCursor":"a"}"#)][..], Some("a")),
            (&[("metadata", r#"{"next_cursor":"a"}"#)], Some("a")),
            (&[("metadata", r#"{"NextCursor":100}"#)], Some("100")),
            (
                &[("metadata", r#"{"next-cursor":18446744073709551616}"#)],
                Some("18446744073709551616"),
            ),
            (&[("nextCursor", r#""a""#)], Some("a")),
            (
                &[("next_cursor", "7"), ("metadata", r#"{"nextCursor":null}"#)],
                Some("7"),
            ),
            (
                &[
                    ("metadata", r#"{"nextCursor":"a"}"#),
                    ("next_cursor", r#""b""#),
                ],
                Some("a"),
            ),
            (&[("metadata", r#"{"nextCursor":""}"#)], None),
            (&[("metadata", r#"{"nextCursor":0}"#)], None),
            (
                &[("metadata", r#"{"nextCursor":false,"cursor":"this page"}"#)],
                None,
            ),
            (&[("metadata", r#"{"count":100}"#)], None),
            (&[], None),
        ] {
            let found = read(members);
            assert_eq!(found.next.as_deref(), next, "{members:?}");
            assert_eq!(found.not_understood(true), None, "{members:?}");
        }
    }

    #[test]
    fn members_that_lead_on_in_another_way_are_named() {
        for (members, full, other) in [
            (
                &[("metadata", r#"{"nextCursor":{"offset":3}}"#)][..],
                Some("metadata.nextCursor"),
                Some("metadata.nextCursor"),
            ),
            (
                &[("metadata", r#"{"nextCursor":-1.5}"#)],
                Some("metadata.nextCursor"),
                Some("metadata.nextCursor"),
            ),
            (
                &[("pagination", r#"{"next_cursor":"a"}"#)],
                Some("pagination.next_cursor"),
                Some("pagination.next_cursor"),
            ),
            (
                &[("links", r#"{"next":"http://r/2"}"#)],
                Some("links.next"),
                Some("links.next"),
            ),
            (&[("next", r#""http://r/2""#)], Some("next"), Some("next")),
            (
                &[("metadata", r#"{"hasNextPage":true}"#)],
                Some("metadata.hasNextPage"),
                Some("metadata.hasNextPage"),
            ),
            (
                &[("metadata", r#"{"cursor":"a"}"#)],
                Some("metadata.cursor"),
                None,
            ),
            (
                &[("nextUpdate", r#""2026-01-01""#)],
                Some("nextUpdate"),
                None,
            ),
            (&[("next", "null"), ("cursor", r#""""#)], None, None),
        ] {
            let found = read(members);
            assert_eq!(found.not_understood(true), full, "{members:?}");
            assert_eq!(found.not_understood(false), other, "{members:?}");
            assert_eq!(found.next, None, "{members:?}");
        }
    }
}
