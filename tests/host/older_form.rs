//! The older configuration, exactly as operators have it; only the repository's address is the test's.

use cairn_tests::{Installation, raw};
use serde_json::{Value, json};

use crate::git_server::Repository;

const CONFIG: &str = r#"registryName: my-registry
registries:
  - name: toolhive
    format: toolhive
    git:
      repository: https://github.com/stacklok/toolhive.git
      branch: main
      path: pkg/registry/data/registry.json
    syncPolicy:
      interval: "15m"
auth:
  mode: anonymous  # For development only!
"#;

/// A registry in the legacy format, in miniature.
fn legacy() -> Value {
    json!({
        "$schema": "https://example.com/registry.schema.json",
        "version": "1.0.0",
        "last_updated": "2025-11-20T00:00:00Z",
        "servers": {
            "fetch": {
                "image": "ghcr.io/example/fetch:1.2.3", "description": "Fetches.", "transport": "stdio",
                "tier": "Community", "status": "Active", "tools": ["fetch"],
            },
            "old": { "image": "ghcr.io/example/old:1", "description": "Old.", "transport": "sse", "status": "Deprecated" },
        },
        "remote_servers": {
            "far": { "url": "https://mcp.example.com/far", "description": "Far.", "transport": "streamable-http" },
        },
    })
}

#[test]
fn it_serves_the_registry_and_each_item_under_its_own_name() {
    let repository = Repository::new(&[("pkg/registry/data/registry.json", &legacy().to_string())]);
    let installation = Installation::empty();
    let text = CONFIG.replace(
        "https://github.com/stacklok/toolhive.git",
        &repository.url(),
    );
    assert_ne!(text, CONFIG);
    installation.write("config.yaml", &text);
    // Exactly as written: where data lies is the only thing said elsewhere.
    let data = installation.path("data");
    let server = installation.serve(&["--data-dir", data.to_str().expect("a path")]);
    let expected = [
        "io.github.stacklok/far 1.0.0",
        "io.github.stacklok/fetch 1.0.0",
        "io.github.stacklok/old 1.0.0",
    ];
    let first = server.public.get("/v0.1/servers");
    for base in [
        "/v0.1",
        "/registry/my-registry/v0.1",
        "/registry/toolhive/v0.1",
        "/registry/toolhive/v0",
    ] {
        let list = server.public.get(&format!("{base}/servers"));
        assert_eq!(list.keys(), expected, "{base}");
        for (one, other) in raw::servers(list.text())
            .iter()
            .zip(raw::servers(first.text()))
        {
            assert_eq!(one["server"].get(), other["server"].get());
        }
    }
    let overview = server.public.get("/").json();
    let registries: Vec<_> = overview["registries"]
        .as_array()
        .expect("registries")
        .iter()
        .map(|registry| {
            (
                registry["name"].as_str().expect("a name"),
                registry["default"] == true,
            )
        })
        .collect();
    assert_eq!(registries, [("my-registry", true), ("toolhive", false)]);
    let old = server
        .public
        .get("/v0.1/servers/io.github.stacklok%2Fold/versions/latest")
        .json();
    assert_eq!(
        old["_meta"]["io.modelcontextprotocol.registry/official"]["status"],
        "deprecated"
    );
    assert_eq!(server.source("toolhive")["status"], "complete");
}
