//! Strong entity tags, made of tags that are stored already: a page is tagged before it is put together.

use std::fmt;

use ::http::{HeaderMap, HeaderValue, header};
use cairn_registry::model::Digest;

/// Bytes shown of a digest. Half of one tells as many contents apart as anybody will ever make.
const SHOWN: usize = 16;

/// `"…"`, as it stands in the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Etag(String);

impl Etag {
    /// Of an answer of this `shape` that holds these contents, in this order, and ends with `rest`. The version of the
    /// program is part of it, since another one may write the same contents differently.
    pub(crate) fn of<'a>(
        shape: &'static str,
        contents: impl IntoIterator<Item = &'a str>,
        rest: &'a str,
    ) -> Self {
        let head = [env!("CARGO_PKG_VERSION").as_bytes(), shape.as_bytes()];
        let mut parts: Vec<&[u8]> = head.to_vec();
        // Tags are all of one size, so the rest needs no mark.
        parts.extend(contents.into_iter().map(str::as_bytes));
        parts.push(rest.as_bytes());
        let digest = Digest::of(parts);
        let mut text = String::with_capacity(2 * SHOWN + 2);
        let _ = write(&mut text, &digest);
        Self(text)
    }

    /// Of an answer that is always the same text.
    pub(crate) fn of_text(text: &[u8]) -> Self {
        Self::of("text", [&*Digest::of([text]).to_string()], "")
    }

    /// Whether the client has this already (RFC 9110, section 13.1.2: weak comparison, `*` is anything).
    pub(crate) fn is_known(&self, headers: &HeaderMap) -> bool {
        let values = headers.get_all(header::IF_NONE_MATCH).iter();
        values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == self.0)
    }

    pub(crate) fn header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0).ok()
    }
}

fn write(text: &mut impl fmt::Write, digest: &Digest) -> fmt::Result {
    text.write_char('"')?;
    for byte in digest.as_bytes().iter().take(SHOWN) {
        write!(text, "{byte:02x}")?;
    }
    text.write_char('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_tells_contents_order_shape_and_rest_apart() {
        let tags = [
            Etag::of("list", ["a", "b"], ""),
            Etag::of("list", ["b", "a"], ""),
            Etag::of("list", ["a", "b"], "next"),
            Etag::of("versions", ["a", "b"], ""),
            Etag::of("list", ["a"], ""),
            Etag::of("list", [], ""),
        ];
        for (index, tag) in tags.iter().enumerate() {
            assert_eq!(tag.0.len(), 34);
            assert_eq!(tags.iter().position(|other| other == tag), Some(index));
        }
    }

    #[test]
    fn a_client_names_what_it_has() {
        let tag = Etag("\"a\"".to_owned());
        let check = |known: &str, expected| {
            let headers = [(header::IF_NONE_MATCH, known.parse().expect(known))]
                .into_iter()
                .collect();
            assert_eq!(tag.is_known(&headers), expected, "{known}");
        };
        check("\"a\"", true);
        check("W/\"a\"", true);
        check("\"b\", W/\"a\"", true);
        check("*", true);
        check("\"b\"", false);
        check("a", false);
        check("", false);
        assert!(!tag.is_known(&HeaderMap::new()));
    }
}
