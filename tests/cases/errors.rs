//! Every refusal, in both dialects, word for word: a matrix of status, type and body in `errors.golden`. Written anew by
//! `BLESS=1 cargo test -p cairn-tests --test blackbox`.

use std::fmt::Write as _;

use cairn_tests::{Answer, target};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/cases/errors.golden");

/// Below the bases of both dialects.
const LISTS: [&str; 24] = [
    "limit=0",
    "limit=-1",
    "limit=abc",
    "limit=1.5",
    "limit=101",
    "limit=1001",
    "limit=99999999999999999999",
    "limit=%201",
    "cursor=nonsense",
    "cursor=%22",
    "updated_since=yesterday",
    "updated_since=2025-10-30",
    "updated_since=2025-13-01T00:00:00Z",
    "updated_since=2025-10-30T00:00:00",
    "updated_since=1761782400",
    "include_deleted=maybe",
    "updated_since=2025-10-30T00:00:00Z&include_deleted=false",
    "search=%FF",
    "version=%FF",
    "%C3=1",
    "search=%00",
    "unknown=%00",
    "cursor=%00",
    "search=%zz",
];

const PATHS: [&str; 16] = [
    "servers/com.example%2Fnobody/versions",
    "servers/com.example%2Fnobody/versions/latest",
    "servers/com.example%2Fzebra/versions/9.9.9",
    "servers/com.example%2Fgone/versions",
    "servers/com.example%2Fgone/versions/latest",
    "servers/com.example%2Fgone/versions/1.9.0",
    "servers/com.example%2Fzebra/versions?include_deleted=maybe",
    "servers/com.example%2Fzebra/versions/1.0.0?include_deleted=2",
    "servers/com.example%2Fzebra",
    "servers/a%20b/versions",
    "servers/a/versions/1%202",
    "servers/%FF/versions",
    "servers/%00/versions",
    "servers//versions",
    "servers/a/b/c/versions",
    "nothing",
];

const ROOT: [&str; 12] = [
    "/nothing",
    "/v0.1",
    "/v0.2/servers",
    "/v1/servers",
    "/registry",
    "/registry/default",
    "/registry/unknown/v0.1/servers",
    "/registry/unknown/v0.1/servers/a%2Fb/versions",
    "/registry/unknown/v0.1/servers/a%2Fb/versions/latest",
    "/registry//v0.1/servers",
    "/registry/a%20b/v0.1/servers",
    "/%00",
];

fn shown(request: &str, answer: &Answer) -> String {
    let media = answer.header("content-type");
    let body = match answer.status {
        200 => "(a page)",
        _ => answer.text(),
    };
    format!("{request}\n    {} {media}\n    {body}\n", answer.status)
}

fn matrix() -> String {
    let mut text = String::new();
    let mut add = |path: &str, accept: &str| {
        let answer = target().ask("GET", path, &[("accept", accept)]);
        let note = if accept == "*/*" {
            String::new()
        } else {
            format!("  Accept: {accept}")
        };
        let _ = writeln!(text, "{}", shown(&format!("GET {path}{note}"), &answer));
    };
    for base in ["/v0.1", "/registry/default/v0.1"] {
        for query in LISTS {
            add(&format!("{base}/servers?{query}"), "*/*");
        }
        for path in PATHS {
            add(&format!("{base}/{path}"), "*/*");
        }
    }
    for path in ROOT {
        add(path, "*/*");
    }
    for accept in [
        "application/problem+json",
        "application/json, application/problem+json;q=0.5",
        "application/json",
    ] {
        add("/registry/default/v0.1/servers?limit=0", accept);
        add("/registry/unknown/v0.1/servers", accept);
        add("/v0.1/servers?limit=0", accept);
        add("/registry/default/v0.1/servers?search=%00", accept);
    }
    text
}

#[test]
fn refusals_are_these_word_for_word() {
    let found = matrix();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(GOLDEN, &found).expect(GOLDEN);
    }
    let expected = std::fs::read_to_string(GOLDEN).unwrap_or_default();
    for (found, expected) in found.split("\n\n").zip(expected.split("\n\n")) {
        assert_eq!(found, expected);
    }
    assert_eq!(found, expected);
}

#[test]
fn no_refusal_is_a_server_error_or_without_words() {
    for base in [
        "/v0.1",
        "/v0",
        "",
        "/registry/default/v0.1",
        "/registry/default/v0",
        "/registry/default",
    ] {
        let lists = LISTS.iter().map(|query| format!("{base}/servers?{query}"));
        let paths = PATHS.iter().map(|path| format!("{base}/{path}"));
        for path in lists.chain(paths) {
            let answer = target().get(&path);
            assert!(answer.status < 500, "{path}: {}", answer.status);
            if answer.status != 200 {
                let body = answer.json();
                assert!(
                    body["error"].as_str().is_some_and(|text| text.len() > 5),
                    "{path}: {body}"
                );
                let official = !base.starts_with("/registry");
                assert_eq!(body.get("status").is_some(), official, "{path}: {body}");
                if official {
                    assert_eq!(body["status"], answer.status, "{path}");
                    assert_eq!(body["detail"], body["error"], "{path}");
                }
                assert_eq!(answer.header("cache-control"), "no-store", "{path}");
            }
        }
    }
}
