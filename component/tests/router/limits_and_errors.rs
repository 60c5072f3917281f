//! Bad input is answered, in the dialect of the base, and never with a 500.

use crate::{fixture::Registry, sqlite::Sqlite};

const PROBLEM: &str = "application/problem+json";
const JSON: &str = "application/json";

#[test]
fn bad_parameters_have_one_answer_per_dialect() {
    let registry = Registry::new();
    let check = |query: &str, official: u16, toolhive: u16| {
        let official_answer = registry.get(&format!("/v0.1/servers?{query}"));
        assert_eq!(official_answer.status, official, "{query}");
        let toolhive_answer = registry.get(&format!("/registry/main/v0.1/servers?{query}"));
        assert_eq!(toolhive_answer.status, toolhive, "{query}");
    };
    check("limit=1", 200, 200);
    check("limit=100", 200, 200);
    check("limit=101", 422, 200);
    check("limit=1000", 422, 200);
    check("limit=5000", 422, 200);
    check("limit=99999999999999999999", 422, 200);
    check("limit=0", 422, 400);
    check("limit=-1", 422, 400);
    check("limit=abc", 422, 400);
    check("limit=1.5", 422, 400);
    check("limit=%201", 422, 400);
    check("cursor=nonsense", 400, 400);
    check("cursor=!!!", 400, 400);
    check("cursor=AAAA", 400, 400);
    check("updated_since=yesterday", 400, 400);
    check("updated_since=2025-10-30", 400, 400);
    check("updated_since=2025-13-01T00:00:00Z", 400, 400);
    check("include_deleted=maybe", 400, 400);
    check(
        "updated_since=2025-10-30T00:00:00Z&include_deleted=false",
        400,
        400,
    );
    check("search=%FF", 400, 400);
    check("%C3=1", 400, 400);
    check("search=%00", 400, 400);
    check("unknown=a%00", 400, 400);
    check(&format!("search={}", "a".repeat(9000)), 414, 414);
    check(&format!("search={}", "a".repeat(8000)), 200, 200);
    check("search=%zz&version=%", 200, 200);
}

#[test]
fn bad_paths_are_never_anything_but_400_or_404() {
    let registry = Registry::new();
    let check = |path: &str, status: u16| {
        let answer = registry.get(path);
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(
            answer.json()["error"].as_str().map(str::is_empty),
            Some(false),
            "{path}"
        );
    };
    check("/nothing", 404);
    check("/v0.1", 404);
    check("/v0.1/nothing", 404);
    check("/v2/servers", 404);
    check("/registry", 404);
    check("/registry/main", 404);
    check("/registry/main/nothing", 404);
    check("/registry/unknown/v0.1/servers", 404);
    check("/registry/unknown/v0.1/servers/a%2Fb/versions", 404);
    check("/registry/unknown/v0.1/servers/a%2Fb/versions/latest", 404);
    check("/registry/unknown/openapi.yaml", 404);
    check("/registry/unknown/v0/docs", 404);
    check("/registry/ma%20in/v0.1/servers", 404);
    check("/registry//v0.1/servers", 400);
    check("/registry/main/v0.1/servers/a%20b/versions", 404);
    check("/registry/main/v0.1/servers/a%2Fb/versions/1%0A", 404);
    check("/v0.1/servers/a%20b/versions", 404);
    check("/v0.1/servers//versions", 400);
    check("/v0.1/servers/%FF/versions", 400);
    check("/v0.1/servers/a%00b/versions", 400);
    check("/v0.1/servers/io.acme%2Fnobody/versions", 404);
    check("/v0.1/servers/io.acme%2Fgone/versions", 404);
    check("/v0.1/servers/io.acme%2Fgone/versions/1.0.0", 404);
    check("/v0.1/servers/io.acme%2Falpha/versions/3.0.0", 404);
    check("/v0.1/servers/io.acme%2FALPHA/versions/latest", 404);
    check("/v0.1/servers/io.acme%2Falpha", 404);
    check("/v0.1/../../etc/passwd", 404);
    check("/v0.1/servers/../../etc/passwd", 404);
    check("/v0.1/servers/..%2F..%2Fetc%2Fpasswd/versions", 404);
    check("/v0.1/servers/%2E%2E/versions/latest", 404);
    check("/registry/../v0.1/servers", 404);
    check("/registry/%2e%2e%2f/v0.1/servers", 404);
    check("//v0.1/servers", 404);
    check(&format!("/v0.1/servers/{}/versions", "a".repeat(9000)), 414);
}

#[test]
fn faults_look_as_the_dialect_has_them() {
    let registry = Registry::new();
    let check = |target: &str, accept: &str, media: &str| {
        let answer = registry.ask("GET", target, &[("accept", accept)]);
        assert_eq!(answer.header("content-type"), media, "{target} {accept}");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(answer.header("vary"), "Accept");
        let body = answer.json();
        let members = body.as_object().expect("an object").len();
        if media == PROBLEM {
            assert_eq!(body["status"], answer.status.as_u16());
            assert_eq!(body["detail"], body["error"]);
            assert!(members >= 4);
        } else if target.starts_with("/registry/") {
            assert_eq!(members, 1);
        }
    };
    check("/v0.1/servers?limit=0", "*/*", PROBLEM);
    check("/v0.1/servers?limit=0", JSON, PROBLEM);
    check("/nothing", "*/*", PROBLEM);
    check("/v0.1/servers?search=%00", "*/*", PROBLEM);
    check("/v0.1/servers/%00/versions", "*/*", PROBLEM);
    check("/%00", "*/*", PROBLEM);
    check("/registry/main/v0.1/servers?limit=0", "*/*", JSON);
    check("/registry/main/v0.1/servers?limit=0", PROBLEM, PROBLEM);
    check("/registry/main/nothing", JSON, JSON);
    check("/registry/unknown/v0.1/servers", JSON, JSON);
    check("/registry/main/v0.1/servers?search=%00", PROBLEM, PROBLEM);
}

#[test]
fn a_fault_names_place_and_remedy() {
    let registry = Registry::new();
    let check = |query: &str, location: &str, remedy: &str| {
        let body = registry.get(&format!("/v0.1/servers?{query}")).json();
        assert_eq!(body["errors"][0]["location"], location, "{query}");
        assert!(
            body["detail"]
                .as_str()
                .is_some_and(|detail| detail.contains(remedy)),
            "{body}"
        );
    };
    check("limit=101", "query.limit", "from 1 to 100");
    check("cursor=nonsense", "query.cursor", "nextCursor");
    check("updated_since=x", "query.updated_since", "RFC 3339");
    check(
        "include_deleted=x",
        "query.include_deleted",
        "true or false",
    );
    check(
        "updated_since=2025-10-30T00:00:00Z&include_deleted=false",
        "query.include_deleted",
        "leave it out",
    );
    let body = registry.get("/v0.1/servers?limit=101").json();
    assert_eq!(body["errors"][0]["value"], 101);
    assert_eq!(body["title"], "Unprocessable Entity");
}

#[test]
fn a_store_that_cannot_answer_is_a_503_with_the_remedy() {
    let bare = Registry::over(Sqlite::without_schema());
    for target in [
        "/v0.1/servers",
        "/registry/a/v0.1/servers",
        "/v0.1/servers/a%2Fb/versions",
        "/",
        "/health",
    ] {
        let answer = bare.get(target);
        assert_eq!(answer.status, 503, "{target}");
        let error = answer.json()["error"]
            .as_str()
            .expect("an error")
            .to_owned();
        assert!(error.contains("cairn migrate up"), "{target}: {error}");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("retry-after"), "2", "{target}");
    }
    assert_eq!(bare.get("/ping").status, 200);
    assert_eq!(bare.get("/openapi.yaml").status, 200);

    let older = Sqlite::without_schema();
    older.migrate();
    older
        .read("DROP TABLE view", Vec::new())
        .expect("a table less");
    let older = Registry::over(older).get("/health");
    assert_eq!(older.status, 503);
    assert!(
        older.text().contains("cairn migrate up"),
        "{}",
        older.text()
    );

    let unconfigured = Sqlite::without_schema();
    unconfigured.migrate();
    let unconfigured = Registry::over(unconfigured);
    let answer = unconfigured.get("/v0.1/servers");
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("configuration"), "{}", answer.text());
    assert_eq!(unconfigured.get("/registry/a/v0.1/servers").status, 404);
    assert_eq!(unconfigured.get("/health").status, 200);
}
