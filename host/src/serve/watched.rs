//! The socket of a connection. It reports what comes and goes to [`Progress`], and gives the bare refusals of the HTTP
//! library the shape that every other error has.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::Instant,
};

use super::{progress::Progress, refusal::refusal};

pub(super) struct Watched {
    stream: TcpStream,
    progress: Progress,
    /// A refusal of ours, and the number of bytes for which it stands in.
    instead: Option<(Bytes, usize)>,
}

impl Watched {
    pub(super) fn new(stream: TcpStream, progress: Progress) -> Self {
        Self {
            stream,
            progress,
            instead: None,
        }
    }

    fn poll_instead(
        &mut self,
        cx: &mut Context<'_>,
        mut text: Bytes,
        stands_for: usize,
    ) -> Poll<io::Result<usize>> {
        while text.has_remaining() {
            match Pin::new(&mut self.stream).poll_write(cx, &text) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => text.advance(written),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.instead = Some((text, stands_for));
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(Ok(stands_for))
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        let fresh = buf.filled().get(before..).unwrap_or_default();
        if !fresh.is_empty() {
            self.progress.received(fresh, Instant::now());
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Some((text, stands_for)) = self.instead.take() {
            return self.poll_instead(cx, text, stands_for);
        }
        if let Some(text) = refusal(buf) {
            return self.poll_instead(cx, text, buf.len());
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, buf))?;
        self.progress.sent(Instant::now());
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // A refusal is one piece.
        if let [buf] = bufs {
            return self.poll_write(cx, buf);
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, bufs))?;
        self.progress.sent(Instant::now());
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
