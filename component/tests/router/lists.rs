//! Lists, versions and single records, under every base.

use crate::fixture::{MANY, ODD, ODD_VERSION, Registry, document};

const BASES: [&str; 6] = [
    "/v0.1",
    "/v0",
    "",
    "/registry/main/v0.1",
    "/registry/main/v0",
    "/registry/main",
];

#[test]
fn every_base_of_the_default_registry_serves_the_same() {
    let registry = Registry::new();
    let first = registry.get("/v0.1/servers?limit=5");
    for base in BASES {
        let answer = registry.get(&format!("{base}/servers?limit=5"));
        assert_eq!(answer.status, 200, "{base}");
        assert_eq!(answer.body, first.body, "{base}");
        assert_eq!(answer.header("content-type"), "application/json");
    }
    let second = registry.get("/registry/second/v0.1/servers");
    assert_eq!(second.records(), ["io.acme/alpha 9.0.0"]);
    let empty = registry.get("/registry/empty/v0.1/servers");
    assert_eq!(empty.text(), r#"{"servers":[],"metadata":{"count":0}}"#);
}

#[test]
fn elements_are_the_stored_bytes() {
    let registry = Registry::new();
    let body = registry.get("/v0.1/servers?limit=1").text().to_owned();
    let begin = format!(
        r#"{{"servers":[{{"server":{},"_meta":{{"io.mod"#,
        document("io.acme/alpha", "1.0.0")
    );
    assert!(body.starts_with(&begin), "{body}");
    let one = registry.get("/v0.1/servers/io.acme%2Falpha/versions/1.0.0");
    let begin = format!(
        r#"{{"server":{},"_meta":{{"io.mod"#,
        document("io.acme/alpha", "1.0.0")
    );
    assert!(one.text().starts_with(&begin), "{}", one.text());
    assert_eq!(
        one.json()["_meta"]["io.modelcontextprotocol.registry/official"]["isLatest"],
        false
    );
}

#[test]
fn filters_choose_records() {
    let registry = Registry::new();
    let check = |query: &str, expected: &[&str]| {
        let answer = registry.get(&format!("/v0.1/servers?{query}"));
        assert_eq!(answer.status, 200, "{query}");
        assert_eq!(answer.records(), expected, "{query}");
        assert_eq!(
            answer.json()["metadata"]["count"],
            expected.len(),
            "{query}"
        );
    };
    let odd = format!("{ODD} {ODD_VERSION}");
    let alphas = [
        "io.acme/alpha 1.0.0",
        "io.acme/alpha 1.10.0",
        "io.acme/alpha 1.2.0",
    ];
    check("search=ALPHA", &alphas);
    check("search=alpha&version=latest", &alphas[1..2]);
    check("search=alpha&version=1.2.0", &alphas[2..]);
    check("search=alpha&search=gone", &alphas);
    check("version=1%2F2%2B3", &[&odd]);
    check("version=1/2+3", &[&odd]);
    check("search=%22+%26%C3%A4", &[&odd]);
    check("search=gone", &[]);
    check("search=gone&include_deleted=true", &["io.acme/gone 1.0.0"]);
    check("search=gone&include_deleted=false", &[]);
    check(
        "updated_since=1970-01-01T00:03:20Z",
        &["io.acme/alpha 1.10.0", "io.acme/gone 1.0.0"],
    );
    check(
        "updated_since=1970-01-01T02:03:20%2B02:00",
        &["io.acme/alpha 1.10.0", "io.acme/gone 1.0.0"],
    );
    check(
        "updated_since=1970-01-01T02:03:20+02:00",
        &["io.acme/alpha 1.10.0", "io.acme/gone 1.0.0"],
    );
    check("updated_since=2030-01-01T00:00:00Z", &[]);
    check("search=no+such+server", &[]);
    check("search=%25", &[]);
    check(
        "limit=1&unknown=1&cursor=&search=&version=&updated_since=&include_deleted=",
        &alphas[..1],
    );
    check("limit=1&limit=abc", &alphas[..1]);
    check("&&limit=1&=&x", &alphas[..1]);
}

#[test]
fn pages_lead_through_everything_once() {
    let registry = Registry::new();
    let check = |base: &str, query: &str, expected: usize| {
        let mut seen = Vec::new();
        let mut target = format!("{base}/servers?{query}");
        loop {
            let page = registry.get(&target);
            seen.extend(page.records());
            let Some(cursor) = page.json()["metadata"]["nextCursor"]
                .as_str()
                .map(str::to_owned)
            else {
                break;
            };
            // As some clients do: the cursor unescaped, the query not repeated.
            target = format!("{base}/servers?limit=50&cursor={cursor}");
        }
        let mut sorted = seen.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(seen, sorted);
        assert_eq!(seen.len(), expected, "{query}");
    };
    check("/v0.1", "limit=50", MANY + 4);
    check("/v0", "limit=7&search=s0", 100);
    check("/registry/main/v0.1", "limit=100&version=latest", MANY + 2);
    check("/registry/main/v0.1", "limit=1000", MANY + 4);
    check("/v0.1", "limit=1&updated_since=1970-01-01T00:03:20Z", 2);
}

#[test]
fn cursors_of_others_are_places_too() {
    let registry = Registry::new();
    let check = |cursor: &str| {
        let answer = registry.get(&format!("/v0.1/servers?limit=1&cursor={cursor}"));
        assert_eq!(answer.records(), ["io.acme/alpha 1.2.0"], "{cursor}");
    };
    check("io.acme/alpha:1.10.0");
    check("io.acme%2Falpha%3A1.10.0");
    // Base64 of `io.acme/alpha,1.10.0`, padded and not.
    check("aW8uYWNtZS9hbHBoYSwxLjEwLjA=");
    check("aW8uYWNtZS9hbHBoYSwxLjEwLjA");
}

#[test]
fn versions_of_a_name_come_newest_first() {
    let registry = Registry::new();
    let expected = [
        "io.acme/alpha 1.10.0",
        "io.acme/alpha 1.2.0",
        "io.acme/alpha 1.0.0",
    ];
    for base in BASES {
        for name in ["io.acme%2Falpha", "io.acme/alpha", "io%2Eacme%2falpha"] {
            let answer = registry.get(&format!("{base}/servers/{name}/versions"));
            assert_eq!(answer.records(), expected, "{base} {name}");
            assert_eq!(answer.json()["metadata"].to_string(), r#"{"count":3}"#);
        }
    }
    let deleted = registry.get("/v0.1/servers/io.acme%2Fgone/versions?include_deleted=true");
    assert_eq!(deleted.records(), ["io.acme/gone 1.0.0"]);
}

#[test]
fn one_version_is_found_however_it_is_encoded() {
    let registry = Registry::new();
    let check = |path: &str, expected: &str| {
        for base in BASES {
            let answer = registry.get(&format!("{base}/servers/{path}"));
            assert_eq!(answer.status, 200, "{base} {path}");
            assert_eq!(
                answer.json()["server"]["version"],
                expected,
                "{base} {path}"
            );
        }
    };
    check("io.acme%2Falpha/versions/1.2.0", "1.2.0");
    check("io.acme/alpha/versions/latest", "1.10.0");
    check("io.acme%2Fgone/versions/latest?include_deleted=1", "1.0.0");
    let odd = registry.get("/v0.1/servers/io.odd%2F%3Cb%3E%27x%22%20%26%C3%A4/versions/1%2F2%2B3");
    assert_eq!(odd.json()["server"]["name"], ODD);
    let odd = registry.get("/v0.1/servers/io.odd/%3Cb%3E'x%22%20&%C3%A4/versions/1%2F2+3");
    assert_eq!(odd.json()["server"]["version"], ODD_VERSION);
}
