//! Strong entity tags, made of what is stored of the records' digests: a page is tagged before it is put together.

use ::http::{HeaderMap, HeaderValue, header};
use cairn_registry::model::Digest;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128_with_seed};

use super::program;

/// `"…"`, as it stands in the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Etag(String);

impl Etag {
    /// Of an answer of this `shape` that holds these contents, told by their digests in this order, and ends with `rest`.
    /// The version of the program is part of it, since another one may write the same contents differently. What has to
    /// withstand malice are the digests; to join them, a hash that costs little will do.
    pub(crate) fn of(shape: &'static str, contents: &str, rest: &str) -> Self {
        let around = [program::VERSION, shape, rest].join("\0");
        let hash = xxh3_128_with_seed(contents.as_bytes(), xxh3_64(around.as_bytes()));
        Self(format!("\"{hash:032x}\""))
    }

    /// Of an answer that is always the same text.
    pub(crate) fn of_text(text: &[u8]) -> Self {
        Self::of("text", &Digest::of([text]).to_string(), "")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_tells_contents_order_shape_and_rest_apart() {
        let tags = [
            Etag::of("list", "ab", ""),
            Etag::of("list", "ba", ""),
            Etag::of("list", "ab", "next"),
            Etag::of("list", "abn", "ext"),
            Etag::of("versions", "ab", ""),
            Etag::of("list", "a", ""),
            Etag::of("list", "", ""),
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
