//! The id that a request is found by in logs: the caller's, when it is harmless, else a new one.

use http::{HeaderMap, HeaderName, HeaderValue, Response, header};

/// Longest id taken over.
const LONGEST: usize = 128;

pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Adds what every answer of the host carries.
pub(crate) fn stamp<B>(response: &mut Response<B>, id: &RequestId) {
    let headers = response.headers_mut();
    headers.insert(HEADER, id.value());
    headers
        .entry(header::X_CONTENT_TYPE_OPTIONS)
        .or_insert(HeaderValue::from_static("nosniff"));
}

/// An id of visible ASCII, kept as the header that it goes out as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let sane = |given: &&HeaderValue| {
            (1..=LONGEST).contains(&given.len())
                && given.as_bytes().iter().all(u8::is_ascii_graphic)
        };
        match headers.get(HEADER).filter(sane) {
            Some(given) => Self(given.clone()),
            None => Self::new(),
        }
    }

    fn new() -> Self {
        let mut left = fastrand::u128(..);
        let id: [u8; 32] = std::array::from_fn(|_| {
            let digit = left as u8 & 15;
            left >>= 4;
            digit + if digit < 10 { b'0' } else { b'a' - 10 }
        });
        Self(HeaderValue::from_bytes(&id).unwrap_or(HeaderValue::from_static("-")))
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    pub(crate) fn value(&self) -> HeaderValue {
        self.0.clone()
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
