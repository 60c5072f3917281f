//! The response cache and the content codings, over HTTP and with a real component behind them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod support;

use std::{
    io::Read,
    time::{Duration, Instant},
};

use bytes::Bytes;
use cairn::config::Config;
use http::Response;
use support::{Server, config, header, server};

/// A page that may be kept; its first line counts how often the component made it.
const PAGE: &str =
    "/make?size=20000&cache-control=public,max-age=60&content-type=text/plain&etag=abc";

/// A page that the component makes once, and then fails to make.
const WELL_ONCE: &str = "/make?size=100&cache-control=public,max-age=1&well=1";

fn count(response: &Response<Bytes>) -> String {
    let text = String::from_utf8(response.body().to_vec()).unwrap();
    text.lines().next().unwrap_or_default().to_owned()
}

/// One instance, which counts what reaches it.
fn counting() -> Config {
    let mut config = config();
    config.limits.instances = 1;
    config
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeat_does_not_reach_the_component_until_the_database_changes() {
    let server = server(counting()).await;
    for (step, headers, cache, made) in [
        ("first", vec![], "miss", "1"),
        ("again", vec![], "hit", "1"),
        (
            "another Accept",
            vec![("accept", "text/plain")],
            "miss",
            "2",
        ),
        ("another Origin", vec![("origin", "http://x")], "miss", "3"),
        (
            "both known by now",
            vec![("accept", "text/plain")],
            "hit",
            "2",
        ),
        (
            "with credentials",
            vec![("authorization", "Bearer x")],
            "bypass",
            "4",
        ),
        ("which are not kept", vec![], "hit", "1"),
        ("with a cookie", vec![("cookie", "a=b")], "bypass", "5"),
        (
            "going through",
            vec![("cache-control", "no-cache")],
            "bypass",
            "6",
        ),
        ("and so refreshing", vec![], "hit", "6"),
    ] {
        let response = server.get(PAGE, &headers).await;
        assert_eq!(
            (header(&response, "x-cache"), &*count(&response)),
            (cache, made),
            "{step}"
        );
        assert_eq!(
            header(&response, "age").is_empty(),
            cache != "hit",
            "{step}"
        );
    }
    server.commit().await;
    let response = server.get(PAGE, &[]).await;
    assert_eq!(
        (header(&response, "x-cache"), &*count(&response)),
        ("miss", "7"),
        "after a commit"
    );
    let metrics = server.metrics.render().unwrap();
    assert!(
        metrics.contains(
            "cairn_cache_requests_total{result=\"hit\",stacklok_component=\"registry\",stacklok_product=\"cairn\"} 4"
        ),
        "{metrics}"
    );
}

/// Until it says something else than that it has an answer.
async fn no_longer_a_hit(server: &Server, page: &str) -> Response<Bytes> {
    loop {
        let response = server.get(page, &[]).await;
        if header(&response, "x-cache") != "hit" {
            return response;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_earlier_answer_stands_in_for_one_that_is_not_to_be_had_where_that_is_wanted() {
    let mut config = counting();
    config.cache.stale_if_error = Duration::from_secs(60);
    let server = server(config).await;
    let first = server.get(WELL_ONCE, &[]).await;
    assert_eq!(header(&first, "x-cache"), "miss");
    let past = server
        .get(WELL_ONCE, &[("cache-control", "no-cache")])
        .await;
    assert_eq!(past.status().as_u16(), 503, "who wants a new one gets none");
    let stale = no_longer_a_hit(&server, WELL_ONCE).await;
    assert_eq!(header(&stale, "x-cache"), "stale");
    assert_eq!((stale.status().as_u16(), stale.body()), (200, first.body()));
    assert!(header(&stale, "age").parse::<u64>().unwrap() >= 1);
    let past = server
        .get(WELL_ONCE, &[("cache-control", "no-cache")])
        .await;
    let (begun, asked) = (Instant::now(), count(&past).parse::<u32>().unwrap());
    let again = server.get(WELL_ONCE, &[]).await;
    assert_eq!(header(&again, "x-cache"), "stale");
    let past = server
        .get(WELL_ONCE, &[("cache-control", "no-cache")])
        .await;
    let in_between = count(&past).parse::<u32>().unwrap() - asked - 1;
    let soon = begun.elapsed() < Duration::from_secs(1);
    assert!(
        in_between == 0 || !soon,
        "it was asked for anew: {in_between}"
    );
    server.commit().await;
    let moved = server.get(WELL_ONCE, &[]).await;
    assert_eq!(moved.status().as_u16(), 503, "it may be no longer true");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_is_passed_on_where_nothing_is_to_stand_in() {
    let server = server(counting()).await;
    server.get(WELL_ONCE, &[]).await;
    let failed = no_longer_a_hit(&server, WELL_ONCE).await;
    assert_eq!(
        (failed.status().as_u16(), header(&failed, "x-cache")),
        (503, "miss")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_must_not_be_kept_is_not() {
    let server = server(counting()).await;
    for query in [
        "size=100",
        "size=100&cache-control=no-store",
        "size=100&cache-control=private,max-age=60",
        "size=100&cache-control=public&set-cookie=a",
        "size=100&cache-control=public&vary=user-agent",
        "size=100&cache-control=public&status=500",
        "size=1000000&cache-control=public",
    ] {
        let path = format!("/make?{query}");
        let one = server.get(&path, &[]).await;
        let two = server.get(&path, &[]).await;
        assert_eq!(header(&two, "x-cache"), "miss", "{query}");
        assert_ne!(count(&one), count(&two), "{query}");
    }
    let posted = server.send("POST", PAGE, &[], "").await;
    assert_eq!(
        (posted.status().as_u16(), header(&posted, "x-cache")),
        (200, "")
    );
    let page = server.get(PAGE, &[]).await;
    assert_eq!(header(&page, "x-cache"), "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_who_ask_at_once_are_answered_with_one() {
    let server = server(config()).await;
    let asking: Vec<_> = (0..20).map(|_| server.get(PAGE, &[])).collect();
    for response in futures_util::future::join_all(asking).await {
        assert_eq!(count(&response), "1");
    }
}

/// A coding asked for, and the coding and tag that come.
const CODINGS: [(&str, &str, &str); 4] = [
    ("identity", "", "\"abc\""),
    ("gzip", "gzip", "\"abc-gzip\""),
    ("br", "br", "\"abc-br\""),
    ("zstd, gzip;q=0.9", "zstd", "\"abc-zstd\""),
];

/// Ways past the cache, through it and into it.
const WAYS: [(&str, &str); 3] = [
    ("accept", "*/*"),
    ("cache-control", "no-cache"),
    ("authorization", "x"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_coding_is_a_representation_of_its_own() {
    let server = server(config()).await;
    let page = format!("{PAGE}&same=1");
    for ((accept, coding, tag), way) in CODINGS
        .into_iter()
        .flat_map(|coding| WAYS.map(|way| (coding, way)))
    {
        let headers = [("accept-encoding", accept), way];
        let response = server.get(&page, &headers).await;
        assert_eq!(
            header(&response, "content-encoding"),
            coding,
            "{accept} {way:?}"
        );
        assert_eq!(header(&response, "etag"), tag, "{accept} {way:?}");
        assert_eq!(header(&response, "vary"), "Accept-Encoding");
        let length = header(&response, "content-length");
        assert_eq!(length, response.body().len().to_string());
        assert_eq!(
            decoded(coding, response.body()).len(),
            20_000,
            "{accept} {way:?}"
        );

        let head = server.send("HEAD", &page, &headers, "").await;
        assert_eq!(
            (head.status().as_u16(), head.body().len()),
            (200, 0),
            "{accept} {way:?}"
        );
        for name in ["content-encoding", "etag", "content-length", "vary"] {
            assert_eq!(
                header(&head, name),
                header(&response, name),
                "{accept} {way:?}: {name}"
            );
        }
    }
    let small = "/make?size=500&content-type=text/plain";
    let small = server.get(small, &[("accept-encoding", "gzip")]).await;
    assert_eq!(
        (header(&small, "content-encoding"), header(&small, "vary")),
        ("", "")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conditions_work_with_every_coding() {
    let server = server(config()).await;
    let page = format!("{PAGE}&same=1");
    for ((accept, _, tag), way) in CODINGS
        .into_iter()
        .flat_map(|coding| WAYS.map(|way| (coding, way)))
    {
        for (condition, status) in [
            (tag.to_owned(), 304),
            (format!("W/{tag}"), 304),
            (format!("\"x\", {tag}"), 304),
            ("*".to_owned(), 304),
            ("\"abc-other\"".to_owned(), 200),
        ] {
            let headers = [
                ("accept-encoding", accept),
                way,
                ("if-none-match", &condition),
            ];
            let response = server.get(&page, &headers).await;
            assert_eq!(response.status().as_u16(), status, "{headers:?}");
            assert_eq!(header(&response, "etag"), tag, "{headers:?}");
            assert_eq!(header(&response, "vary"), "Accept-Encoding");
            assert_eq!(response.body().is_empty(), status == 304);
        }
    }
}

fn decoded(coding: &str, bytes: &Bytes) -> Vec<u8> {
    let mut plain = Vec::new();
    match coding {
        "gzip" => drop(
            flate2::read::GzDecoder::new(&**bytes)
                .read_to_end(&mut plain)
                .unwrap(),
        ),
        "br" => drop(
            brotli::Decompressor::new(&**bytes, 4096)
                .read_to_end(&mut plain)
                .unwrap(),
        ),
        "zstd" => plain = zstd::bulk::decompress(bytes, 1 << 20).unwrap(),
        _ => plain = bytes.to_vec(),
    }
    plain
}
