//! Sources against real files, real HTTP on loopback and a real git server.

mod access;
mod api;
mod api_cursors;
mod api_failures;
mod api_flow;
mod bounds;
mod file;
mod git;
mod git_directory;
mod git_failures;
mod git_server;
mod server;
mod tls;
mod url;

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use tempfile::TempDir;

use super::{Complete, Context, Fetch, Items, Kind, Request, SourceError, Step, Stop, fetch};
use crate::{
    config::model::{Access, FileOrigin, Filter, Format, Origin, Removals, Source},
    sync::formats::Item,
};

/// A context with a clock that does not wait but remembers.
struct Bench {
    cx: Context,
    slept: Arc<Mutex<Vec<Duration>>>,
    directory: TempDir,
}

impl Bench {
    fn new() -> Self {
        // The process's provider; a second installation is refused and changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let directory = tempfile::tempdir().expect("a directory");
        let scratch = directory.path().join("scratch");
        std::fs::create_dir(&scratch).expect("a scratch directory");
        let slept = Arc::new(Mutex::new(Vec::new()));
        let mut cx = Context::new(scratch, 10_000, Stop::default()).expect("a context");
        let log = slept.clone();
        cx.sleep = Arc::new(move |time| {
            log.lock().expect("the log").push(time);
            Box::pin(async {})
        });
        Self {
            cx,
            slept,
            directory,
        }
    }

    fn slept(&self) -> Vec<Duration> {
        std::mem::take(&mut self.slept.lock().expect("the log"))
    }

    /// A whole pass: what came, and how it ended.
    async fn pass(
        &self,
        source: &Source,
        request: Request,
    ) -> (Vec<String>, Result<Complete, SourceError>) {
        match fetch(source, request, &self.cx).await {
            Ok(Fetch::Items(items)) => drain(items).await,
            Ok(Fetch::Unchanged { .. }) => panic!("unchanged"),
            Err(error) => (Vec::new(), Err(error)),
        }
    }

    /// A pass that must be complete.
    async fn complete(
        &self,
        source: &Source,
        fingerprint: Option<String>,
    ) -> (Vec<String>, Option<String>) {
        let (lines, end) = self.pass(source, known(fingerprint)).await;
        (lines, end.expect("a complete pass").fingerprint)
    }

    /// A pass that must fail.
    async fn failure(&self, source: &Source) -> SourceError {
        let (_, end) = self.pass(source, Request::default()).await;
        end.expect_err("a failed pass")
    }

    /// The new fingerprint when nothing has changed.
    async fn unchanged(&self, source: &Source, fingerprint: Option<String>) -> Option<String> {
        match fetch(source, known(fingerprint), &self.cx).await {
            Ok(Fetch::Unchanged { fingerprint }) => Some(fingerprint),
            _ => None,
        }
    }

    /// Files that a pass has left behind.
    fn left_behind(&self) -> usize {
        std::fs::read_dir(&self.cx.scratch)
            .expect("scratch")
            .count()
    }
}

fn known(fingerprint: Option<String>) -> Request {
    Request {
        fingerprint,
        ..Request::default()
    }
}

async fn drain(mut items: Items) -> (Vec<String>, Result<Complete, SourceError>) {
    let mut lines = Vec::new();
    loop {
        match items.next().await {
            Ok(Step::Batch(batch)) => lines.extend(batch.iter().map(line)),
            Ok(Step::Complete(complete)) => return (lines, Ok(complete)),
            Err(error) => return (lines, Err(error)),
        }
    }
}

/// One line for each item.
fn line(item: &Item) -> String {
    match item {
        Item::Record(record) => {
            format!(
                "{} {}",
                record.position,
                String::from_utf8_lossy(&record.document)
            )
        }
        Item::Rejected {
            position, reason, ..
        } => format!("{position} rejected: {reason}"),
        Item::Skipped { what, count } => format!("{count} {what}"),
        Item::Started { upstream_time } => format!("started {upstream_time:?}"),
        Item::Page { cursor } => format!("page {cursor:?}"),
    }
}

fn source(origin: Origin) -> Source {
    Source {
        name: "test".into(),
        origin,
        format: None,
        interval: Duration::from_secs(60),
        removals: Removals::default(),
        filter: Filter::default(),
    }
}

fn on_disk(path: &Path) -> Source {
    source(Origin::File(FileOrigin::Path(path.to_owned())))
}

/// What an error must be and say.
fn check(error: &SourceError, kind: Kind, parts: &[&str]) {
    assert_eq!(error.kind, kind, "{error}");
    for part in parts {
        assert!(error.message.contains(part), "no `{part}` in: {error}");
    }
}

/// `count` records as a list of the API.
fn list(count: usize) -> String {
    let records: Vec<_> = (0..count)
        .map(|n| format!(r#"{{"server":{{"name":"a/{n}"}}}}"#))
        .collect();
    format!(r#"{{"servers":[{}]}}"#, records.join(","))
}

fn named(format: Format, source: Source) -> Source {
    Source {
        format: Some(format),
        ..source
    }
}
