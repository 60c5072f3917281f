//! Traces: what a request or a pass spent its time on, told to the collector that the operator has named. Without one there
//! is no [`Tracer`], and whoever asks for it pays for that question only. Nothing here knows requests, sources or
//! statements: whoever begins a span says what it is.

mod context;
mod export;
mod otlp;
mod span;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Result;
use http::HeaderMap;
use tokio::{sync::oneshot, task::JoinHandle};

use self::{
    context::Remote,
    export::{Exporter, Queue},
    span::Trace,
};
use super::metrics::Metrics;
use crate::config::model::{Share, Traces};

pub(crate) use span::{Kind, Parent, Span};

/// Begins traces, and takes over those that others have begun.
pub struct Tracer {
    queue: Arc<Queue>,
    share: Share,
    /// Whoever sends, until the end.
    sending: Mutex<Option<(oneshot::Sender<()>, JoinHandle<()>)>>,
}

impl Tracer {
    /// Begins to send. It needs a runtime, and the process's TLS provider to be installed.
    pub fn start(traces: &Traces, metrics: &Metrics) -> Result<Arc<Self>> {
        let queue = Arc::new(Queue::new(metrics.spans_dropped.clone()));
        let exporter = Exporter::new(traces, Arc::clone(&queue))?;
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(exporter.run(stopped));
        Ok(Arc::new(Self {
            queue,
            share: traces.share,
            sending: Mutex::new(Some((stop, task))),
        }))
    }

    /// The span of a request: in the caller's trace where it has one, which then also says whether it is wanted.
    pub(crate) fn request(&self, headers: &HeaderMap) -> Option<Span> {
        match Remote::of(headers) {
            Some(remote) => remote.sampled.then(|| {
                let trace = Trace::new(remote.trace, remote.state);
                Span::remote(&self.queue, Arc::new(trace), remote.span)
            }),
            None => self.root("request", Kind::Server),
        }
    }

    /// A trace of its own, if it is one of those that are wanted.
    pub(crate) fn root(&self, name: &'static str, kind: Kind) -> Option<Span> {
        let id = context::new_trace();
        self.share
            .takes(id)
            .then(|| Span::root(&self.queue, Arc::new(Trace::new(id, None)), name, kind))
    }

    /// Sends what is left, for as long as there is time. What ends later is lost.
    pub async fn close(&self, within: Duration) {
        let sending = self
            .sending
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some((stop, mut task)) = sending else {
            return;
        };
        let _ = stop.send(());
        if tokio::time::timeout(within, &mut task).await.is_err() {
            task.abort();
            tracing::warn!("not all spans could be sent before the end");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_new_traces_is_taken() {
        for (share, least, most) in [("0", 0, 0), ("0.25", 200, 300), ("1", 1000, 1000)] {
            let share: Share = share.parse().unwrap();
            let taken = (0..1000)
                .filter(|_| share.takes(context::new_trace()))
                .count();
            assert!((least..=most).contains(&taken), "{share:?}: {taken}");
        }
    }
}
