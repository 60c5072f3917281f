//! Bodies of responses: bytes that are here, or a guest's stream that is passed on.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::StatusCode;
use hyper::body::{Frame, SizeHint};
use wasmtime_wasi_http::{Error, WasiBody};

use super::account::Account;

/// A response's body.
pub(crate) enum Body {
    Whole(Bytes),
    Streamed(Box<Streamed>),
}

/// What a guest is still sending.
pub(crate) struct Streamed {
    /// What was read before it was clear that this is a stream.
    first: Option<Bytes>,
    rest: WasiBody,
    sent: u64,
    /// Closed when the stream ends or the client has gone.
    account: Option<(Account, StatusCode)>,
}

impl Body {
    pub(crate) fn empty() -> Self {
        Self::Whole(Bytes::new())
    }

    pub(crate) fn streamed(first: Bytes, rest: WasiBody) -> Self {
        Self::Streamed(Box::new(Streamed {
            first: Some(first).filter(|first| !first.is_empty()),
            rest,
            sent: 0,
            account: None,
        }))
    }

    /// Closes the account now, or when the stream ends.
    pub(crate) fn settle(&mut self, account: Account, status: StatusCode) {
        match self {
            Self::Whole(bytes) => account.close(status, bytes.len() as u64),
            Self::Streamed(streamed) => streamed.account = Some((account, status)),
        }
    }
}

impl Drop for Streamed {
    fn drop(&mut self) {
        if let Some((account, status)) = self.account.take() {
            account.close(status, self.sent);
        }
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let streamed = match &mut *self {
            Self::Whole(bytes) if bytes.is_empty() => return Poll::Ready(None),
            Self::Whole(bytes) => return Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Streamed(streamed) => streamed,
        };
        let frame = match streamed.first.take() {
            Some(first) => Poll::Ready(Some(Ok(Frame::data(first)))),
            None => Pin::new(&mut streamed.rest).poll_frame(cx),
        };
        if let Poll::Ready(Some(Ok(frame))) = &frame {
            streamed.sent += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Streamed(streamed) => streamed.first.is_none() && streamed.rest.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Streamed(_) => SizeHint::default(),
        }
    }
}
