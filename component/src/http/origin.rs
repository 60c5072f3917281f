//! Address under which a client reaches this registry, for texts that people copy.
//!
//! The native host knows its peer and says the address in [`HEADER`], which it takes from no client. Without it the address
//! is the one of the request, or unknown when there are signs of a proxy.

use std::fmt;

use ::http::{HeaderMap, HeaderName, header};

use super::Call;

/// Scheme, authority and prefix, as `https://example.com/mcp`.
const HEADER: HeaderName = HeaderName::from_static("cairn-origin");

/// Header fields that proxies add.
const PROXY: [HeaderName; 4] = [
    header::FORWARDED,
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-prefix"),
];

/// Address of the registry's root, without a slash at its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Known(String),
    /// A proxy is in front whose word is not taken.
    Unknown,
}

impl Origin {
    pub(crate) fn of(call: &Call<'_>) -> Self {
        if let Some(told) = told(call.headers) {
            return Self::Known(told.to_owned());
        }
        if PROXY.iter().any(|name| call.headers.contains_key(name)) {
            return Self::Unknown;
        }
        let scheme = call.uri.scheme_str().unwrap_or("http");
        let authority = call.authority().filter(|text| plausible(text, ""));
        Self::Known(format!("{scheme}://{}", authority.unwrap_or("localhost")))
    }
}

/// As shown: an unknown address is a word to replace.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(origin) => f.write_str(origin),
            Self::Unknown => f.write_str("https://ADDRESS"),
        }
    }
}

fn told(headers: &HeaderMap) -> Option<&str> {
    let told = headers.get(HEADER)?.to_str().ok()?;
    let (scheme, rest) = told.split_once("://")?;
    (["http", "https"].contains(&scheme) && plausible(rest, "/_~%")).then_some(told)
}

/// Letters, digits, what stands in addresses, and `more`.
fn plausible(text: &str, more: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c) || more.contains(c);
    !text.is_empty() && text.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_is_taken_over() {
        let check = |value: &str, expected| {
            let headers = [(HEADER, value.parse().expect(value))]
                .into_iter()
                .collect();
            assert_eq!(told(&headers), expected, "{value}");
        };
        for good in [
            "https://example.com",
            "http://[::1]:8080",
            "https://example.com/mcp/a%20b",
        ] {
            check(good, Some(good));
        }
        for bad in [
            "",
            "example.com",
            "https://",
            "javascript://x",
            "https://x/<script>",
            "https://x\"y",
            "https://x y",
            "https://x?q",
        ] {
            check(bad, None);
        }
    }
}
