//! What a guest prints: lines in the host's log, so that the words of a panic are not lost.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use super::repeats::{self, Turn};
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

/// A longer line is cut into pieces.
const LINE: usize = 4096;

/// Standard output and standard error of a guest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Printed;

impl IsTerminal for Printed {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Printed {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(Lines(Vec::new()))
    }
}

/// Bytes up to the next line feed.
struct Lines(Vec<u8>);

impl Lines {
    fn say(&mut self) {
        let line = String::from_utf8_lossy(&self.0);
        let line = line.trim_end();
        if !line.is_empty() {
            match repeats::turn(line) {
                Turn::Log(0) => tracing::warn!(target: "cairn::guest", "{line}"),
                Turn::Log(repeated) => tracing::warn!(target: "cairn::guest", repeated, "{line}"),
                Turn::LeaveOut => tracing::debug!(target: "cairn::guest", "{line}"),
            }
        }
        self.0.clear();
    }
}

impl AsyncWrite for Lines {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        for &byte in bytes {
            if byte == b'\n' || self.0.len() == LINE {
                self.say();
            }
            if byte != b'\n' {
                self.0.push(byte);
            }
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.say();
        Poll::Ready(Ok(()))
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.say();
    }
}
