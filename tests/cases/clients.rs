//! The requests that real clients send, as they send them, and what each of them relies on in the answer.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use cairn_tests::{Answer, encode, fixture, resolve, target};
use serde_json::Value;

const BASES: [&str; 2] = ["", "/registry/default"];

fn ok(path: &str, headers: &[(&str, &str)]) -> Answer {
    let answer = target().ask("GET", path, headers);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer
}

/// What VS Code requires of an element: else it throws the whole page away.
fn assert_usable(element: &Value) {
    for field in ["name", "description", "version"] {
        let text = element["server"][field].as_str();
        assert!(
            text.is_some_and(|text| !text.is_empty()),
            "{field}: {element}"
        );
    }
    assert!(element["_meta"].is_object(), "{element}");
}

const VSCODE: [(&str, &str); 3] = [
    ("accept", "*/*"),
    ("origin", "vscode-file://vscode-app"),
    ("user-agent", "VSCode 1.110.0 (Linux)"),
];

#[test]
fn vs_code_pages_through_the_latest_and_searches() {
    for base in BASES {
        let probe = ok(&format!("{base}/v0.1/servers?limit=1"), &VSCODE);
        assert_eq!(probe.header("access-control-allow-origin"), "*");
        for search in ["", "&search=zebra", "&search=example"] {
            let mut names = Vec::new();
            let mut path = format!("{base}/v0.1/servers?limit=50&version=latest{search}");
            loop {
                let page = ok(&path, &VSCODE);
                let list = page.json();
                list["servers"]
                    .as_array()
                    .expect("servers")
                    .iter()
                    .for_each(assert_usable);
                names.extend(page.keys());
                let Some(cursor) = list["metadata"]["nextCursor"].as_str() else {
                    break;
                };
                // Pasted without escaping, and without the search of the first page.
                path = format!("{base}/v0.1/servers?limit=50&version=latest&cursor={cursor}");
            }
            let term = search.trim_start_matches("&search=");
            let expected = fixture::keys(|record| {
                record.is_latest()
                    && !record.is_deleted()
                    && format!("{} {} {}", record.name, record.title, record.description)
                        .to_lowercase()
                        .contains(term)
            });
            assert_eq!(names, expected, "{base} {search}");
        }
    }
}

#[test]
fn vs_code_resolves_a_name_and_tells_unknown_from_broken() {
    for base in BASES {
        for name in fixture::names() {
            let path = format!("{base}/v0.1/servers/{}/versions/latest", encode(name));
            let answer = target().ask("GET", &path, &VSCODE);
            if name == "com.example/gone" {
                // Only 404 means "not in the registry".
                assert_eq!(answer.status, 404, "{path}");
                continue;
            }
            let element = answer.json();
            assert_usable(&element);
            // It compares the name that comes back with the one it asked for.
            assert_eq!(element["server"]["name"], name);
        }
        let unknown = target().ask(
            "GET",
            &format!("{base}/v0.1/servers/com.example%2Fnobody/versions/latest"),
            &VSCODE,
        );
        assert_eq!(unknown.status, 404);
    }
    // An older generation asks below /v0, and falls back to it when the probe is refused.
    let older = ok("/v0/servers?limit=20&version=latest", &VSCODE);
    assert_eq!(older.keys().len(), 20);
    ok("/v0/servers/com.example%2Fzebra/versions/latest", &VSCODE);
}

#[test]
fn copilot_cli_reads_without_credentials() {
    for base in ["/v0.1", "/registry/default/v0.1", ""] {
        let list = ok(
            &format!("{base}/servers?limit=30"),
            &[("accept", "application/json")],
        );
        assert_eq!(list.keys().len(), 30, "{base}");
        let latest = ok(
            &format!("{base}/servers/com.example%2Fzebra/versions/latest"),
            &[],
        );
        assert_eq!(latest.json()["server"]["name"], "com.example/zebra");
    }
}

#[test]
fn thv_checks_the_document_and_then_pages_by_hundreds() {
    for base in BASES {
        let document = ok(&format!("{base}/openapi.yaml"), &[]);
        let read: Value = serde_saphyr::from_str(document.text()).expect("YAML");
        assert_eq!(read["info"]["version"], "1.0.0");
        assert!(
            read["info"]["description"].as_str().is_some_and(
                |text| text.contains("https://github.com/modelcontextprotocol/registry")
            )
        );
        let list = ok(
            &format!("{base}/v0.1/servers?limit=100&version=latest"),
            &[("accept", "application/json")],
        );
        assert_eq!(
            list.keys(),
            fixture::keys(|record| record.is_latest() && !record.is_deleted())
        );
        assert_eq!(list.next(), None);
        let found = ok(
            &format!("{base}/v0.1/servers?limit=100&search=zebra&version=latest"),
            &[],
        );
        assert_eq!(found.keys().len(), 2);
        let changed = ok(
            &format!("{base}/v0.1/servers?limit=100&updated_since=2025-04-12T00%3A00%3A00Z"),
            &[],
        );
        assert!(!changed.keys().is_empty());
    }
}

#[test]
fn a_toolhive_server_reads_everything_with_escaped_cursors() {
    for base in BASES {
        ok(&format!("{base}/openapi.yaml"), &[]);
        let first = ok(&format!("{base}/v0.1/servers?limit=100"), &[]);
        assert_eq!(first.keys(), fixture::keys(|record| !record.is_deleted()));
        let cursor = ok(&format!("{base}/v0.1/servers?limit=10"), &[])
            .next()
            .expect("more");
        let next = ok(
            &format!("{base}/v0.1/servers?limit=100&cursor={}", encode(&cursor)),
            &[],
        );
        assert_eq!(next.keys(), first.keys()[10..]);
        // One that it kept from a registry of its own kind.
        let own = STANDARD.encode("com.example/ab,0.2.0");
        let next = ok(
            &format!("{base}/v0.1/servers?limit=1&cursor={}", encode(&own)),
            &[],
        );
        assert_eq!(next.keys(), ["com.example/ab-c 0.1.0"]);
    }
}

#[test]
fn paths_joined_by_hand_arrive() {
    // A base with a slash, a base without a version, and a base that has one already.
    for path in ["/v0.1/servers/", "/registry/default/v0.1/servers/"] {
        let moved = target().get(path);
        assert_eq!(moved.status, 308, "{path}");
        assert_eq!(
            ok(&resolve(path, &moved.header("location")), &[])
                .keys()
                .len(),
            30
        );
    }
    for base in fixture::BASES {
        assert_eq!(
            ok(&format!("{base}/servers"), &[]).keys().len(),
            30,
            "{base}"
        );
        let unescaped = ok(
            &format!("{base}/servers/com.example/zebra/versions/latest"),
            &[],
        );
        assert_eq!(unescaped.json()["server"]["version"], "2.0.0", "{base}");
    }
    // Removed from the API in 2025: an older client must learn that there is nothing, not something else.
    assert_eq!(target().get("/v0/servers/com.example%2Fzebra").status, 404);
    assert_eq!(
        target()
            .get("/v0.1/servers/by-name/com.example%2Fzebra")
            .status,
        404
    );
}
