//! Guests that loop, trap, eat memory and wait, and what becomes of their neighbours.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod support;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use cairn::{
    config::model::Limits,
    db::{Libsql, Store},
    guest::{Content, Failure, Guests, Offer, Statements},
    telemetry::metrics::Metrics,
};
use cairn_registry::store::Db;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};

struct House {
    db: Arc<Libsql>,
    guests: Arc<Guests>,
    metrics: Arc<Metrics>,
    request_timeout: Duration,
}

fn house(limits: &Limits) -> House {
    let db = Arc::new(Libsql::temporary().unwrap());
    let variables = [("greeting".to_owned(), "good day".to_owned())].into();
    let offer = Offer {
        db: Store::Libsql(Arc::clone(&db)),
        variables: Arc::new(variables),
    };
    let metrics = Arc::new(Metrics::new().unwrap());
    let guests = Guests::load(
        &support::component(),
        limits,
        &offer,
        &metrics,
        Statements::Untraced,
        1,
    )
    .unwrap()
    .remove(0);
    House {
        db,
        guests: Arc::new(guests),
        request_timeout: limits.request_timeout,
        metrics,
    }
}

impl House {
    async fn send(&self, method: Method, path: &str) -> Result<(u16, String), Failure> {
        let body = Full::new(Bytes::new())
            .map_err(|never| match never {})
            .boxed_unsync();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .body(body)
            .unwrap();
        let reply = self
            .guests
            .handle(path, request, 1 << 20, self.request_timeout)
            .await?;
        let Content::Whole(body) = reply.body else {
            panic!("{path}: not the whole body")
        };
        let body = String::from_utf8(body.to_vec()).unwrap();
        Ok((reply.head.status.as_u16(), body))
    }

    async fn get(&self, path: &str) -> Result<(u16, String), Failure> {
        self.send(Method::GET, path).await
    }

    /// A place for notes of requests that are asked to leave one.
    async fn expects_notes(&self) {
        let table = "CREATE TABLE note (x BIGINT)";
        self.db.script(table).await.unwrap();
    }

    /// Waits until so many requests have left their note, and so are under way.
    async fn noted(&self, number: usize) {
        support::until(&format!("{number} notes"), async || {
            let notes = self.db.query("SELECT x FROM note", Vec::new()).await;
            notes.unwrap().len() == number
        })
        .await;
    }

    fn spawn(
        &self,
        method: Method,
        path: &'static str,
    ) -> tokio::task::JoinHandle<Result<(u16, String), Failure>> {
        let house = Self {
            db: Arc::clone(&self.db),
            guests: Arc::clone(&self.guests),
            metrics: Arc::clone(&self.metrics),
            request_timeout: self.request_timeout,
        };
        tokio::spawn(async move { house.send(method, path).await })
    }
}

fn ok(body: &str) -> Result<(u16, String), Failure> {
    Ok((200, body.to_owned()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_misbehaves_gets_no_answer_and_the_next_request_does() {
    let house = house(&support::limits());
    for (path, expected) in [
        ("/hello", ok("hello")),
        ("/trap", Err(Failure::Stopped)),
        ("/hello", ok("hello")),
        ("/panic", Err(Failure::Stopped)),
        ("/hello", ok("hello")),
        ("/loop", Err(Failure::Stopped)),
        ("/hello", ok("hello")),
        ("/alloc?mb=4", ok("held 4 MiB")),
        ("/alloc?mb=64", Err(Failure::Stopped)),
        ("/hello", ok("hello")),
        ("/wait?ms=50", ok("waited")),
        ("/wait?ms=60000", Err(Failure::Timeout)),
        ("/hello", ok("hello")),
    ] {
        assert_eq!(house.get(path).await, expected, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loop_ends_long_before_the_request_time_is_over() {
    let house = house(&support::limits());
    let begun = Instant::now();
    assert_eq!(house.get("/loop").await, Err(Failure::Stopped));
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neighbours_in_the_instance_that_stops_run_again_when_that_is_safe() {
    for culprit in ["/trap", "/panic", "/loop", "/alloc?mb=64"] {
        let mut limits = support::limits();
        limits.instances = 1;
        let house = house(&limits);
        house.expects_notes().await;
        let reading: Vec<_> = (0..3)
            .map(|_| house.spawn(Method::GET, "/wait?ms=600&note="))
            .collect();
        let writing = house.spawn(Method::POST, "/wait?ms=600&note=");
        house.noted(4).await;
        assert_eq!(house.get(culprit).await, Err(Failure::Stopped), "{culprit}");
        for neighbour in reading {
            assert_eq!(neighbour.await.unwrap(), ok("waited"), "{culprit}: a GET");
        }
        assert_eq!(
            writing.await.unwrap(),
            Err(Failure::Stopped),
            "{culprit}: a POST"
        );
        assert_eq!(
            house.metrics.retries.get(),
            3,
            "{culprit}: the culprit must not run twice"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_of_which_the_end_is_missing_counts_as_none() {
    let mut limits = support::limits();
    limits.instances = 1;
    let house = house(&limits);
    house.expects_notes().await;
    let streaming = house.spawn(Method::GET, "/stream?chunks=4&ms=200&note=");
    house.noted(1).await;
    assert_eq!(house.get("/trap").await, Err(Failure::Stopped));
    let whole = ok("chunk 0\nchunk 1\nchunk 2\nchunk 3\n");
    assert_eq!(streaming.await.unwrap(), whole);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_instances_do_not_notice() {
    let mut limits = support::limits();
    limits.concurrent_per_instance = 1;
    let house = house(&limits);
    house.expects_notes().await;
    let waiting: Vec<_> = (0..3)
        .map(|_| house.spawn(Method::POST, "/wait?ms=600&note="))
        .collect();
    house.noted(3).await;
    assert_eq!(house.get("/trap").await, Err(Failure::Stopped));
    for waiting in waiting {
        assert_eq!(waiting.await.unwrap(), ok("waited"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_requests_than_instances_hold_wait_for_their_turn() {
    let mut limits = support::limits();
    (limits.instances, limits.concurrent_per_instance) = (2, 4);
    let house = house(&limits);
    let begun = Instant::now();
    let waiting: Vec<_> = (0..24)
        .map(|_| house.spawn(Method::GET, "/wait?ms=100"))
        .collect();
    for waiting in waiting {
        assert_eq!(waiting.await.unwrap(), ok("waited"));
    }
    assert!(
        begun.elapsed() >= Duration::from_millis(300),
        "three turns of eight"
    );
    assert!(house.metrics.instances.get() <= 2);
}

#[tokio::test]
async fn requests_that_come_at_once_share_an_instance() {
    let mut limits = support::limits();
    (limits.instances, limits.concurrent_per_instance) = (16, 64);
    let house = house(&limits);
    let sent: Vec<_> = (0..64)
        .map(|_| house.spawn(Method::GET, "/wait?ms=50"))
        .collect();
    for answer in sent {
        assert_eq!(answer.await.unwrap(), ok("waited"));
    }
    // Two, unless the machine paused for so long that it looked held up.
    let started = house.metrics.instances_started.get();
    assert!(started < 4, "{started} instances");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_is_replaced_after_its_number_of_requests() {
    let mut limits = support::limits();
    (limits.instances, limits.requests_per_instance) = (1, 10);
    let house = house(&limits);
    for _ in 0..30 {
        assert_eq!(house.get("/hello").await, ok("hello"));
    }
    assert_eq!(house.metrics.instances_started.get(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn imports_do_what_their_interfaces_say() {
    let house = house(&support::limits());
    for (path, status, body) in [
        ("/variable?name=greeting", 200, "good day"),
        ("/variable?name=nobody", 404, "undefined"),
        ("/variable?name=No", 404, "invalid"),
        (
            "/sql?q=CREATE%20TABLE%20t%20(a%20BIGINT,%20b%20TEXT)",
            200,
            "|0",
        ),
        (
            "/sql?q=INSERT%20INTO%20t%20VALUES%20(1,'x'),(2,NULL)",
            200,
            "|2",
        ),
        (
            "/sql?q=SELECT%20a,b%20FROM%20t%20ORDER%20BY%20a",
            200,
            "a,b|1 x |2 null |0",
        ),
        (
            "/sql-stream?q=SELECT%20a,b%20FROM%20t%20ORDER%20BY%20a",
            200,
            "a,b|1 x |2 null |0",
        ),
        ("/sql-stream?q=DELETE%20FROM%20t", 200, "|2"),
        (
            "/sql?q=SELECT%20x'00ff',%200.5",
            200,
            "x'00ff',0.5|2 bytes 0.5 |0",
        ),
        ("/sql?q=SELECT%201%20FROM%20nowhere", 200, "no such table"),
        (
            "/outbound?url=http://127.0.0.1:1/",
            502,
            "HttpRequestDenied",
        ),
        ("/stream?chunks=3&ms=5", 200, "chunk 0\nchunk 1\nchunk 2\n"),
        ("/head", 200, "GET /head"),
    ] {
        let (seen, answer) = house.get(path).await.unwrap();
        let fold = |text: &str| text.to_lowercase().replace(' ', "");
        assert!(
            seen == status && fold(&answer).contains(&fold(body)),
            "{path}: {seen} {answer:?} without {body:?}"
        );
    }
}

#[test]
fn an_artifact_asks_for_no_more_than_its_architecture() {
    let cairn::guest::Source::File(artifact) = support::component() else {
        panic!("tests use a file")
    };
    let bytes = std::fs::read(artifact).unwrap();
    // The engine's options are kept as length, name, kind (2: a switch), value.
    let mut features = 0;
    for at in bytes
        .windows(4)
        .enumerate()
        .filter_map(|(at, four)| (four == b"has_").then_some(at))
    {
        let name = usize::from(bytes[at - 1]);
        let (name, rest) = bytes[at..].split_at(name);
        if name.is_ascii() && rest[0] == 2 {
            assert_eq!(rest[1], 0, "{}", String::from_utf8_lossy(name));
            features += 1;
        }
    }
    assert!(
        features > 0,
        "the artifact names no processor features at all"
    );
}
