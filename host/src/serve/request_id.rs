//! The id that a request is found by in logs: the caller's, when it is harmless, else a new one.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};

/// Longest id taken over.
const LONGEST: usize = 128;

pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// An id of visible ASCII.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestId(Arc<str>);

impl RequestId {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let given = headers
            .get(HEADER)
            .map(HeaderValue::as_bytes)
            .unwrap_or_default();
        let sane = (1..=LONGEST).contains(&given.len()) && given.iter().all(u8::is_ascii_graphic);
        match std::str::from_utf8(given) {
            Ok(given) if sane => Self(given.into()),
            _ => Self(format!("{:032x}", fastrand::u128(..)).into()),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The id as a header's value, which visible ASCII always is.
    pub(crate) fn value(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).unwrap_or(HeaderValue::from_static("-"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_harmless_id_is_taken_over_and_any_other_replaced() {
        let longest = "x".repeat(LONGEST);
        let too_long = "x".repeat(LONGEST + 1);
        for (given, kept) in [
            ("0af7651916cd43dd", true),
            ("a/b:c_d", true),
            (longest.as_str(), true),
            (too_long.as_str(), false),
            ("", false),
            ("two words", false),
            ("tab\there", false),
            ("ümlaut", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, HeaderValue::from_bytes(given.as_bytes()).unwrap());
            let id = RequestId::of(&headers);
            assert_eq!(id.as_str() == given, kept, "{given:?}");
            assert_eq!(id.value(), id.as_str());
        }
        let (one, two) = (
            RequestId::of(&HeaderMap::new()),
            RequestId::of(&HeaderMap::new()),
        );
        assert_ne!(one, two);
        assert_eq!(one.as_str().len(), 32);
    }
}
