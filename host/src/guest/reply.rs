//! Taking a guest's answer in, and noticing when its end is missing.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Response, header, response};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, SizeHint};
use wasmtime_wasi_http::{Error, WasiBody};

use super::{
    pool::{Attempt, Failure, Lost},
    watch::Ticket,
};

/// How long after a broken body an instance may take to be stopped.
const VERDICT: Duration = Duration::from_millis(500);

/// An answer of a guest.
pub struct Reply {
    pub head: response::Parts,
    pub body: Content,
}

/// The body of an answer.
pub enum Content {
    /// All of it.
    Whole(Bytes),
    /// What came first, and the rest as the guest sends it: too large to wait for, or a stream of events.
    Begun(Bytes, WasiBody),
}

/// Takes the body in. Until it is here the request is not answered, and what stops the instance stops it too.
pub(super) async fn received(
    ticket: &Arc<Ticket>,
    response: Response<WasiBody>,
    whole: usize,
) -> Attempt {
    let (head, body) = response.into_parts();
    let events = head
        .headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"));
    let mut body = Ended(body, Arc::clone(ticket));
    let mut parts = Vec::new();
    let mut size = 0;
    while !events && size <= whole {
        match body.frame().await {
            Some(Ok(frame)) => {
                let data = frame.into_data().unwrap_or_default();
                size += data.len();
                parts.push(data);
            }
            Some(Err(error)) => return Err(broken_off(ticket, &error).await),
            None => {
                ticket.answer();
                let body = Content::Whole(joined(parts));
                return Ok(Reply { head, body });
            }
        }
    }
    ticket.answer();
    let body = Content::Begun(joined(parts), body.boxed_unsync());
    Ok(Reply { head, body })
}

/// One part, as most bodies are, costs no copy.
fn joined(mut parts: Vec<Bytes>) -> Bytes {
    match parts.len() {
        0 | 1 => parts.pop().unwrap_or_default(),
        _ => parts.concat().into(),
    }
}

/// A body ends early because its instance was stopped, or because the guest does not keep to its own content length.
async fn broken_off(ticket: &Ticket, error: &Error) -> Lost {
    match tokio::time::timeout(VERDICT, ticket.verdict()).await {
        Ok(Some((_, false))) => Lost::Bystander,
        Ok(Some((_, true))) => Lost::Final(Failure::Stopped),
        Ok(None) | Err(_) => {
            tracing::error!(request_id = ticket.id, %error, "the guest broke a response off");
            Lost::Final(Failure::Broken)
        }
    }
}

/// A body that does not pass an instance's end off as its own: when an instance is stopped, the library closes the
/// stream as if it were complete.
struct Ended(WasiBody, Arc<Ticket>);

impl Body for Ended {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = Pin::new(&mut self.0).poll_frame(cx);
        if matches!(frame, Poll::Ready(None)) && self.1.instance_stopped() {
            return Poll::Ready(Some(Err(Error::HttpResponseIncomplete)));
        }
        frame
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}
