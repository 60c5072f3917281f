//! Probes on both listeners, to the letter.

use cairn_tests::{Client, Installation, fixture, installation::of_file};
use serde_json::{Value, json};

fn probe(client: &Client, path: &str) -> (u16, Value) {
    let answer = client.get(path);
    assert_eq!(answer.header("content-type"), "application/json", "{path}");
    assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    (answer.status, answer.json())
}

fn assert_alive(client: &Client) {
    for path in ["/livez", "/healthz"] {
        let (status, body) = probe(client, path);
        assert_eq!(status, 200, "{path}");
        let uptime = body["uptime"].as_str().expect("uptime").to_owned();
        assert!(
            uptime.ends_with('s') && uptime.starts_with(|first: char| first.is_ascii_digit()),
            "{uptime}"
        );
        assert_eq!(body, json!({ "status": "alive", "uptime": uptime }));
    }
}

/// The public listener says no more than that.
fn assert_ready_outside(client: &Client) {
    for path in ["/readyz", "/readiness", "/ready"] {
        assert_eq!(
            probe(client, path),
            (200, json!({ "status": "ready" })),
            "{path}"
        );
    }
}

fn assert_ready(client: &Client) {
    for path in ["/readyz", "/readiness", "/ready"] {
        let (status, mut body) = probe(client, path);
        assert_eq!(status, 200, "{path}");
        let success = body["components"]["sources"]["source"]["last_success"].take();
        assert!(
            success.as_str().is_some_and(|time| time.ends_with('Z')),
            "{success}"
        );
        let schema = body["components"]["schema"]["version"].take();
        assert!(
            schema.as_u64().is_some_and(|version| version > 0),
            "{schema}"
        );
        let expected = json!({
            "status": "ready",
            "components": {
                "database": { "status": "up" },
                "schema": { "status": "current", "version": null },
                "initial_load": { "status": "complete" },
                "sources": { "source": { "status": "complete", "last_success": null } },
            },
        });
        assert_eq!(body, expected, "{path}");
    }
}

#[test]
fn both_listeners_answer_probes() {
    let installation = Installation::of_fixture();
    let server = installation.serve(&[]);
    for client in [&server.public, &server.internal] {
        assert_alive(client);
        for path in ["/livez", "/readyz"] {
            let head = client.ask("HEAD", path, &[]);
            assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        }
    }
    assert_ready(&server.internal);
    assert_ready_outside(&server.public);
    assert_eq!(
        probe(&server.internal, "/health"),
        (200, json!({ "status": "healthy" }))
    );
    let version = probe(&server.internal, "/version").1;
    for field in ["version", "commit", "build_date", "platform"] {
        assert!(
            version[field].as_str().is_some_and(|text| !text.is_empty()),
            "{field}: {version}"
        );
    }
    assert_eq!(
        version["version"],
        server.public.get("/version").json()["version"]
    );
    assert_eq!(server.internal.get("/nothing").status, 404);
    assert_eq!(
        server.internal.get("/v0.1/servers").status,
        404,
        "no registry inside"
    );
    let post = server.internal.ask("POST", "/readyz", &[]);
    assert_eq!(
        (post.status, post.header("allow").as_str()),
        (405, "GET, HEAD")
    );
    assert_eq!(
        server.public.get("/metrics").status,
        404,
        "metrics are inside only"
    );
}

#[test]
fn the_public_listener_s_can_be_switched() {
    let mut config = of_file(&fixture::path("catalog.json"));
    config["probes"] = json!({ "public": false, "publicMetrics": true });
    let installation = Installation::new(config);
    let server = installation.serve(&[]);
    for path in ["/livez", "/healthz", "/readyz", "/readiness", "/ready"] {
        assert_eq!(server.public.get(path).status, 404, "{path}");
        assert_eq!(server.internal.get(path).status, 200, "{path}");
    }
    let metrics = server.public.get("/metrics");
    assert!(metrics.text().contains("stacklok_build_info_ratio"));
    assert_eq!(
        server.public.get("/health").status,
        200,
        "the registry's own"
    );
}

#[test]
fn readiness_waits_for_the_first_load_and_a_failed_source_is_shown() {
    let installation = Installation::empty();
    installation.configure(of_file(&installation.path("not-there-yet.json")));
    let server = installation.start(&[]);
    let failed = cairn_tests::until(
        "the source to fail",
        std::time::Duration::from_secs(10),
        || {
            let (status, body) = probe(&server.internal, "/readyz");
            assert_eq!(status, 503);
            (body["components"]["sources"]["source"]["status"] == "failed").then_some(body)
        },
    );
    assert_eq!(failed["status"], "not_ready");
    assert_eq!(failed["components"]["initial_load"]["status"], "pending");
    assert_eq!(failed["components"]["database"]["status"], "up");
    let message = failed["components"]["sources"]["source"]["message"]
        .as_str()
        .expect("a message");
    assert!(message.contains("not-there-yet.json"), "{message}");
    assert_alive(&server.internal);
    let outside = json!({ "status": "not_ready", "reason": "initial_load" });
    assert_eq!(probe(&server.public, "/readyz"), (503, outside));

    let text = std::fs::read_to_string(fixture::path("catalog.json")).expect("the fixture");
    installation.write("not-there-yet.json", &text);
    // The daemon pauses after a failure; an operator who has mended it need not.
    installation.sync();
    server.wait_ready();
    assert_eq!(server.public.get("/v0.1/servers").status, 200);
    assert_ready(&server.internal);
    assert_ready_outside(&server.public);
}
