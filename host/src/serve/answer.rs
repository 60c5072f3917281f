//! A guest's complete answer and its renderings: plain, and in each coding once somebody asked for it.

use std::{
    num::NonZero,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header, response::Parts};
use tokio::sync::{OnceCell, Semaphore};

use super::{
    body::Body,
    coding::{Coding, Effort, compress, worth_it},
};

/// A body of at least this size is compressed on a thread that may take its time.
const LARGE: usize = 8 * 1024;

/// Compressions under way at once: more than there are processors would take memory, and no less time.
static TURNS: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(std::thread::available_parallelism().map_or(2, NonZero::get)));

/// Roughly what the map entries, header names and cells of one rendering take.
const OVERHEAD: usize = 1024;

/// A complete answer.
pub(crate) struct Answer {
    status: StatusCode,
    plain: Rendering,
    /// In the order of [`Coding::ALL`]; `None` inside where coding made it no smaller.
    coded: [OnceCell<Option<Rendering>>; 3],
    codable: bool,
    effort: Effort,
    /// Bytes that this answer and its renderings take.
    size: AtomicUsize,
}

/// Headers and body ready to be sent.
struct Rendering {
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    pub(crate) fn new(parts: Parts, body: Bytes, effort: Effort) -> Self {
        let mut headers = parts.headers;
        let codable = worth_it(&headers, body.len());
        if codable {
            vary(&mut headers);
        }
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        Self {
            status: parts.status,
            size: AtomicUsize::new(body.len() + OVERHEAD),
            plain: Rendering { headers, body },
            coded: Default::default(),
            codable,
            effort,
        }
    }

    pub(crate) fn size(&self) -> usize {
        self.size.load(Ordering::Relaxed)
    }

    /// The response to one caller: in the coding it likes, without a body when it has it already or asked with `HEAD`.
    pub(crate) async fn respond(
        self: &Arc<Self>,
        request: &HeaderMap,
        head: bool,
    ) -> Response<Body> {
        let rendering = match self.coding(request) {
            Some(coding) => self.coded(coding).await.unwrap_or(&self.plain),
            None => &self.plain,
        };
        self.response(rendering, request, head)
    }

    /// [`Self::respond`] when that takes no work; `None` when something is still to be coded.
    pub(crate) fn ready(&self, request: &HeaderMap, head: bool) -> Option<Response<Body>> {
        let rendering = match self.coding(request) {
            Some(coding) => self.cell(coding)?.get()?.as_ref().unwrap_or(&self.plain),
            None => &self.plain,
        };
        Some(self.response(rendering, request, head))
    }

    fn response(&self, rendering: &Rendering, request: &HeaderMap, head: bool) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        response.headers_mut().clone_from(&rendering.headers);
        if self.status == StatusCode::OK && holds(request, &rendering.headers) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response.headers_mut().remove(header::CONTENT_LENGTH);
        } else if !head {
            *response.body_mut() = Body::Whole(rendering.body.clone());
        }
        response
    }

    fn coding(&self, request: &HeaderMap) -> Option<Coding> {
        if self.codable {
            super::coding::choose(request)
        } else {
            None
        }
    }

    fn cell(&self, coding: Coding) -> Option<&OnceCell<Option<Rendering>>> {
        let mut cells = self.coded.iter().zip(Coding::ALL);
        cells.find_map(|(cell, known)| (known == coding).then_some(cell))
    }

    async fn coded(self: &Arc<Self>, coding: Coding) -> Option<&Rendering> {
        let cell = self.cell(coding)?;
        cell.get_or_init(|| async {
            let body = self.compressed(coding).await?;
            self.size
                .fetch_add(body.len() + OVERHEAD, Ordering::Relaxed);
            Some(self.plain.coded(coding, body))
        })
        .await
        .as_ref()
    }

    async fn compressed(self: &Arc<Self>, coding: Coding) -> Option<Bytes> {
        let (bytes, effort) = (self.plain.body.clone(), self.effort);
        let compressed = if bytes.len() < LARGE {
            compress(coding, effort, &bytes)
        } else {
            let _turn = TURNS.acquire().await;
            let job = tokio::task::spawn_blocking(move || compress(coding, effort, &bytes));
            job.await
                .unwrap_or_else(|panic| Err(std::io::Error::other(panic)))
        };
        compressed.unwrap_or_else(|error| {
            tracing::error!(coding = coding.name(), %error, "a response could not be compressed and is sent plain");
            None
        })
    }
}

impl Rendering {
    /// Each coding is a representation of its own, and so has a tag of its own (RFC 9110, 8.8.3.3).
    fn coded(&self, coding: Coding, body: Bytes) -> Self {
        let mut headers = self.headers.clone();
        headers.insert(
            header::CONTENT_ENCODING,
            HeaderValue::from_static(coding.name()),
        );
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        let tag = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok());
        if let Some(tag) = tag.and_then(|tag| tag.strip_suffix('"'))
            && let Ok(tag) = HeaderValue::from_str(&format!("{tag}-{}\"", coding.name()))
        {
            headers.insert(header::ETAG, tag);
        }
        Self { headers, body }
    }
}

fn vary(headers: &mut HeaderMap) {
    let named = headers
        .get_all(header::VARY)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|name| name.trim() == "*" || name.trim().eq_ignore_ascii_case("accept-encoding"));
    if !named {
        headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    }
}

/// Whether the caller has this rendering: `If-None-Match` compares weakly (RFC 9110, 13.1.2).
fn holds(request: &HeaderMap, rendering: &HeaderMap) -> bool {
    if !request.contains_key(header::IF_NONE_MATCH) {
        return false;
    }
    let Some(tag) = rendering
        .get(header::ETAG)
        .and_then(|tag| tag.to_str().ok())
    else {
        return false;
    };
    let strong = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    request
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|candidate| candidate == "*" || strong(candidate) == strong(tag))
}
