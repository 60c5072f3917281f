//! What may be asked of the cache, and what may be kept in it (RFC 9111, and stricter).

use std::{hash::Hash, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};

/// What tells one read from another, without the codings, which the host makes itself.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key<'a> {
    /// Path and raw query.
    pub(crate) target: &'a str,
    pub(crate) accept: Option<&'a HeaderValue>,
    pub(crate) origin: Option<&'a HeaderValue>,
}

impl<'a> Key<'a> {
    pub(crate) fn of(uri: &'a Uri, headers: &'a HeaderMap) -> Self {
        Self {
            target: uri.path_and_query().map_or("/", |target| target.as_str()),
            accept: headers.get(header::ACCEPT),
            origin: headers.get(header::ORIGIN),
        }
    }
}

/// What a request wants of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// A kept answer will do.
    Kept,
    /// A new answer, which may then be kept.
    New,
    /// Not to meet the cache: the answer is this caller's, or the request is no read.
    Nothing,
}

pub(crate) fn wish(method: &Method, headers: &HeaderMap) -> Wish {
    let single = |name| headers.get_all(name).iter().nth(1).is_none();
    let reading = matches!(*method, Method::GET | Method::HEAD);
    let personal =
        headers.contains_key(header::AUTHORIZATION) || headers.contains_key(header::COOKIE);
    if !reading || personal || !single(header::ACCEPT) || !single(header::ORIGIN) {
        return Wish::Nothing;
    }
    let directives = Directives::of(headers, header::CACHE_CONTROL);
    // The older header counts where the newer one is absent.
    let older =
        || directives.0.is_empty() && Directives::of(headers, header::PRAGMA).has("no-cache");
    if directives.has("no-store") {
        Wish::Nothing
    } else if directives.has("no-cache") || directives.number("max-age") == Some(0) || older() {
        Wish::New
    } else {
        Wish::Kept
    }
}

/// Whether a response may be kept for others, and for how long; `Some(None)` is as long as the database does not
/// change. Only what says that it may be shared is kept, and only if it depends on nothing outside the key.
#[expect(
    clippy::option_option,
    reason = "not at all, and without an end, are two answers"
)]
pub(crate) fn may_keep(status: StatusCode, headers: &HeaderMap) -> Option<Option<Duration>> {
    const STATUS: [StatusCode; 5] = [
        StatusCode::OK,
        StatusCode::MOVED_PERMANENTLY,
        StatusCode::PERMANENT_REDIRECT,
        StatusCode::NOT_FOUND,
        StatusCode::GONE,
    ];
    const KEYED: [HeaderName; 3] = [header::ACCEPT, header::ACCEPT_ENCODING, header::ORIGIN];

    let directives = Directives::of(headers, header::CACHE_CONTROL);
    let forbidden = ["no-store", "no-cache", "private"];
    let fresh = directives
        .number("s-maxage")
        .or_else(|| directives.number("max-age"));
    let shared = directives.has("public") || fresh.is_some();
    let varies = names(headers, header::VARY).any(|name| {
        !KEYED
            .iter()
            .any(|keyed| name.eq_ignore_ascii_case(keyed.as_str()))
    });
    if !STATUS.contains(&status)
        || !shared
        || fresh == Some(0)
        || forbidden.into_iter().any(|word| directives.has(word))
        || varies
        || headers.contains_key(header::SET_COOKIE)
    {
        return None;
    }
    Some(fresh.map(Duration::from_secs))
}

fn names(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

/// The directives of a header such as `Cache-Control`.
struct Directives<'a>(Vec<&'a str>);

impl<'a> Directives<'a> {
    fn of(headers: &'a HeaderMap, name: HeaderName) -> Self {
        Self(
            names(headers, name)
                .filter(|directive| !directive.is_empty())
                .collect(),
        )
    }

    /// `no-cache` and `private` may name fields: then they still mean that the whole is not kept.
    fn has(&self, word: &str) -> bool {
        self.0.iter().any(|directive| {
            directive
                .split('=')
                .next()
                .is_some_and(|name| name.trim().eq_ignore_ascii_case(word))
        })
    }

    fn number(&self, word: &str) -> Option<u64> {
        let value = self.0.iter().find_map(|directive| {
            let (name, value) = directive.split_once('=')?;
            name.trim()
                .eq_ignore_ascii_case(word)
                .then(|| value.trim().trim_matches('"'))
        })?;
        // A number too large is a long time; what is no number is no time at all.
        let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        Some(if digits {
            value.parse().unwrap_or(u64::MAX >> 1)
        } else {
            0
        })
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn requests_say_what_they_want() {
        for (method, headers, expected) in [
            ("GET", vec![], Wish::Kept),
            ("HEAD", vec![], Wish::Kept),
            ("POST", vec![], Wish::Nothing),
            ("GET", vec![("accept", "a/b"), ("origin", "x")], Wish::Kept),
            (
                "GET",
                vec![("accept", "a/b"), ("accept", "c/d")],
                Wish::Nothing,
            ),
            ("GET", vec![("authorization", "Bearer x")], Wish::Nothing),
            ("GET", vec![("cookie", "a=b")], Wish::Nothing),
            ("GET", vec![("cache-control", "no-cache")], Wish::New),
            ("GET", vec![("cache-control", "foo, No-Cache")], Wish::New),
            ("GET", vec![("cache-control", "max-age=0")], Wish::New),
            ("GET", vec![("cache-control", "max-age=60")], Wish::Kept),
            ("GET", vec![("cache-control", "no-store")], Wish::Nothing),
            ("GET", vec![("pragma", "no-cache")], Wish::New),
            (
                "GET",
                vec![("pragma", "no-cache"), ("cache-control", "max-age=5")],
                Wish::Kept,
            ),
        ] {
            let mut request = Request::builder().method(method);
            for (name, value) in &headers {
                request = request.header(*name, *value);
            }
            let (parts, ()) = request.body(()).unwrap().into_parts();
            assert_eq!(
                wish(&parts.method, &parts.headers),
                expected,
                "{method} {headers:?}"
            );
        }
    }

    #[test]
    fn responses_say_whether_they_may_be_kept() {
        let seconds = |seconds| Some(Some(Duration::from_secs(seconds)));
        for (status, headers, expected) in [
            (200, vec![], None),
            (200, vec![("cache-control", "public")], Some(None)),
            (200, vec![("cache-control", "max-age=60")], seconds(60)),
            (
                200,
                vec![("cache-control", "max-age=60, s-maxage=5")],
                seconds(5),
            ),
            (200, vec![("cache-control", "public, max-age=0")], None),
            (200, vec![("cache-control", "max-age=soon")], None),
            (
                200,
                vec![("cache-control", "public, no-cache=\"set-cookie\"")],
                None,
            ),
            (200, vec![("cache-control", "private, max-age=60")], None),
            (200, vec![("cache-control", "no-store, public")], None),
            (
                200,
                vec![("cache-control", "public"), ("set-cookie", "a=b")],
                None,
            ),
            (
                200,
                vec![("cache-control", "public"), ("vary", "Origin, accept")],
                Some(None),
            ),
            (
                200,
                vec![("cache-control", "public"), ("vary", "User-Agent")],
                None,
            ),
            (200, vec![("cache-control", "public"), ("vary", "*")], None),
            (404, vec![("cache-control", "max-age=5")], seconds(5)),
            (308, vec![("cache-control", "public")], Some(None)),
            (500, vec![("cache-control", "public")], None),
            (206, vec![("cache-control", "public")], None),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in &headers {
                map.append(*name, HeaderValue::from_static(value));
            }
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(may_keep(status, &map), expected, "{status} {headers:?}");
        }
    }
}
