//! Traces, as a collector receives them: from the caller's span through the component to its statements.

use std::{
    net::TcpListener,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use cairn_tests::{
    Client, Installation, Server, Upstream, database, fixture, installation::of_source, otlp,
    otlp::Span, until,
};
use serde_json::json;

const SOON: Duration = Duration::from_secs(20);
/// The caller's span.
const ABOVE: &str = "00f067aa0ba902b7";

/// A collector whose answer is a status that can be changed.
struct Collector {
    upstream: Upstream,
    status: Arc<AtomicU16>,
}

impl Collector {
    fn start(status: u16) -> Self {
        let status = Arc::new(AtomicU16::new(status));
        let answer = Arc::clone(&status);
        let upstream = Upstream::start(move |_| {
            let status = answer.load(Ordering::Acquire);
            (status, "application/x-protobuf", Vec::new())
        });
        Self { upstream, status }
    }

    fn spans(&self) -> Vec<Span> {
        let asked = self.upstream.asked();
        asked
            .iter()
            .flat_map(|asked| otlp::spans(&asked.body))
            .collect()
    }

    /// The spans so far, as soon as the request of this trace is among them. It ends last, but who is sent first is
    /// not promised: all of its trace are there when it is.
    fn after(&self, trace: &str) -> (Span, Vec<Span>) {
        until("the trace", SOON, || {
            let spans = self.spans();
            let of_request = |span: &&Span| span.trace == trace && span.kind == 2;
            let request = spans.iter().find(of_request)?.clone();
            Some((request, spans))
        })
    }
}

/// The server, told to send what callers ask for, and that share of the rest.
fn traced(installation: &Installation, endpoint: &str, share: &str) -> Command {
    let mut command = installation.serving(&[]);
    command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .env("OTEL_TRACES_SAMPLER_ARG", share);
    command
}

fn ready(command: Command) -> Server {
    let server = Server::start(command);
    server.wait_ready();
    server
}

fn ask(client: &Client, target: &str, trace: &str, flags: &str) {
    let parent = format!("00-{trace}-{ABOVE}-{flags}");
    let headers = [
        ("traceparent", parent.as_str()),
        ("tracestate", "vendor=1"),
        ("x-request-id", "asked-by-test"),
    ];
    assert_eq!(client.ask("GET", target, &headers).status, 200, "{target}");
}

fn trace(number: u8) -> String {
    format!("4bf92f3577b34da6a3ce929d0e0e47{number:02x}")
}

/// What holds on either engine.
fn follow(database: Option<String>, system: &str) {
    let collector = Collector::start(200);
    // Read once: each look at a source is a commit, by which the cache drops.
    let source = json!({ "file": { "path": fixture::path("catalog.json") }, "syncPolicy": { "interval": "1h" } });
    let installation = Installation::new(of_source(source));
    let mut command = traced(&installation, &collector.upstream.url(), "0");
    command.env("OTEL_EXPORTER_OTLP_HEADERS", "x-key=a%20b");
    command.env(
        "OTEL_RESOURCE_ATTRIBUTES",
        "deployment.environment.name=test",
    );
    if let Some(url) = database {
        command.env("CAIRN_DATABASE_URL", url);
    }
    let server = ready(command);
    let list = "/v0.1/servers?search=zebrafish&limit=7";
    ask(&server.public, list, &trace(1), "01");
    let (request, spans) = collector.after(&trace(1));
    is_the_request(&request);
    has_statements(&request, &spans, system);
    let [asked, ..] = &collector.upstream.asked()[..] else {
        panic!("nothing was sent");
    };
    assert_eq!(
        (asked.method.as_str(), asked.path()),
        ("POST", "/v1/traces")
    );
    assert_eq!(asked.header("content-type"), "application/x-protobuf");
    assert_eq!(asked.header("x-key"), "a b");

    // The same again is in the cache; nobody asks for the next two.
    ask(&server.public, list, &trace(2), "01");
    ask(&server.public, list, &trace(3), "00");
    assert_eq!(server.public.get("/v0.1/servers?limit=3").status, 200);
    ask(&server.public, "/v0.1/servers?limit=2", &trace(4), "01");
    let (_, spans) = collector.after(&trace(4));
    let (hit, _) = collector.after(&trace(2));
    assert_eq!(hit.attribute("cairn.cache"), "hit");
    assert!(hit.children(&spans).is_empty(), "{spans:?}");
    let of = |span: &Span| span.trace.clone();
    let wanted = [trace(1), trace(2), trace(4)];
    assert!(
        spans.iter().map(of).all(|trace| wanted.contains(&trace)),
        "{spans:?}"
    );
}

fn is_the_request(span: &Span) {
    assert_eq!(span.name, "GET /v0.1/servers");
    assert_eq!(
        (span.parent.as_str(), span.state.as_str()),
        (ABOVE, "vendor=1")
    );
    assert_eq!(span.flags, 0x301, "sampled, below a span elsewhere");
    assert_eq!((span.status, span.failure.as_str()), (0, ""));
    for (name, value) in [
        ("http.request.method", "GET"),
        ("http.route", "/v0.1/servers"),
        ("url.path", "/v0.1/servers"),
        ("http.response.status_code", "200"),
        ("cairn.request_id", "asked-by-test"),
        ("cairn.cache", "miss"),
    ] {
        assert_eq!(span.attribute(name), value, "{name}");
    }
    for (name, value) in [
        ("service.name", "cairn"),
        ("service.version", env!("CARGO_PKG_VERSION")),
        ("deployment.environment.name", "test"),
    ] {
        assert_eq!(span.resource[name], value, "{name}");
    }
}

fn has_statements(request: &Span, spans: &[Span], system: &str) {
    let [guest] = request.children(spans)[..] else {
        panic!("not one call of the component: {spans:?}");
    };
    assert_eq!(
        (guest.name.as_str(), guest.kind, guest.flags),
        ("guest", 1, 0x101)
    );
    assert!(guest.is_within(request), "{spans:?}");
    let statements = guest.children(spans);
    // On a server a new connection is rolled back first.
    let reads = |span: &&Span| span.attribute("db.operation.name") == "SELECT";
    assert!(statements.iter().any(reads), "{spans:?}");
    for statement in statements {
        assert!(statement.is_within(guest), "{spans:?}");
        assert_eq!((statement.kind, statement.status), (3, 0), "{statement:?}");
        assert_eq!(statement.attribute("db.system.name"), system);
        let operation = statement.attribute("db.operation.name");
        assert!(["SELECT", "ROLLBACK"].contains(&operation), "{statement:?}");
        assert_eq!(statement.attribute("db.query.summary"), statement.name);
        let text = statement.attribute("db.query.text");
        assert!(text.starts_with(operation), "{statement:?}");
        let told = format!("{statement:?}");
        assert!(!told.contains("zebrafish"), "a parameter is told: {told}");
    }
}

#[test]
fn a_callers_trace_leads_to_the_statements_of_a_file() {
    follow(None, "sqlite");
}

#[test]
fn a_callers_trace_leads_to_the_statements_of_a_server() {
    if std::env::var_os("CAIRN_TEST_POSTGRES").is_none() {
        println!("not checked: traces on Postgres, because CAIRN_TEST_POSTGRES names no server");
        return;
    }
    follow(Some(database::empty("cairn_traces")), "postgresql");
}

#[test]
fn a_pass_and_its_batches_are_a_trace_of_their_own() {
    let collector = Collector::start(200);
    let installation = Installation::of_fixture();
    let _server = ready(traced(&installation, &collector.upstream.url(), "1.0"));
    let (pass, spans) = until("the pass", SOON, || {
        let spans = collector.spans();
        let of_pass = |span: &&Span| {
            span.name == "sync" && span.attribute("cairn.sync.outcome") == "complete"
        };
        let pass = spans.iter().find(of_pass)?.clone();
        Some((pass, spans))
    });
    assert_eq!(
        (pass.parent.as_str(), pass.kind, pass.flags),
        ("", 1, 0x101)
    );
    assert_eq!(pass.attribute("cairn.source"), "source");
    assert_ne!(pass.attribute("cairn.sync.written"), "0");
    let [batch] = pass.children(&spans)[..] else {
        panic!("not one batch: {spans:?}");
    };
    assert_eq!(batch.name, "batch");
    assert_eq!(
        batch.attribute("cairn.sync.records"),
        pass.attribute("cairn.sync.read")
    );
    assert!(batch.is_within(&pass));
}

#[test]
fn what_waits_is_sent_before_the_end() {
    let collector = Collector::start(200);
    let installation = Installation::of_fixture();
    let server = ready(traced(&installation, &collector.upstream.url(), "0"));
    ask(&server.public, "/v0.1/servers", &trace(1), "01");
    assert!(server.stop().success());
    let spans = collector.spans();
    assert!(spans.iter().any(|span| span.kind == 2), "{spans:?}");
}

#[test]
fn without_a_collector_requests_are_answered_and_the_log_says_so_once() {
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}", nobody.local_addr().expect("an address"));
    drop(nobody);
    let installation = Installation::of_fixture();
    let mut server = ready(traced(&installation, &endpoint, "1"));
    let said = |server: &Server| server.log.text().matches("spans cannot be sent").count();
    // More than may wait.
    for _ in 0..3000 {
        assert_eq!(server.public.get("/v0.1/servers").status, 200);
    }
    until("spans to be dropped", SOON, || {
        server
            .metric("cairn_spans_dropped_total")
            .filter(|dropped| *dropped > 0.0)
    });
    assert_eq!(said(&server), 1, "{}", server.log.text());
    server.signal("TERM");
    assert!(server.wait().success());
}

#[test]
fn a_collector_that_was_away_gets_what_waited() {
    let collector = Collector::start(503);
    let installation = Installation::of_fixture();
    let server = ready(traced(&installation, &collector.upstream.url(), "0"));
    ask(&server.public, "/v0.1/servers", &trace(1), "01");
    until("a try", SOON, || {
        (!collector.upstream.asked().is_empty()).then_some(())
    });
    collector.upstream.forget();
    collector.status.store(200, Ordering::Release);
    let (request, spans) = collector.after(&trace(1));
    has_statements(&request, &spans, "sqlite");
    assert_eq!(server.metric("cairn_spans_dropped_total"), Some(0.0));
    until("a line that it is well", SOON, || {
        server
            .log
            .text()
            .contains("spans are sent again")
            .then_some(())
    });
}

#[test]
fn what_a_collector_refuses_is_dropped_and_counted() {
    let collector = Collector::start(400);
    let installation = Installation::of_fixture();
    let server = ready(traced(&installation, &collector.upstream.url(), "0"));
    ask(&server.public, "/v0.1/servers", &trace(1), "01");
    until("spans to be dropped", SOON, || {
        let dropped = server.metric("cairn_spans_dropped_total")?;
        let sent = collector.spans().len();
        (sent > 0 && dropped > 0.0).then_some(())
    });
}

#[test]
fn nothing_is_sent_unless_it_is_asked_for() {
    let collector = Collector::start(200);
    let installation = Installation::of_fixture();
    let mut off = traced(&installation, &collector.upstream.url(), "1");
    off.env("OTEL_SDK_DISABLED", "true");
    for command in [installation.serving(&[]), off] {
        let server = ready(command);
        ask(&server.public, "/v0.1/servers", &trace(1), "01");
        assert!(server.stop().success());
    }
    assert!(collector.upstream.asked().is_empty());
}
