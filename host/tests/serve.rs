//! Limits and probes, over real connections.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod support;

use std::time::{Duration, Instant};

use serde_json::Value;
use support::{config, header, send_h2, server};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

async fn raw(server: &support::Server, text: &str) -> String {
    let mut stream = TcpStream::connect(server.bound.public).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer))
        .await
        .unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_protocols_are_spoken() {
    let server = server(config()).await;
    let one = server.get("/head", &[]).await;
    let two = send_h2(server.bound.public, "GET", "/head", &[]).await;
    for response in [one, two] {
        assert_eq!(response.status(), 200);
        let expected = format!("GET http://{}/head", server.bound.public);
        let seen = String::from_utf8(response.body().to_vec()).unwrap();
        assert!(seen.starts_with(&expected), "{seen}");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_id_is_kept_shown_and_handed_on() {
    let server = server(config()).await;
    let response = server.get("/head", &[("x-request-id", "abc-1")]).await;
    assert_eq!(header(&response, "x-request-id"), "abc-1");
    assert!(String::from_utf8_lossy(response.body()).contains("x-request-id: abc-1"));
    let response = server.get("/head", &[("x-request-id", "not sane")]).await;
    assert_eq!(header(&response, "x-request-id").len(), 32);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_may_have_a_size_and_no_more() {
    let server = server(config()).await;
    for (size, status) in [(0, 200), (64 * 1024, 200), (64 * 1024 + 1, 413)] {
        let response = server.send("POST", "/echo", &[], vec![b'x'; size]).await;
        assert_eq!(response.status().as_u16(), status, "{size}");
        if status == 200 {
            assert_eq!(response.body().len(), size);
        } else {
            let problem: Value = serde_json::from_slice(response.body()).unwrap();
            assert_eq!(problem["status"], 413);
            assert_eq!(problem["request_id"], header(&response, "x-request-id"));
        }
    }
    let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
    let head =
        "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    let answer = raw(&server, &format!("{head}{}0\r\n\r\n", chunk.repeat(5))).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer:.200}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_may_have_a_size_and_no_more() {
    let server = server(config()).await;
    let long = "x".repeat(20_000);
    let many: String = (0..200)
        .map(|number| format!("x-{number}: y\r\n"))
        .collect();
    for (head, status) in [
        ("x-a: y\r\n".to_owned(), "200"),
        (format!("x-a: {long}\r\n"), "431"),
        (many, "431"),
        ("no colon\r\n".to_owned(), "400"),
    ] {
        let answer = raw(
            &server,
            &format!("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{head}\r\n"),
        )
        .await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{head:.40}: {answer:.100}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_dallies_loses_its_connection() {
    let server = server(config()).await;
    // A head has 500 ms, silence 1.5 s.
    for (beginning, least, most) in [
        ("", 1400, 4000),
        ("P", 400, 1300),
        ("PRI * HT", 400, 1300),
        ("GET /hello HTTP/1.1\r\nHost", 400, 1300),
        (
            "GET /hello HTTP/1.1\r\nHost: x\r\n\r\nGET /hello HT",
            400,
            4000,
        ),
    ] {
        let begun = Instant::now();
        raw(&server, beginning).await;
        let took = begun.elapsed();
        assert!(
            took >= Duration::from_millis(least) && took < Duration::from_millis(most),
            "{beginning:?}: {took:?}"
        );
    }
}

/// Time at which the server closes a connection on which requests came after these pauses.
async fn closed_after(server: &support::Server, pauses: &[u64]) -> Duration {
    let mut stream = TcpStream::connect(server.bound.public).await.unwrap();
    let mut buffer = [0; 4096];
    for pause in pauses {
        tokio::time::sleep(Duration::from_millis(*pause)).await;
        let request = b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let length = stream.read(&mut buffer).await.unwrap();
        let answer = buffer.get(..length).unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200 "), "{pause}");
    }
    let quiet = Instant::now();
    assert_eq!(stream.read(&mut buffer).await.unwrap(), 0, "closed");
    quiet.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_connection_outlives_the_header_time() {
    let server = server(config()).await;
    // Pauses longer than the header time of 500 ms, shorter than the idle time of 1.5 s.
    let closed = closed_after(&server, &[900, 900, 900]).await;
    assert!(
        closed >= Duration::from_millis(1400) && closed < Duration::from_secs(4),
        "{closed:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_answer_is_not_idle_time() {
    let server = server(config()).await;
    let whole = server.get("/stream?chunks=4&ms=600", &[]).await;
    assert_eq!(whole.body(), "chunk 0\nchunk 1\nchunk 2\nchunk 3\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_before_a_request_have_the_shape_of_other_errors() {
    let server = server(config()).await;
    let long = "x".repeat(20_000);
    for (request, status) in [
        ("GET /hello HTTP/1.1\r\nno colon\r\n\r\n".to_owned(), 400),
        (
            format!("GET /hello HTTP/1.1\r\nHost: x\r\nx-a: {long}\r\n\r\n"),
            431,
        ),
        (
            "GET /hello HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned(),
            400,
        ),
        (
            "GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n".to_owned(),
            400,
        ),
    ] {
        let answer = raw(&server, &request).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        for field in ["content-type: application/problem+json", "x-request-id: "] {
            assert!(head.contains(field), "{field}: {head}");
        }
        let problem: Value = serde_json::from_str(body).unwrap();
        assert_eq!(problem["status"], status, "{body}");
        assert!(problem["error"].is_string() && problem["detail"] == problem["error"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beyond_the_limits_callers_are_told_to_come_again() {
    let mut config = config();
    config.limits.requests = 2;
    config.limits.connections = 4;
    config.limits.header_timeout = Duration::from_secs(30);
    let server = server(config).await;
    let busy = || server.get("/wait?ms=600", &[]);
    let third = async {
        server.answering(2).await;
        let response = server.get("/hello", &[]).await;
        assert_eq!(response.status(), 503);
        assert_eq!(header(&response, "retry-after"), "1");
        assert_eq!(
            header(&response, "content-type"),
            "application/problem+json"
        );
        let probe = server.get("/livez", &[]).await;
        assert_eq!(probe.status(), 200, "a probe is not a request among others");
    };
    let (one, two, ()) = tokio::join!(busy(), server.get("/wait?ms=601", &[]), third);
    assert_eq!((one.status().as_u16(), two.status().as_u16()), (200, 200));

    server.shows("cairn_connections", 0).await;
    let mut idle = Vec::new();
    for _ in 0..4 {
        idle.push(TcpStream::connect(server.bound.public).await.unwrap());
    }
    server.shows("cairn_connections", 4).await;
    let answer = raw(&server, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("retry-after: 1\r\n"), "{answer}");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let length = format!("content-length: {}", body.len());
    assert!(head.lines().any(|line| line == length), "{answer}");
    let problem = serde_json::from_str::<Value>(body).unwrap();
    assert_eq!(problem["error"], problem["detail"]);
    let metrics = server.metrics.render().unwrap();
    for limit in ["requests", "connections"] {
        assert!(metrics.contains(&format!("limit=\"{limit}\"")), "{metrics}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_without_an_answer_is_a_503_and_is_counted() {
    let server = server(config()).await;
    for path in ["/trap", "/loop", "/alloc?mb=64", "/wait?ms=60000"] {
        let response = server.get(path, &[("x-request-id", "abc-2")]).await;
        assert_eq!(response.status(), 503, "{path}");
        assert_eq!(header(&response, "retry-after"), "1", "{path}");
        let problem: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(problem["request_id"], "abc-2", "{path}");
    }
    let metrics = server.metrics.render().unwrap();
    for reason in ["trap", "runaway", "memory"] {
        let line = format!(
            "cairn_instance_stops_total{{reason=\"{reason}\",stacklok_component=\"registry\",stacklok_product=\"cairn\"}} 1"
        );
        assert!(metrics.contains(&line), "{reason}: {metrics}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn probes_say_how_it_goes_inside_and_outside() {
    let server = server(config()).await;
    let json = |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap();
    for (path, key, value) in [
        ("/health", "status", "healthy"),
        ("/livez", "status", "alive"),
        ("/healthz", "status", "alive"),
        ("/readyz", "status", "ready"),
        ("/readiness", "status", "ready"),
        ("/ready", "status", "ready"),
        ("/version", "version", env!("CARGO_PKG_VERSION")),
    ] {
        let response = server.inside(path).await;
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(json(response.body())[key], value, "{path}");
    }
    let uptime = json(server.inside("/livez").await.body());
    assert!(uptime["uptime"].as_str().unwrap().ends_with('s'));
    let metrics = String::from_utf8(server.inside("/metrics").await.body().to_vec()).unwrap();
    for name in [
        "stacklok_build_info_ratio",
        "http_server_active_requests",
        "cairn_instances",
        "cairn_cache_bytes",
        "cairn_database_readers",
    ] {
        assert!(
            metrics.contains(&format!("\n{name}{{")),
            "{name}: {metrics}"
        );
    }
    assert_eq!(server.inside("/nowhere").await.status(), 404);
    for (path, status) in [
        ("/livez", 200),
        ("/readyz", 200),
        ("/metrics", 404),
        ("/health", 404),
    ] {
        let response = server.get(path, &[]).await;
        assert_eq!(
            response.status(),
            status,
            "{path}: the last two are the component's"
        );
    }
    server.health.set_schema(cairn::serve::Schema {
        status: "newer",
        version: Some(9),
    });
    let outside = server.get("/readyz", &[]).await;
    assert_eq!(outside.status(), 503);
    assert_eq!(
        outside.body(),
        r#"{"reason":"schema","status":"not_ready"}"#
    );
    let response = server.inside("/readyz").await;
    assert_eq!(response.status(), 503);
    assert_eq!(
        json(response.body())["components"]["schema"]["status"],
        "newer"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_counted_by_template_and_never_by_path() {
    let server = server(config()).await;
    server
        .get("/v0.1/servers/some%2Fname/versions/latest?x=secret", &[])
        .await;
    server.get("/made/up/by/a/caller", &[]).await;
    let metrics = server.metrics.render().unwrap();
    let line = "stacklok_registry_http_requests_total{method=\"GET\",route=\"/v0.1/servers/{name}/versions/{version}\",\
                status=\"404\",stacklok_component=\"registry\",stacklok_product=\"cairn\"} 1";
    assert!(metrics.contains(line), "{metrics}");
    assert!(
        metrics.contains("route=\"other\"")
            && !metrics.contains("/made")
            && !metrics.contains("secret")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_is_passed_on_as_it_comes() {
    let server = server(config()).await;
    let whole = server.get("/stream?chunks=3&ms=10", &[]).await;
    assert_eq!(whole.body(), "chunk 0\nchunk 1\nchunk 2\n");
    let large = server.get("/make?size=3000000", &[]).await;
    assert_eq!(large.body().len(), 3_000_000);
    let head = server.send("HEAD", "/make?size=3000000", &[], "").await;
    assert_eq!((head.status().as_u16(), head.body().len()), (200, 0));
}
