//! From spans that have ended to requests of OTLP over HTTP. Nobody waits for a collector: what it does not take in time
//! is dropped and counted, and what it says of it stands in the log once until it is well again.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use prometheus::IntCounter;
use reqwest::{Client, redirect};
use tokio::sync::{Notify, oneshot};

use super::{otlp, span::Record};
use crate::config::model::Traces;

/// How long a span may wait for others.
const PERIOD: Duration = Duration::from_secs(1);
/// Spans of one request.
const BATCH: usize = 512;
/// Spans that may wait.
const WAITING: usize = 4 * BATCH;
/// For one request.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Spans that have ended and are not sent yet.
pub(super) struct Queue {
    waiting: Mutex<Vec<Record>>,
    /// Rung when there is a whole batch.
    bell: Notify,
    dropped: IntCounter,
}

impl Queue {
    pub(super) fn new(dropped: IntCounter) -> Self {
        Self {
            waiting: Mutex::default(),
            bell: Notify::new(),
            dropped,
        }
    }

    pub(super) fn push(&self, record: Record) {
        let mut waiting = self.lock();
        if waiting.len() >= WAITING {
            drop(waiting);
            self.dropped.inc();
            return;
        }
        waiting.push(record);
        if waiting.len() == BATCH {
            self.bell.notify_one();
        }
    }

    fn take(&self) -> Vec<Record> {
        let mut waiting = self.lock();
        let size = waiting.len().min(BATCH);
        waiting.drain(..size).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Record>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What became of a batch.
enum Sent {
    Yes,
    /// It never will be.
    Refused(String),
    /// Another time, perhaps.
    NotNow(String),
}

/// Sends spans to one collector.
pub(super) struct Exporter {
    queue: Arc<Queue>,
    client: Client,
    url: String,
    resource: Vec<u8>,
    /// Said already.
    unwell: bool,
}

impl Exporter {
    pub(super) fn new(traces: &Traces, queue: Arc<Queue>) -> Result<Self> {
        let client = Client::builder()
            .user_agent(concat!("cairn/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers(traces)?)
            // Spans and credentials are for the address that was configured.
            .redirect(redirect::Policy::none())
            .timeout(TIMEOUT)
            .build()
            .context("no HTTP client for traces")?;
        Ok(Self {
            queue,
            client,
            url: traces.url.clone(),
            resource: otlp::resource(&traces.resource),
            unwell: false,
        })
    }

    /// Sends what has gathered, again and again; and what is left when it is told to stop.
    pub(super) async fn run(mut self, mut stop: oneshot::Receiver<()>) {
        let queue = Arc::clone(&self.queue);
        let mut kept = Vec::new();
        loop {
            tokio::select! {
                _ = &mut stop => break,
                () = tokio::time::sleep(PERIOD) => {}
                () = queue.bell.notified(), if kept.is_empty() => {}
            }
            kept = self.send_all(kept).await;
        }
        let lost = self.send_all(kept).await.len() + queue.lock().len();
        queue.dropped.inc_by(lost as u64);
    }

    /// Sends batch by batch, from `kept` on, until nothing waits; gives back the batch that has to be tried again.
    async fn send_all(&mut self, kept: Vec<Record>) -> Vec<Record> {
        let mut batch = kept;
        loop {
            if batch.is_empty() {
                batch = self.queue.take();
            }
            if batch.is_empty() {
                return batch;
            }
            match self.send(&batch).await {
                Sent::Yes => self.well(),
                Sent::Refused(why) => {
                    self.queue.dropped.inc_by(batch.len() as u64);
                    self.unwell(&why);
                }
                Sent::NotNow(why) => {
                    self.unwell(&why);
                    return batch;
                }
            }
            batch.clear();
        }
    }

    async fn send(&self, batch: &[Record]) -> Sent {
        let body = otlp::request(&self.resource, batch);
        match self.client.post(&self.url).body(body).send().await {
            Ok(answer) => judge(answer.status()),
            Err(error) => {
                let error = error.without_url();
                Sent::NotNow(format!("{:#}", anyhow::Error::from(error)))
            }
        }
    }

    fn well(&mut self) {
        if std::mem::take(&mut self.unwell) {
            tracing::info!(url = self.url, "spans are sent again");
        }
    }

    fn unwell(&mut self, why: &str) {
        if !std::mem::replace(&mut self.unwell, true) {
            tracing::warn!(
                url = self.url,
                error = why,
                "spans cannot be sent: see `telemetry.endpoint`; requests are not affected"
            );
        }
    }
}

/// Which answers ask for another try is said by OTLP.
fn judge(status: StatusCode) -> Sent {
    let told = format!("HTTP {}", status.as_u16());
    match status.as_u16() {
        200..=299 => Sent::Yes,
        429 | 502..=504 => Sent::NotNow(told),
        _ => Sent::Refused(told),
    }
}

fn headers(traces: &Traces) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/x-protobuf"),
    );
    for (name, value) in &traces.headers {
        let parsed = (
            name.parse::<http::HeaderName>(),
            HeaderValue::from_str(value.expose()),
        );
        let (Ok(name), Ok(mut value)) = parsed else {
            bail!("telemetry.headers: {name:?} with its value cannot be sent as a header");
        };
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}
