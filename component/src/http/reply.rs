//! Answers: status, headers, a whole body. Every one may be read by scripts of any origin.

use ::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use bytes::Bytes;

use super::{Call, Etag, Fault, Target};

/// What a handler gives back.
pub(crate) type Served = Result<Reply, Fault>;

/// Methods every route has.
pub(super) const ALLOW: &str = "GET, HEAD, OPTIONS";

const fn fixed(text: &'static str) -> HeaderValue {
    HeaderValue::from_static(text)
}

/// Cross-origin rules, on every answer: some clients look for them outside preflights too. Methods and `*` are what the
/// official registry answers, whose clients were made against it: they stand for what a browser may send, not for what a
/// route takes, which `Allow` says. `*` does not cover `Authorization`, so that one is named.
const CORS: [(HeaderName, HeaderValue); 4] = [
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, fixed("*")),
    (
        header::ACCESS_CONTROL_ALLOW_METHODS,
        fixed("GET, POST, PUT, DELETE, OPTIONS"),
    ),
    (
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        fixed("*, Authorization, Content-Type"),
    ),
    (
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        fixed("Content-Type, Content-Length, ETag"),
    ),
];

/// How long others may keep an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cache {
    /// Records: fresh for five seconds, and usable for 25 more while a new copy is fetched. Nobody sees anything older
    /// than clients of the public registry do, whose edge keeps lists for 30 seconds.
    Records,
    /// What changes with the program only.
    Program,
    Never,
}

impl Cache {
    fn header(self) -> HeaderValue {
        fixed(match self {
            Self::Records => "public, max-age=5, stale-while-revalidate=25",
            Self::Program => "public, max-age=300",
            Self::Never => "no-store",
        })
    }
}

/// An answer that is not finished yet: cross-origin rules and length are added to every one at the end.
#[derive(Debug)]
pub(crate) struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Reply {
    /// An answer that nobody keeps.
    pub(crate) fn new(status: StatusCode, media: &'static str, body: impl Into<Bytes>) -> Self {
        Self::bare(status, Cache::Never)
            .header(header::CONTENT_TYPE, fixed(media))
            .with(body.into())
    }

    /// An answer that others may keep and ask for again by its tag. The body is made only for who does not have it.
    pub(crate) fn tagged<B: Into<Bytes>>(
        call: &Call<'_>,
        etag: &Etag,
        (media, cache): (&'static str, Cache),
        body: impl FnOnce() -> B,
    ) -> Self {
        let reply = if etag.is_known(call.headers) {
            Self::bare(StatusCode::NOT_MODIFIED, cache)
        } else {
            Self::bare(StatusCode::OK, cache)
                .header(header::CONTENT_TYPE, fixed(media))
                .with(body().into())
        };
        match etag.header() {
            Some(etag) => reply.header(header::ETAG, etag),
            None => reply,
        }
    }

    /// To any `OPTIONS`, before anything is looked up.
    pub(crate) fn preflight() -> Self {
        Self::bare(StatusCode::NO_CONTENT, Cache::Never)
            .header(header::ALLOW, fixed(ALLOW))
            .header(header::ACCESS_CONTROL_MAX_AGE, fixed("86400"))
    }

    /// The same without its trailing slash, with the same method.
    pub(crate) fn moved(target: Target<'_>) -> Served {
        let reply = Self::bare(StatusCode::PERMANENT_REDIRECT, Cache::Program);
        Ok(reply.header(header::LOCATION, target.location()?))
    }

    fn bare(status: StatusCode, cache: Cache) -> Self {
        let headers = HeaderMap::with_capacity(12);
        Self {
            status,
            headers,
            body: Bytes::new(),
        }
        .header(header::CACHE_CONTROL, cache.header())
    }

    fn with(mut self, body: Bytes) -> Self {
        self.body = body;
        self
    }

    /// Sets a header.
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The response to a request of this method.
    pub(crate) fn finish(mut self, method: &Method) -> Response<Bytes> {
        self.headers.extend(CORS);
        self.headers
            .insert(header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff"));
        if !matches!(
            self.status,
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
        ) {
            self.headers
                .insert(header::CONTENT_LENGTH, self.body.len().into());
        }
        let body = if method == Method::HEAD {
            Bytes::new()
        } else {
            self.body
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}
