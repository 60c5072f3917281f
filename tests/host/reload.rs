//! Signals of a running server: what SIGHUP reads again, and which signals do not end it.

use std::{path::Path, time::Duration};

use cairn_tests::{Installation, Server, fixture, until};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(20);

fn config(sources: &[(&str, &Path)]) -> Value {
    let source = |(name, path): &(&str, &Path)| json!({ "name": name, "file": { "path": path }, "syncPolicy": { "interval": "200ms" } });
    let registry = |(name, _): &(&str, &Path)| json!({ "name": name, "sources": [name] });
    json!({
        "sources": sources.iter().map(source).collect::<Vec<_>>(),
        "registries": sources.iter().map(registry).collect::<Vec<_>>(),
        "auth": { "mode": "anonymous" },
    })
}

fn served(server: &Server, registry: &str) -> u16 {
    let path = format!("/registry/{registry}/v0.1/servers");
    let fresh = [("cache-control", "no-cache")];
    server.public.ask("GET", &path, &fresh).status
}

/// The line of the log with this message.
fn logged(server: &Server, message: &str) -> Value {
    let found = server.log.wait(PATIENCE, |line| {
        let read: Value = serde_json::from_str(line).ok()?;
        let text = read["message"].as_str().unwrap_or_default();
        text.contains(message).then_some(read)
    });
    found.unwrap_or_else(|| panic!("no line says {message}"))
}

#[test]
fn a_hangup_reloads_sources_registries_and_the_level() {
    let catalog = fixture::path("catalog.json");
    let installation = Installation::new(config(&[("one", &catalog)]));
    let server = installation.serve(&[]);
    assert_eq!((served(&server, "one"), served(&server, "two")), (200, 404));
    let other =
        json!([{ "name": "com.example/other", "version": "1.0.0", "description": "Other." }]);
    let other = installation.write("other.json", &other.to_string());
    let mut next = config(&[("two", &other)]);
    next["log"] = json!({ "level": "debug" });
    next["limits"] = json!({ "requests": 7 });
    installation.configure(next);
    server.signal("HUP");
    let line = logged(&server, "configuration reloaded");
    assert_eq!(line["sources_added"], "two");
    assert_eq!(line["sources_removed"], "one");
    assert_eq!(line["log_level"], "debug");
    let left = logged(&server, "not reloaded: restart");
    assert_eq!(left["keys"], "limits.requests");
    until("the new registry", PATIENCE, || {
        (served(&server, "two") == 200 && served(&server, "one") == 404).then_some(())
    });
    let _ = server
        .public
        .ask("GET", "/ping", &[("x-request-id", "seen-at-debug")]);
    let seen = |line: &str| line.contains("seen-at-debug").then_some(());
    server.log.wait(PATIENCE, seen).expect("a line at debug");
}

#[test]
fn a_configuration_that_cannot_be_read_changes_nothing() {
    let catalog = fixture::path("catalog.json");
    let installation = Installation::new(config(&[("one", &catalog)]));
    let mut server = installation.serve(&[]);
    installation.write("config.yaml", "sources: 7\n");
    server.signal("HUP");
    let line = logged(&server, "is not reloaded");
    assert_eq!(line["level"], "ERROR");
    assert!(
        line["error"]
            .as_str()
            .is_some_and(|error| error.contains("sources")),
        "{line}"
    );
    assert_eq!(served(&server, "one"), 200);
    // A signal without a meaning is ignored and logged.
    for signal in ["USR1", "USR2"] {
        server.signal(signal);
        assert_eq!(logged(&server, signal)["level"], "WARN");
    }
    assert_eq!(served(&server, "one"), 200);
    server.signal("QUIT");
    assert_eq!(server.wait().code(), Some(0));
    assert!(server.log.text().contains("draining"));
}
