//! One registry that mirrors another: equal at the start, equal after every change, and serving when the other is gone.

use std::{fs, time::Duration};

use cairn_tests::{
    Client, Installation, Server, fixture,
    installation::{of_file, of_source},
    raw, until,
};
use serde_json::{Value, json};

const OFFICIAL: &str = "io.modelcontextprotocol.registry/official";

/// Everything a registry shows: key, document and official block of every record, deleted ones too.
fn shown(client: &Client, registry: &str) -> Vec<(String, String, Value)> {
    let list = client.get(&format!(
        "/registry/{registry}/v0.1/servers?limit=1000&include_deleted=true"
    ));
    let keys = list.keys();
    let elements = raw::servers(list.text());
    keys.into_iter()
        .zip(elements)
        .map(|(key, element)| {
            let meta: Value = serde_json::from_str(element["_meta"].get()).expect("_meta");
            (
                key,
                element["server"].get().to_owned(),
                meta[OFFICIAL].clone(),
            )
        })
        .collect()
}

/// An upstream over a file of its own.
fn upstream() -> (Installation, Server) {
    let installation = Installation::empty();
    let text = fs::read_to_string(fixture::path("catalog.json")).expect("the fixture");
    let file = installation.write("catalog.json", &text);
    installation.configure(of_file(&file));
    let server = installation.serve(&[]);
    (installation, server)
}

/// A source that follows it at one of its bases.
fn follow(upstream: &Server, base: &str, interval: &str) -> Value {
    let endpoint = format!("{}{base}", upstream.public.url());
    json!({ "api": { "endpoint": endpoint, "timeout": "5s" }, "syncPolicy": { "interval": interval } })
}

/// An upstream and a mirror of it.
fn pair(base: &str) -> ((Installation, Server), (Installation, Server)) {
    let (one, upstream) = upstream();
    let mirror = Installation::new(of_source(follow(&upstream, base, "100ms")));
    let mirroring = mirror.serve(&[]);
    ((one, upstream), (mirror, mirroring))
}

#[test]
fn a_mirror_shows_what_its_upstream_shows_under_any_of_its_bases() {
    let (_one, upstream) = upstream();
    let expected = shown(&upstream.public, "default");
    assert_eq!(expected.len(), fixture::catalog().len());
    let bases = [
        "",
        "/",
        "/v0.1",
        "/registry/default",
        "/registry/default/v0",
    ];
    let name = |index: usize| format!("mirror-{index}");
    let source = |(index, base): (usize, &&str)| {
        let mut source = follow(&upstream, base, "1h");
        source["name"] = json!(name(index));
        source
    };
    let registry = |index| json!({ "name": name(index), "sources": [name(index)] });
    let mirror = Installation::new(json!({
        "sources": bases.iter().enumerate().map(source).collect::<Vec<_>>(),
        "registries": (0..bases.len()).map(registry).collect::<Vec<_>>(),
        "auth": { "mode": "anonymous" },
    }));
    let server = mirror.serve(&[]);
    for (index, base) in bases.iter().enumerate() {
        assert_eq!(shown(&server.public, &name(index)), expected, "{base}");
    }
}

#[test]
fn what_changes_upstream_comes_over_alone_with_what_went_away() {
    let ((one, upstream), (_two, mirror)) = pair("/registry/default");
    assert_eq!(
        shown(&mirror.public, "default"),
        shown(&upstream.public, "default")
    );
    let mut list: Value =
        serde_json::from_str(&fs::read_to_string(one.path("catalog.json")).expect("the file"))
            .expect("JSON");
    let servers = list["servers"].as_array_mut().expect("servers");
    servers.retain(|element| element["server"]["name"] != "com.example/Zebra");
    for element in &mut *servers {
        if element["server"]["name"] == "com.example/a" {
            element["server"]["description"] = json!("Changed upstream; an example.");
        }
        if element["server"]["name"] == "com.example/mixed" && element["server"]["version"] == "9.9"
        {
            element["_meta"][OFFICIAL]["status"] = json!("deleted");
        }
    }
    servers.push(json!({ "server": { "name": "com.example/new", "description": "New; an example.", "version": "1.0.0" } }));
    one.write("catalog.json", &list.to_string());

    until(
        "the mirror to show the change",
        Duration::from_secs(20),
        || {
            let expected = shown(&upstream.public, "default");
            let changed = expected
                .iter()
                .any(|(key, ..)| key == "com.example/new 1.0.0");
            (changed && shown(&mirror.public, "default") == expected).then_some(())
        },
    );
    let block = |key: &str| {
        let all = shown(&mirror.public, "default");
        all.into_iter()
            .find(|(found, ..)| found == key)
            .map(|(_, _, block)| block["status"].clone())
    };
    assert_eq!(
        block("com.example/Zebra 1.0.0"),
        Some(json!("deleted")),
        "as a tombstone"
    );
    assert_eq!(block("com.example/mixed 9.9"), Some(json!("deleted")));
    assert_eq!(block("com.example/new 1.0.0"), Some(json!("active")));
    let listed = mirror.public.get("/v0.1/servers?search=zebra").keys();
    assert_eq!(
        listed,
        ["com.example/zebra 1.0.0", "com.example/zebra 2.0.0"]
    );

    // After the first one, the mirror asks only for what has changed.
    let passes = |mode: &str| {
        mirror
            .log
            .text()
            .matches(&format!("\"mode\":\"{mode}\""))
            .count()
    };
    assert_eq!(passes("Full"), 1);
    assert!(passes("Incremental") >= 1);
}

#[test]
fn a_mirror_goes_on_serving_when_its_upstream_is_gone() {
    let ((one, upstream), (_two, mirror)) = pair("");
    let expected = shown(&mirror.public, "default");
    let address = upstream.public.authority.clone();
    assert_eq!(upstream.stop().code(), Some(0));
    until("the source to fail", Duration::from_secs(40), || {
        (mirror.source("source")["status"] == "failed").then_some(())
    });
    let probe = mirror.internal.get("/readyz");
    assert_eq!(probe.status, 200);
    let message = &probe.json()["components"]["sources"]["source"]["message"];
    assert!(
        message
            .as_str()
            .is_some_and(|message| message.contains(&address)),
        "{message}"
    );
    assert_eq!(shown(&mirror.public, "default"), expected);
    drop(one);
}
