//! A request on its way in: what a guest gets to see of it, and no more of its body than is allowed.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{HeaderMap, Method, Uri, header, request::Parts, uri::Authority};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use wasmtime_wasi_http::{Error, WasiBody};

/// Whether a body turned out to be larger than allowed.
#[derive(Debug, Clone, Default)]
pub(crate) struct TooLarge(Arc<AtomicBool>);

impl TooLarge {
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// The length a caller announced.
pub(crate) fn announced(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

/// A body that ends with an error after `limit` bytes. `TooLarge` tells that error from others, because the guest will
/// make of it what it likes.
pub(crate) fn bounded(body: Incoming, limit: usize) -> (WasiBody, TooLarge) {
    let too_large = TooLarge::default();
    if body.is_end_stream() {
        return (nothing(), too_large);
    }
    let bounded = Bounded {
        body,
        left: limit as u64,
        too_large: too_large.clone(),
    };
    (bounded.boxed_unsync(), too_large)
}

pub(crate) fn nothing() -> WasiBody {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

struct Bounded {
    body: Incoming,
    left: u64,
    too_large: TooLarge,
}

impl Body for Bounded {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
            None => return Poll::Ready(None),
        };
        let size = frame.data_ref().map_or(0, |data| data.len() as u64);
        match self.left.checked_sub(size) {
            Some(left) => {
                self.left = left;
                Poll::Ready(Some(Ok(frame)))
            }
            None => {
                self.too_large.0.store(true, Ordering::Release);
                Poll::Ready(Some(Err(Error::HttpRequestBodySize(None))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The address in full, as interfaces hand it over: over HTTP/1 the authority only stands in `Host`, which guests do
/// not see.
pub(crate) fn absolute(parts: &mut Parts) {
    let Some(host) = parts.headers.get(header::HOST) else {
        return;
    };
    let authority = Authority::try_from(host.as_bytes())
        .ok()
        .filter(|host| !host.as_str().is_empty());
    if let (Some(authority), Some(target), None) =
        (authority, parts.uri.path_and_query(), parts.uri.authority())
    {
        let uri = Uri::builder()
            .scheme("http")
            .authority(authority)
            .path_and_query(target.clone());
        if let Ok(uri) = uri.build() {
            parts.uri = uri;
        }
    }
}

/// A read as the component gets it: whole, plain and unconditional. Parts, codings and conditions are decided here, from
/// the answer, so that one answer serves all who ask.
pub(crate) fn plain_read(parts: &mut Parts) {
    parts.method = Method::GET;
    for name in [
        header::ACCEPT_ENCODING,
        header::IF_NONE_MATCH,
        header::IF_MODIFIED_SINCE,
        header::IF_MATCH,
        header::IF_UNMODIFIED_SINCE,
        header::IF_RANGE,
        header::RANGE,
        header::TE,
    ] {
        parts.headers.remove(name);
    }
}
