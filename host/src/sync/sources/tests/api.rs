//! The walk over a registry's pages.

use super::{
    server::{Answer, Seen, Server, answer, with},
    *,
};

pub(super) fn api(endpoint: String) -> Source {
    source(Origin::Api {
        endpoint,
        timeout: Duration::from_secs(5),
        access: Access::default(),
    })
}

/// A page with one record, and where the next one is.
pub(super) fn page(name: &str, next: Option<&str>) -> Answer {
    let next = next.map_or(String::new(), |next| format!(r#","nextCursor":"{next}""#));
    let body = format!(
        r#"{{"servers":[{{"server":{{"name":"{name}"}}}}],"metadata":{{"count":1{next}}}}}"#
    );
    with(200, &[("date", "Sun, 06 Nov 1994 08:49:37 GMT")], body)
}

/// The value of a query parameter as it stands in the target.
pub(super) fn parameter<'a>(target: &'a str, name: &str) -> Option<&'a str> {
    let query = target.split_once('?')?.1;
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

/// Three pages: a/1, a/2, a/3.
pub(super) fn three(seen: &Seen) -> Answer {
    match parameter(&seen.target, "cursor") {
        None => page("a/1", Some("a b:1/ä&")),
        Some("a+b%3A1%2F%C3%A4%26") => page("a/2", Some("c3")),
        Some("c3") => page("a/3", None),
        Some(other) => answer(400, other.to_owned()),
    }
}

const THREE: [&str; 7] = [
    "started Some(784111777000000)",
    r#"page 1, servers[0] {"name":"a/1"}"#,
    r#"page Some("a b:1/ä&")"#,
    r#"page 2, servers[0] {"name":"a/2"}"#,
    r#"page Some("c3")"#,
    r#"page 3, servers[0] {"name":"a/3"}"#,
    "page None",
];

#[tokio::test]
async fn pages_come_in_order_each_with_the_cursor_of_the_next() {
    let bench = Bench::new();
    let server = Server::start(|seen| async move { three(&seen) }).await;
    let (lines, fingerprint) = bench.complete(&api(server.url("/registry/x/")), None).await;
    assert_eq!(lines, THREE);
    assert_eq!(fingerprint, None);
    assert_eq!(
        server.targets(),
        [
            "/registry/x/v0.1/servers?limit=100&include_deleted=true",
            "/registry/x/v0.1/servers?limit=100&include_deleted=true&cursor=a+b%3A1%2F%C3%A4%26",
            "/registry/x/v0.1/servers?limit=100&include_deleted=true&cursor=c3",
        ]
    );
    assert!(bench.slept().is_empty());
}

#[tokio::test]
async fn a_pass_goes_on_at_the_saved_cursor_and_asks_only_for_what_changed() {
    let bench = Bench::new();
    let server = Server::start(|seen| async move { three(&seen) }).await;
    let request = Request {
        cursor: Some("c3".into()),
        updated_since: Some("2025-01-01T00:00:00+01:00".into()),
        ..Request::default()
    };
    let (lines, end) = bench.pass(&api(server.url("")), request).await;
    assert!(end.is_ok(), "{end:?}");
    assert_eq!(
        lines[1..],
        [r#"page 1, servers[0] {"name":"a/3"}"#, "page None"]
    );
    let targets = server.targets();
    assert_eq!(targets.len(), 1);
    assert_eq!(
        parameter(&targets[0], "updated_since"),
        Some("2025-01-01T00%3A00%3A00%2B01%3A00")
    );
}

#[tokio::test]
async fn the_older_path_is_tried_where_the_newer_one_is_not_there() {
    let bench = Bench::new();
    let server = Server::start(|seen: Seen| async move {
        if seen.target.starts_with("/v0/servers") {
            three(&seen)
        } else {
            answer(404, "")
        }
    })
    .await;
    assert_eq!(bench.complete(&api(server.url("")), None).await.0, THREE);
    assert_eq!(server.targets().len(), 4, "the newer path is asked once");
}

#[tokio::test]
async fn parameters_that_the_upstream_refuses_are_left_out() {
    for status in [400, 422] {
        let bench = Bench::new();
        let server = Server::start(move |seen: Seen| async move {
            if seen.target.contains("limit") {
                answer(status, "")
            } else {
                three(&seen)
            }
        })
        .await;
        assert_eq!(bench.complete(&api(server.url("")), None).await.0, THREE);
        assert_eq!(server.targets()[1], "/v0.1/servers");
    }
}

#[tokio::test]
async fn an_empty_page_with_a_cursor_is_not_the_end() {
    let bench = Bench::new();
    let server = Server::start(|seen: Seen| async move {
        match parameter(&seen.target, "cursor") {
            None => answer(200, r#"{"metadata":{"nextCursor":"x"},"servers":[]}"#),
            _ => answer(200, r#"{"servers":null}"#),
        }
    })
    .await;
    let (lines, _) = bench.complete(&api(server.url("")), None).await;
    assert_eq!(lines[1..], [r#"page Some("x")"#, "page None"]);
}

#[tokio::test]
async fn a_redirect_is_followed() {
    let bench = Bench::new();
    let server = Server::start(|seen: Seen| async move {
        match seen.target.strip_prefix("/old") {
            Some(rest) => with(308, &[("location", rest)], ""),
            None => three(&seen),
        }
    })
    .await;
    assert_eq!(
        bench.complete(&api(server.url("/old")), None).await.0,
        THREE
    );
}

#[tokio::test]
async fn what_a_record_names_is_never_fetched() {
    let bench = Bench::new();
    let server = Server::start(|seen: Seen| async move {
        let own = format!("http://{}", seen.header("host").unwrap_or_default());
        let record = format!(
            r#"{{"$schema":"{own}/schema","name":"a/b","websiteUrl":"{own}/site","repository":{{"url":"{own}/repo"}},
                "icons":[{{"src":"{own}/icon"}}],"remotes":[{{"type":"sse","url":"{own}/remote"}}]}}"#
        );
        answer(200, format!(r#"{{"servers":[{{"server":{record}}}]}}"#))
    })
    .await;
    bench.complete(&api(server.url("")), None).await;
    bench
        .complete(
            &source(Origin::File(FileOrigin::Url {
                url: server.url("/file.json"),
                timeout: Duration::from_secs(5),
                access: Access::default(),
            })),
            None,
        )
        .await;
    let targets = server.targets();
    assert_eq!(
        targets,
        ["/v0.1/servers?limit=100&include_deleted=true", "/file.json"]
    );
}
