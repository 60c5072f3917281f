//! Registries that are slow, unwell or wrong.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{
    api::{api, page, parameter, three},
    server::{Answer, Seen, Server, answer, raw, with},
    *,
};

/// Answers the first `count` requests with `failure`, the others with three pages.
async fn failing(count: usize, failure: fn() -> Answer) -> Server {
    let asked = Arc::new(AtomicUsize::new(0));
    Server::start(move |seen| {
        let number = asked.fetch_add(1, Ordering::SeqCst);
        async move {
            if number < count {
                failure()
            } else {
                three(&seen)
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_page_is_tried_again_with_growing_waits() {
    for failure in [
        || answer(503, ""),
        || answer(500, ""),
        || answer(429, ""),
        || answer(408, ""),
    ] {
        let bench = Bench::new();
        let server = failing(4, failure).await;
        assert_eq!(bench.complete(&api(server.url("")), None).await.0.len(), 7);
        let slept = bench.slept();
        assert_eq!(slept.len(), 4);
        for (attempt, wait) in slept.iter().enumerate() {
            let full = Duration::from_millis(500 << attempt);
            assert!(
                *wait >= full / 2 && *wait <= full,
                "attempt {attempt}: {wait:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_page_is_given_up_after_five_attempts() {
    let bench = Bench::new();
    let server = failing(100, || answer(502, "")).await;
    let error = bench.failure(&api(server.url(""))).await;
    check(
        &error,
        Kind::Unreachable,
        &["page 1: ", "HTTP 502", "5 attempts"],
    );
    assert_eq!(server.seen().len(), 5);
}

#[tokio::test]
async fn the_upstreams_wish_to_wait_is_honoured_or_handed_on() {
    let bench = Bench::new();
    let server = failing(1, || with(429, &[("retry-after", "7")], "")).await;
    bench.complete(&api(server.url("")), None).await;
    assert_eq!(bench.slept(), [Duration::from_secs(7)]);

    let server = failing(1, || with(503, &[("retry-after", "600")], "")).await;
    let error = bench.failure(&api(server.url(""))).await;
    check(&error, Kind::Unreachable, &["HTTP 503"]);
    assert_eq!(error.retry_after, Some(Duration::from_secs(600)));
    assert_eq!(bench.slept().len(), 0, "left alone until the next run");
}

#[tokio::test]
async fn refusals_that_stay_are_not_tried_again() {
    for (failure, kind, part) in [
        (
            (|| answer(401, "")) as fn() -> Answer,
            Kind::Unauthorized,
            "HTTP 401",
        ),
        (
            || answer(404, ""),
            Kind::NotFound,
            "the address before `/v0.1`",
        ),
        (|| answer(400, ""), Kind::Other, "HTTP 400"),
        (|| answer(200, "<html>Log in</html>"), Kind::Format, "HTML"),
        (
            || answer(200, "[]"),
            Kind::Format,
            "not a page of a v0.1 list",
        ),
        (
            || answer(200, r#"{"servers":[{}"#),
            Kind::Format,
            "ends in the middle",
        ),
    ] {
        let bench = Bench::new();
        let server = failing(100, failure).await;
        check(&bench.failure(&api(server.url(""))).await, kind, &[part]);
        assert_eq!(bench.slept().len(), 0);
    }
}

#[tokio::test]
async fn silence_and_a_dead_port_are_tried_again() {
    let bench = Bench::new();
    let server = Server::start(|_| std::future::pending::<Answer>()).await;
    let silent = source(Origin::Api {
        endpoint: server.url(""),
        timeout: Duration::from_millis(30),
        access: Access::default(),
    });
    check(
        &bench.failure(&silent).await,
        Kind::Timeout,
        &["`timeout`", "5 attempts"],
    );
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("an address");
    check(
        &bench.failure(&api(format!("http://{closed}"))).await,
        Kind::Unreachable,
        &["refused", "5 attempts"],
    );
    assert_eq!(bench.slept().len(), 8);
}

#[tokio::test]
async fn a_page_that_breaks_off_is_taken_again_as_a_whole() {
    let bench = Bench::new();
    let body = list(3);
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
    let broken = format!("{head}{}", &body[..body.len() - 20]);
    let address = raw(vec![broken.clone(), broken, format!("{head}{body}")]);
    let (lines, _) = bench
        .complete(&api(format!("http://{address}")), None)
        .await;
    assert_eq!(lines.len(), 5, "{lines:?}");
    assert_eq!(bench.slept().len(), 2);
}

#[tokio::test]
async fn a_page_that_is_too_large_is_not_taken() {
    let bench = Bench::new();
    let address = raw(vec![format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n",
        65u64 << 20
    )]);
    check(
        &bench.failure(&api(format!("http://{address}"))).await,
        Kind::TooLarge,
        &["more than 67108864 bytes"],
    );
}

#[tokio::test]
async fn a_cursor_that_cannot_be_kept_is_refused() {
    let bench = Bench::new();
    let server = Server::start(|_| async { page("a/1", Some("x\\u0000")) }).await;
    let (_, end) = bench.pass(&api(server.url("")), Request::default()).await;
    let words = ["page 1", "NUL", "nextCursor"];
    check(&end.expect_err("no cursor"), Kind::Format, &words);
}

#[tokio::test]
async fn a_cursor_that_comes_again_ends_the_pass_before_it_is_handed_over() {
    let bench = Bench::new();
    let server = Server::start(|seen: Seen| async move {
        match parameter(&seen.target, "cursor") {
            None => page("a/1", Some("x")),
            Some("x") => page("a/2", Some("y")),
            _ => page("a/3", Some("x")),
        }
    })
    .await;
    let (lines, end) = bench.pass(&api(server.url("")), Request::default()).await;
    check(
        &end.expect_err("a loop"),
        Kind::Inconsistent,
        &["page 3", "the upstream loops", "`x`"],
    );
    assert_eq!(
        lines.last().map(String::as_str),
        Some(r#"page 3, servers[0] {"name":"a/3"}"#)
    );
    let request = Request {
        cursor: Some("y".into()),
        ..Request::default()
    };
    let (_, end) = bench.pass(&api(server.url("")), request).await;
    let words = ["page 2", "`y`"];
    check(&end.expect_err("a loop"), Kind::Inconsistent, &words);
}

#[tokio::test]
async fn a_saved_cursor_or_time_that_is_refused_asks_for_a_full_pass() {
    for request in [
        Request {
            cursor: Some("expired".into()),
            ..Request::default()
        },
        Request {
            updated_since: Some("1999".into()),
            ..Request::default()
        },
    ] {
        let bench = Bench::new();
        let server = Server::start(|seen: Seen| async move {
            let saved = ["cursor", "updated_since"]
                .iter()
                .any(|name| parameter(&seen.target, name).is_some());
            if saved {
                answer(422, "")
            } else {
                page("a/1", None)
            }
        })
        .await;
        let (_, end) = bench.pass(&api(server.url("")), request).await;
        check(
            &end.expect_err("refused"),
            Kind::CursorRejected,
            &["begin a full pass"],
        );
        assert_eq!(bench.slept().len(), 0);
    }
}

#[tokio::test]
async fn a_cursor_that_the_upstream_gave_and_refuses_is_its_own_fault() {
    let bench = Bench::new();
    let server = Server::start(|seen: Seen| async move {
        match parameter(&seen.target, "cursor") {
            None => page("a/1", Some("x")),
            _ => answer(400, ""),
        }
    })
    .await;
    let (lines, end) = bench.pass(&api(server.url("")), Request::default()).await;
    check(
        &end.expect_err("refused"),
        Kind::Other,
        &["page 2", "HTTP 400"],
    );
    assert_eq!(lines.len(), 3, "the first page stays");
}

#[tokio::test]
async fn an_endpoint_that_is_no_address_is_refused_at_once() {
    let bench = Bench::new();
    check(
        &bench.failure(&api("registry.example".into())).await,
        Kind::Other,
        &["`api.endpoint` must be"],
    );
}
