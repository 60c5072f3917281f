//! Files behind a URL.

use std::io::Write;

use super::{
    server::{Answer, Seen, Server, answer, raw, with},
    *,
};

fn at(url: String) -> Source {
    source(Origin::File(FileOrigin::Url {
        url,
        timeout: Duration::from_secs(5),
        access: Access::default(),
    }))
}

#[tokio::test]
async fn an_unchanged_file_is_asked_for_and_not_sent() {
    for (name, value, condition) in [
        ("etag", "\"v1\"", "if-none-match"),
        (
            "last-modified",
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "if-modified-since",
        ),
    ] {
        let bench = Bench::new();
        let server = Server::start(move |seen: Seen| async move {
            match seen.header(condition) {
                Some(given) if given == value => answer(304, ""),
                _ => with(200, &[(name, value)], list(1)),
            }
        })
        .await;
        let source = at(server.url("/list.json"));
        let (lines, fingerprint) = bench.complete(&source, None).await;
        assert_eq!(lines, [r#"servers[0] {"name":"a/0"}"#]);
        assert_eq!(
            bench.unchanged(&source, fingerprint.clone()).await,
            fingerprint,
            "{name}"
        );
        assert_eq!(server.seen().len(), 2);
        assert_eq!(bench.left_behind(), 0);
    }
}

#[tokio::test]
async fn a_server_without_validators_is_compared_by_digest() {
    let bench = Bench::new();
    let calls = Arc::new(Mutex::new(0));
    let server = Server::start(move |_| {
        let calls = calls.clone();
        async move {
            let mut calls = calls.lock().expect("a count");
            *calls += 1;
            answer(200, list(if *calls < 3 { 1 } else { 2 }))
        }
    })
    .await;
    let source = at(server.url("/list.json"));
    let (_, fingerprint) = bench.complete(&source, None).await;
    assert_eq!(
        bench.unchanged(&source, fingerprint.clone()).await,
        fingerprint
    );
    assert_eq!(bench.complete(&source, fingerprint).await.0.len(), 2);
}

#[tokio::test]
async fn a_compressed_answer_is_unpacked() {
    let bench = Bench::new();
    let server = Server::start(|seen: Seen| async move {
        assert!(
            seen.header("accept-encoding")
                .is_some_and(|codings| codings.contains("gzip"))
        );
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(list(3).as_bytes()).expect("packed");
        with(
            200,
            &[("content-encoding", "gzip")],
            packed.finish().expect("packed"),
        )
    })
    .await;
    assert_eq!(bench.complete(&at(server.url("/")), None).await.0.len(), 3);
}

#[tokio::test]
async fn a_large_file_goes_through_the_scratch_directory_and_is_gone_afterwards() {
    let bench = Bench::new();
    let server = Server::start(|_| async { answer(200, list(60_000)) }).await;
    assert_eq!(
        bench.complete(&at(server.url("/")), None).await.0.len(),
        60_000
    );
    assert_eq!(bench.left_behind(), 0);
}

#[tokio::test]
async fn refusals_are_classified() {
    type Row = (fn() -> Answer, Kind, &'static str, Option<u64>);
    let rows: [Row; 9] = [
        (|| answer(401, ""), Kind::Unauthorized, "HTTP 401", None),
        (
            || answer(403, ""),
            Kind::Unauthorized,
            "set `file.auth.tokenFile`",
            None,
        ),
        (
            || answer(404, ""),
            Kind::NotFound,
            "check the address",
            None,
        ),
        (|| answer(418, ""), Kind::Other, "HTTP 418", None),
        (|| answer(304, ""), Kind::Other, "HTTP 304", None),
        (|| answer(503, ""), Kind::Unreachable, "unwell", None),
        (
            || with(503, &[("retry-after", "7")], ""),
            Kind::Unreachable,
            "HTTP 503",
            Some(7),
        ),
        (
            || with(429, &[("retry-after", "90")], ""),
            Kind::Unreachable,
            "asks to wait",
            Some(90),
        ),
        (
            || answer(200, "<html>Log in</html>"),
            Kind::Format,
            "HTML",
            None,
        ),
    ];
    for (respond, kind, part, retry_after) in rows {
        let bench = Bench::new();
        let server = Server::start(move |_| async move { respond() }).await;
        let url = server
            .url("/x?token=secret")
            .replace("http://", "http://user:secret@");
        let error = bench.failure(&at(url)).await;
        check(&error, kind, &[part, &server.url("/x")]);
        assert_eq!(
            error.retry_after,
            retry_after.map(Duration::from_secs),
            "{error}"
        );
        assert!(!error.message.contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn a_redirect_is_followed_but_not_for_ever() {
    let bench = Bench::new();
    let server = Server::start(|seen: Seen| async move {
        match seen.target.as_str() {
            "/old" => with(302, &[("location", "/new")], ""),
            "/new" => answer(200, list(1)),
            _ => with(302, &[("location", "/loop")], ""),
        }
    })
    .await;
    assert_eq!(
        bench.complete(&at(server.url("/old")), None).await.0.len(),
        1
    );
    check(
        &bench.failure(&at(server.url("/loop"))).await,
        Kind::Redirect,
        &["more than 5 redirects"],
    );
}

#[tokio::test]
async fn a_server_that_is_not_there_or_not_http_is_unreachable() {
    let bench = Bench::new();
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("an address");
    check(
        &bench.failure(&at(format!("http://{closed}/"))).await,
        Kind::Unreachable,
        &["refused", "check the address"],
    );
    let noise = raw(vec!["SSH-2.0-server\r\n".into()]);
    check(
        &bench.failure(&at(format!("http://{noise}/"))).await,
        Kind::Unreachable,
        &["check the address"],
    );
    check(
        &bench.failure(&at("no address".into())).await,
        Kind::Other,
        &["not an address"],
    );
}

#[tokio::test]
async fn a_transfer_that_breaks_off_hands_over_nothing() {
    let bench = Bench::new();
    let body = list(10);
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
    let address = raw(vec![format!("{head}{}", &body[..body.len() / 2])]);
    let (lines, end) = bench
        .pass(&at(format!("http://{address}/")), Request::default())
        .await;
    assert_eq!(lines.len(), 0);
    assert_eq!(end.expect_err("broken off").kind, Kind::Unreachable);
}

#[tokio::test]
async fn a_body_that_is_announced_too_large_is_not_awaited() {
    let bench = Bench::new();
    let address = raw(vec![format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n",
        5u64 << 30
    )]);
    check(
        &bench.failure(&at(format!("http://{address}/"))).await,
        Kind::TooLarge,
        &["more than"],
    );
}

#[tokio::test]
async fn an_unconditional_request_cannot_be_unchanged() {
    let bench = Bench::new();
    let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let server = Server::start(move |_| {
        let number = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        async move {
            match number {
                0 => answer(200, list(1)),
                _ => answer(304, ""),
            }
        }
    })
    .await;
    let source = at(server.url("/list.json"));
    let (_, fingerprint) = bench.complete(&source, None).await;
    let (_, end) = bench.pass(&source, known(fingerprint)).await;
    check(&end.expect_err("a lie"), Kind::Other, &["HTTP 304"]);
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    let bench = Bench::new();
    let server = Server::start(|_| std::future::pending::<Answer>()).await;
    let source = source(Origin::File(FileOrigin::Url {
        url: server.url("/"),
        timeout: Duration::from_millis(50),
        access: Access::default(),
    }));
    check(
        &bench.failure(&source).await,
        Kind::Timeout,
        &["raise the source's `timeout`"],
    );
}

#[tokio::test]
async fn a_wait_for_an_answer_ends_when_it_is_stopped() {
    let bench = Bench::new();
    let server = Server::start(|_| std::future::pending::<Answer>()).await;
    let stop = bench.cx.stop.clone();
    let stopping = tokio::spawn(async move { stop.set() });
    assert_eq!(
        bench.failure(&at(server.url("/"))).await.kind,
        Kind::Stopped
    );
    stopping.await.expect("stopped");
}
