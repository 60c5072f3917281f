//! Metrics: the names that existing dashboards read, and what the host adds.

use std::time::Duration;

use cairn_tests::{
    Installation, Postgres, Server, Stop, database, fixture, installation::of_file, until,
};
use serde_json::json;

/// A server that has answered a few requests.
fn served() -> (Installation, Server) {
    let installation = Installation::of_fixture();
    let server = installation.serve(&[]);
    for target in [
        "/v0.1/servers",
        "/v0.1/servers",
        "/v0.1/servers/com.example%2Fa/versions/latest?secret=1",
        "/made/up/by/a/caller",
    ] {
        let _ = server.public.get(target);
    }
    (installation, server)
}

/// What dashboards made for the ToolHive registry server query: name, kind, the labels they group or select by.
const OF_TOOLHIVE: [(&str, &str, &[&str]); 9] = [
    (
        "http_server_request_duration_seconds",
        "histogram",
        &["route", "method", "status"],
    ),
    (
        "stacklok_registry_http_requests_total",
        "counter",
        &["route", "method", "status"],
    ),
    ("http_server_active_requests", "gauge", &[]),
    ("stacklok_registry_servers", "gauge", &["source"]),
    ("stacklok_registry_skills", "gauge", &["source"]),
    ("stacklok_registry_plugins", "gauge", &["source"]),
    (
        "stacklok_registry_sync_duration_seconds",
        "histogram",
        &["source", "outcome"],
    ),
    (
        "stacklok_registry_errors_total",
        "counter",
        &["error_type", "area"],
    ),
    ("stacklok_build_info_ratio", "gauge", &["version"]),
];

const OF_OURS: [(&str, &str, &[&str]); 24] = [
    ("cairn_source_quarantined", "gauge", &["source"]),
    ("cairn_source_failures", "gauge", &["source"]),
    (
        "cairn_source_last_success_timestamp_seconds",
        "gauge",
        &["source"],
    ),
    (
        "cairn_source_next_run_timestamp_seconds",
        "gauge",
        &["source"],
    ),
    ("cairn_instances", "gauge", &[]),
    ("cairn_cache_requests_total", "counter", &["result"]),
    ("cairn_cache_bytes", "gauge", &[]),
    ("cairn_cache_entries", "gauge", &[]),
    ("cairn_connections", "gauge", &[]),
    ("cairn_database_readers", "gauge", &[]),
    ("cairn_spans_dropped_total", "counter", &[]),
    ("cairn_ready", "gauge", &[]),
    ("cairn_database_up", "gauge", &[]),
    ("cairn_database_state", "gauge", &["state"]),
    ("cairn_database_pool_open", "gauge", &[]),
    ("cairn_database_pool_idle", "gauge", &[]),
    ("cairn_database_pool_in_use", "gauge", &[]),
    ("cairn_database_pool_waiting", "gauge", &[]),
    ("cairn_database_pool_limit", "gauge", &[]),
    ("process_cpu_seconds_total", "counter", &[]),
    ("process_open_fds", "gauge", &[]),
    ("process_max_fds", "gauge", &[]),
    ("process_resident_memory_bytes", "gauge", &[]),
    ("process_start_time_seconds", "gauge", &[]),
];

#[test]
fn the_names_that_dashboards_read_are_there() {
    let (_installation, server) = served();
    let metrics = server.internal.get("/metrics");
    assert_eq!(metrics.status, 200);
    assert!(
        metrics
            .header("content-type")
            .starts_with("text/plain; version=0.0.4")
    );
    let text = metrics.text();
    for (name, kind, labels) in OF_TOOLHIVE.into_iter().chain(OF_OURS) {
        let (_, figures) = text
            .split_once(&format!("# TYPE {name} {kind}\n"))
            .unwrap_or_else(|| panic!("no {kind} {name}"));
        let figure = figures.lines().next().unwrap_or_default();
        for label in labels {
            let is_there = |before: &str| figure.contains(&format!("{before}{label}=\""));
            assert!(is_there("{") || is_there(","), "{label}: {figure}");
        }
    }
}

#[test]
fn every_figure_says_in_the_same_order_whose_it_is() {
    let common = "stacklok_component=\"registry\",stacklok_product=\"cairn\"";
    let (_installation, server) = served();
    let metrics = server.internal.get("/metrics");
    for line in metrics.text().lines().filter(|line| !line.starts_with('#')) {
        // The bound of a bucket comes last.
        let (labels, _) = line.split_once("} ").expect("labels");
        let labels = labels.split(",le=").next().unwrap_or_default();
        assert!(labels.ends_with(common), "{line}");
    }
}

#[test]
fn requests_are_counted_by_route_and_never_by_what_a_caller_made_up() {
    let (_installation, server) = served();
    let requests = |route: &str, status: &str| {
        let labels = format!("method=\"GET\",route=\"{route}\",status=\"{status}\"");
        server.metric(&format!("stacklok_registry_http_requests_total{{{labels}"))
    };
    assert_eq!(requests("/v0.1/servers", "200"), Some(2.0));
    let one = "/v0.1/servers/{name}/versions/{version}";
    assert_eq!(requests(one, "200"), Some(1.0));
    assert_eq!(requests("other", "404"), Some(1.0));
    let metrics = server.internal.get("/metrics");
    let text = metrics.text();
    for private in ["made/up", "secret", "com.example"] {
        assert!(!text.contains(private), "{private}");
    }
    let bucket = "http_server_request_duration_seconds_bucket{method=\"GET\",route=\"/v0.1/servers\",status=\"200\"";
    for bound in ["0.005", "0.1", "1", "10", "+Inf"] {
        let bound = format!("le=\"{bound}\"");
        let mut lines = text.lines();
        assert!(
            lines.any(|line| line.starts_with(bucket) && line.contains(&bound)),
            "{bound}"
        );
    }
}

#[test]
fn cache_instances_and_sources_have_figures() {
    let (_installation, server) = served();
    assert_eq!(
        server.metric("cairn_cache_requests_total{result=\"hit\""),
        Some(1.0)
    );
    let instances = server.metric("cairn_instances{");
    assert!(instances.is_some_and(|instances| instances >= 1.0));
    let runs =
        "stacklok_registry_sync_duration_seconds_count{outcome=\"success\",source=\"source\"";
    assert!(server.metric(runs).is_some_and(|runs| runs >= 1.0));
    let records = fixture::catalog().len() as f64;
    until("the records to be counted", Duration::from_secs(5), || {
        let found = server.metric("stacklok_registry_servers{source=\"source\"");
        (found == Some(records)).then_some(())
    });
}

#[test]
fn a_failed_run_is_counted() {
    let installation = Installation::empty();
    installation.configure(of_file(&installation.path("absent.json")));
    let server = installation.start(&[]);
    until("the failure to be counted", Duration::from_secs(10), || {
        let failures = server.metric(
            "stacklok_registry_sync_duration_seconds_count{outcome=\"failure\",source=\"source\"",
        );
        failures.filter(|count| *count >= 1.0)
    });
    until("the failure to be seen", Duration::from_secs(10), || {
        let failures = server.metric("cairn_source_failures{source=\"source\"");
        failures.filter(|count| *count >= 1.0)
    });
    let success = server.metric("cairn_source_last_success_timestamp_seconds{");
    assert_eq!(success, None, "nothing has succeeded");
    assert!(
        server
            .metric("stacklok_registry_errors_total{area=\"sync\"")
            .is_some_and(|count| count >= 1.0)
    );
}

/// The server says this of readiness, of the database, and of its state.
fn standing(server: &Server) -> [Option<f64>; 4] {
    [
        "cairn_ready{",
        "cairn_database_up{",
        "cairn_database_state{state=\"up\"",
        "cairn_database_state{state=\"down\"",
    ]
    .map(|name| server.metric(name))
}

const WELL: [Option<f64>; 4] = [Some(1.0), Some(1.0), Some(1.0), Some(0.0)];

#[test]
fn an_outage_of_the_database_shows_although_no_client_asks() {
    let postgres = Postgres::start();
    let Ok(mut postgres) =
        postgres.map_err(|why| println!("not checked: metrics of an outage: {why}"))
    else {
        return;
    };
    let mut config = of_file(&fixture::path("catalog.json"));
    config["database"] = json!({ "url": postgres.url(), "maxOpenConns": 7 });
    let installation = Installation::new(config);
    let server = installation.serve(&[]);
    until("everything to be well", Duration::from_secs(10), || {
        (standing(&server) == WELL).then_some(())
    });
    let pool = |name: &str| server.metric(&format!("cairn_database_pool_{name}{{"));
    assert_eq!(pool("limit"), Some(7.0));
    assert!(pool("open").is_some_and(|open| (1.0..=7.0).contains(&open)));
    postgres.stop(Stop::Fast);
    let ill = [Some(0.0), Some(0.0), Some(0.0), Some(1.0)];
    until("the outage to show", Duration::from_secs(10), || {
        (standing(&server) == ill).then_some(())
    });
    let log = server.log.text();
    assert!(log.contains("not ready"), "{log}");
    postgres.resume().expect("Postgres");
    until("its end to show", Duration::from_secs(20), || {
        (standing(&server) == WELL).then_some(())
    });
}

#[test]
fn a_database_that_takes_no_writes_shows_in_metrics() {
    let postgres = Postgres::start();
    let Ok(postgres) = postgres.map_err(|why| println!("not checked: a read-only server: {why}"))
    else {
        return;
    };
    let mut config = of_file(&fixture::path("catalog.json"));
    config["database"] = json!({ "url": postgres.url() });
    let installation = Installation::new(config);
    let server = installation.serve(&[]);
    let set_read_only = |value: &str| {
        let set = format!("ALTER SYSTEM SET default_transaction_read_only = {value}");
        database::ask(&postgres.url(), &set);
        database::ask(&postgres.url(), "SELECT pg_reload_conf()");
    };
    let state = || server.metric("cairn_database_state{state=\"read-only\"");
    set_read_only("on");
    until("the state to show", Duration::from_secs(30), || {
        (state() == Some(1.0)).then_some(())
    });
    assert_eq!(
        server.metric("cairn_database_up{"),
        Some(1.0),
        "it is read from"
    );
    set_read_only("off");
    until("its end to show", Duration::from_secs(60), || {
        (state() == Some(0.0)).then_some(())
    });
}

#[test]
fn the_process_and_an_embedded_database_have_figures() {
    let (_installation, server) = served();
    assert_eq!(standing(&server), WELL);
    let figure = |name: &str| server.metric(&format!("{name}{{")).unwrap_or_default();
    assert!(figure("process_resident_memory_bytes") > 1e6);
    let (open, most) = (figure("process_open_fds"), figure("process_max_fds"));
    assert!(open > 3.0 && open < most, "{open} of {most}");
    let (connections, limit) = (
        figure("cairn_database_pool_open"),
        figure("cairn_database_pool_limit"),
    );
    assert!(
        connections >= 1.0 && connections <= limit,
        "{connections} of {limit}"
    );
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let age = now.expect("a clock").as_secs_f64() - figure("process_start_time_seconds");
    assert!((-5.0..600.0).contains(&age), "started {age} s ago");
}
