//! Metrics: the names that existing dashboards read, and what the host adds.

use cairn_tests::{Installation, fixture};

#[test]
fn the_names_that_dashboards_read_are_there() {
    let installation = Installation::of_fixture();
    let server = installation.serve(&[]);
    for _ in 0..2 {
        let _ = server.public.get("/v0.1/servers");
    }
    let _ = server
        .public
        .get("/v0.1/servers/com.example%2Fa/versions/latest?secret=1");
    let _ = server.public.get("/made/up/by/a/caller");
    let living = fixture::keys(|_| true).len();
    cairn_tests::until(
        "the sources to be counted",
        std::time::Duration::from_secs(5),
        || {
            (server.metric("stacklok_registry_servers{source=\"source\"") == Some(living as f64))
                .then_some(())
        },
    );
    let metrics = server.internal.get("/metrics");
    assert_eq!(metrics.status, 200);
    assert!(
        metrics
            .header("content-type")
            .starts_with("text/plain; version=0.0.4")
    );
    let text = metrics.text();
    for (name, kind) in [
        ("http_server_request_duration_seconds", "histogram"),
        ("stacklok_registry_http_requests_total", "counter"),
        ("http_server_active_requests", "gauge"),
        ("stacklok_registry_servers", "gauge"),
        ("stacklok_registry_sync_duration_seconds", "histogram"),
        ("stacklok_build_info_ratio", "gauge"),
        ("cairn_instances", "gauge"),
        ("cairn_cache_requests_total", "counter"),
        ("cairn_cache_bytes", "gauge"),
        ("cairn_cache_entries", "gauge"),
        ("cairn_connections", "gauge"),
        ("cairn_database_readers", "gauge"),
    ] {
        assert!(
            text.contains(&format!("# TYPE {name} {kind}\n")),
            "{name} {kind}"
        );
    }
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        assert!(line.contains("stacklok_component=\"registry\""), "{line}");
    }
    let requests = |route: &str, status: &str| {
        let line = format!(
            "stacklok_registry_http_requests_total{{method=\"GET\",route=\"{route}\",status=\"{status}\""
        );
        server.metric(&line)
    };
    assert_eq!(requests("/v0.1/servers", "200"), Some(2.0));
    assert_eq!(
        requests("/v0.1/servers/{name}/versions/{version}", "200"),
        Some(1.0)
    );
    assert_eq!(requests("other", "404"), Some(1.0));
    for private in ["made/up", "secret", "com.example"] {
        assert!(!text.contains(private), "{private}: labels are bounded");
    }
    let bucket = "http_server_request_duration_seconds_bucket{method=\"GET\",route=\"/v0.1/servers\",status=\"200\"";
    for bound in ["0.005", "0.1", "1", "10", "+Inf"] {
        assert!(
            text.lines()
                .any(|line| line.starts_with(bucket) && line.contains(&format!("le=\"{bound}\""))),
            "{bound}"
        );
    }
    assert!(text.contains(
        "stacklok_registry_sync_duration_seconds_count{outcome=\"success\",source=\"source\""
    ));
    assert_eq!(
        server.metric("cairn_cache_requests_total{result=\"hit\""),
        Some(1.0)
    );
    assert!(
        server
            .metric("cairn_instances{")
            .is_some_and(|instances| instances >= 1.0)
    );
}

#[test]
fn a_failed_run_is_counted() {
    let installation = Installation::empty();
    installation.configure(cairn_tests::installation::of_file(
        &installation.path("absent.json"),
    ));
    let server = installation.start(&[]);
    cairn_tests::until(
        "the failure to be counted",
        std::time::Duration::from_secs(10),
        || {
            let failures = server.metric("stacklok_registry_sync_duration_seconds_count{outcome=\"failure\",source=\"source\"");
            failures.filter(|count| *count >= 1.0)
        },
    );
    assert!(
        server
            .metric("stacklok_registry_errors_total{area=\"sync\"")
            .is_some_and(|count| count >= 1.0)
    );
}
