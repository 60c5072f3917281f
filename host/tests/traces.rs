//! Whose statement it was, when an instance serves several requests at once.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod support;

#[path = "support/collector.rs"]
mod collector;
#[path = "support/postgres.rs"]
mod postgres;

use std::sync::Arc;

use cairn::{config::model::Config, db::Store};
use collector::{Collector, Span};
use support::{Server, config, server, server_on};

/// Requests at the same time.
const REQUESTS: usize = 6;

/// Traces everything; one instance for all.
fn traced(collector: &Collector) -> Config {
    let mut config = config();
    config.limits.instances = 1;
    config.telemetry.traces = Some(collector.traces("1"));
    config
}

fn trace(number: usize) -> String {
    format!("4bf92f3577b34da6a3ce929d0e0e47{number:02x}")
}

async fn ask<D>(server: &Server<D>, path: &str, number: usize) -> String {
    let parent = format!("00-{}-00f067aa0ba902b7-01", trace(number));
    let headers = [("traceparent", parent.as_str())];
    let answer = server.get(path, &headers).await;
    assert_eq!(answer.status(), 200);
    String::from_utf8(answer.body().to_vec()).unwrap()
}

/// Each request runs a statement of its own before and after a pause in which all the others come.
async fn are_told_apart<D>(server: &Server<D>, collector: &Collector, path: &str, expected: &str) {
    let asked = (0..REQUESTS).map(async |number| {
        let path = format!("{path}?q=SELECT%20{number}%20AS%20x&ms=300");
        let answer = ask(server, &path, number).await;
        let expected = expected.replace('N', &number.to_string());
        assert_eq!(answer, format!("{expected} and {expected}"), "{path}");
    });
    futures_util::future::join_all(asked).await;
    assert_eq!(server.metrics.instances_started.get(), 1);
    let spans = collector.after(REQUESTS).await;
    let of = |number: usize, kind| {
        let id = trace(number);
        let spans = spans.iter();
        spans
            .filter(|span| span.trace == id && span.kind == kind)
            .collect::<Vec<&Span>>()
    };
    let mut begun = Vec::new();
    for number in 0..REQUESTS {
        let [request] = of(number, 2)[..] else {
            panic!("not one request {number}: {spans:?}");
        };
        let [guest] = request.children(&spans)[..] else {
            panic!("not one attempt {number}: {spans:?}");
        };
        let statements = guest.children(&spans);
        let texts: Vec<_> = statements
            .iter()
            .map(|span| span.attribute("db.query.text"))
            .collect();
        let text = format!("SELECT {number} AS x");
        assert_eq!(texts, [&text, &text], "{number}: {spans:?}");
        assert_eq!(of(number, 3).len(), 2, "{number}: {spans:?}");
        assert!(statements.iter().all(|span| span.is_within(guest)));
        begun.extend(statements.iter().map(|span| (span.begun, number)));
    }
    begun.sort_unstable();
    let first: Vec<usize> = begun
        .iter()
        .take(REQUESTS)
        .map(|(_, number)| *number)
        .collect();
    assert!(
        (0..REQUESTS).all(|number| first.contains(&number)),
        "they did not run at the same time: {begun:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_hang_below_the_request_that_ran_them() {
    for path in ["/sql-around", "/sql-stream-around"] {
        let collector = Collector::start().await;
        let server = server(traced(&collector)).await;
        are_told_apart(&server, &collector, path, "x|N |0").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_they_do_on_a_server() {
    let Some(fresh) = postgres::fresh().await else {
        return;
    };
    let collector = Collector::start().await;
    let store = Store::Postgres(Arc::new(fresh.again()));
    let server = server_on(traced(&collector), store, ()).await;
    are_told_apart(&server, &collector, "/postgres-around", "1").await;
    fresh.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_wrong_shows_where_it_did() {
    let collector = Collector::start().await;
    let server = server(traced(&collector)).await;
    let missing = "SELECT%20x%20FROM%20missing%20WHERE%20y%3D'secret'";
    ask(&server, &format!("/sql?q={missing}"), 1).await;
    assert_eq!(server.get("/trap", &[]).await.status(), 503);
    let spans = collector.after(2).await;
    let failed = |name: &str| {
        let is_it = |span: &&Span| span.name == name && span.status != 0;
        let found = spans.iter().find(is_it);
        let found = found.unwrap_or_else(|| panic!("no {name}: {spans:?}"));
        assert_eq!(found.status, 2, "{found:?}");
        found
    };
    let statement = failed("SELECT missing");
    assert!(
        statement.failure.contains("no such table: missing"),
        "{statement:?}"
    );
    assert_eq!(
        statement.attribute("db.query.text"),
        "SELECT x FROM missing WHERE y=?"
    );
    let request = failed("GET");
    assert_eq!(request.attribute("error.type"), "503");
    let [guest] = request.children(&spans)[..] else {
        panic!("not one attempt: {spans:?}");
    };
    assert_eq!((guest.status, guest.failure.as_str()), (2, "stopped"));
}

/// A host may hand a connection on as its last user left it, and Spin does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_begins_each_connection_with_a_rollback() {
    let Some(fresh) = postgres::fresh().await else {
        return;
    };
    let collector = Collector::start().await;
    let mut config = traced(&collector);
    config.limits.instance_memory = 256 << 20;
    let store = Store::Postgres(Arc::new(fresh.again()));
    let server = server_on(config, store, ()).await;
    let case = "/store-suite?case=a_batch_is_all_or_nothing";
    let answer = server.send("POST", case, &[], "").await;
    assert_eq!(answer.body(), "passed");
    let mut statements = collector.after(1).await;
    statements.retain(|span| span.kind == 3);
    statements.sort_by_key(|span| span.begun);
    let texts: Vec<&str> = statements
        .iter()
        .map(|span| span.attribute("db.query.text"))
        .collect();
    // A guest's first words on a connection are settings, and each of its transactions has a connection of its own.
    let is_setting = |at: &usize| texts[*at].starts_with("SELECT set_config(");
    let opened: Vec<usize> = (0..texts.len()).filter(is_setting).collect();
    for at in &opened {
        assert_eq!(texts[at.saturating_sub(1)], "ROLLBACK", "{texts:?}");
    }
    for begun in (0..texts.len()).filter(|at| texts[*at] == "BEGIN") {
        assert!(opened.contains(&begun.saturating_sub(1)), "{texts:?}");
    }
    assert_eq!(texts.first(), Some(&"ROLLBACK"), "{texts:?}");
    assert!(opened.len() > 2, "{texts:?}");
    fresh.end().await;
}
