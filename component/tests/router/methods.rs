//! Methods, redirects and cross-origin rules.

use crate::fixture::Registry;

const ROUTES: [&str; 10] = [
    "/",
    "/v0.1/servers",
    "/registry/main/v0/servers",
    "/v0.1/servers/io.acme%2Falpha/versions",
    "/v0.1/servers/io.acme/alpha/versions/latest",
    "/openapi.yaml",
    "/registry/main/openapi.json",
    "/docs",
    "/v0.1/health",
    "/version",
];

#[test]
fn head_has_the_headers_of_get_and_no_body() {
    let registry = Registry::new();
    for target in ROUTES
        .into_iter()
        .chain(["/nothing", "/v0.1/servers?limit=0"])
    {
        let (get, head) = (registry.get(target), registry.ask("HEAD", target, &[]));
        assert_eq!(head.status, get.status, "{target}");
        assert_eq!(head.headers, get.headers, "{target}");
        assert!(head.body.is_empty());
        assert_eq!(
            head.header("content-length"),
            get.body.len().to_string(),
            "{target}"
        );
    }
}

#[test]
fn options_is_answered_before_anything_is_looked_up() {
    let registry = Registry::new();
    let asked = [
        ("origin", "https://app.example"),
        ("access-control-request-method", "GET"),
    ];
    for target in ROUTES
        .into_iter()
        .chain(["/registry/unknown/v0.1/servers", "/v0.1/servers/?limit=0"])
    {
        let answer = registry.ask("OPTIONS", target, &asked);
        assert_eq!(answer.status, 204, "{target}");
        assert!(answer.body.is_empty());
        assert_eq!(answer.header("allow"), "GET, HEAD, OPTIONS");
        assert_eq!(answer.header("access-control-max-age"), "86400");
        assert_eq!(
            answer.header("access-control-allow-methods"),
            "GET, POST, PUT, DELETE, OPTIONS"
        );
        assert!(
            answer
                .header("access-control-allow-headers")
                .contains("Authorization")
        );
    }
    assert_eq!(registry.ask("OPTIONS", "/nothing", &asked).status, 404);
}

#[test]
fn other_methods_are_refused_with_those_there_are() {
    let registry = Registry::new();
    for target in ROUTES {
        for method in ["POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"] {
            let answer = registry.ask(method, target, &[]);
            assert_eq!(answer.status, 405, "{method} {target}");
            assert_eq!(answer.header("allow"), "GET, HEAD, OPTIONS");
        }
    }
    assert_eq!(registry.ask("POST", "/nothing", &[]).status, 404);
}

#[test]
fn a_trailing_slash_is_redirected_with_its_query() {
    let registry = Registry::new();
    let check = |target: &str, location: &str| {
        for method in ["GET", "HEAD", "POST"] {
            let answer = registry.ask(method, target, &[]);
            assert_eq!(answer.status, 308, "{target}");
            assert_eq!(answer.header("location"), location);
        }
    };
    check("/v0.1/servers/", "../servers");
    check(
        "/v0.1/servers/?limit=1&cursor=a%2Fb",
        "../servers?limit=1&cursor=a%2Fb",
    );
    check("/registry/unknown/v0.1/servers/", "../servers");
    check("/v0.1/servers/io.acme%2Falpha/versions/", "../versions");
    check("/docs//", "../../docs");
    assert_eq!(registry.get("//evil.example/").status, 404);
    assert_eq!(registry.get("//evil.example/v0.1/servers/").status, 404);
    assert_eq!(registry.get("/").status, 200);
}

#[test]
fn every_answer_may_be_read_from_any_origin() {
    let registry = Registry::new();
    for target in ROUTES
        .into_iter()
        .chain(["/nothing", "/v0.1/servers?limit=0", "/v0.1/servers/"])
    {
        let answer = registry.ask("GET", target, &[("origin", "https://app.example")]);
        assert_eq!(
            answer.header("access-control-allow-origin"),
            "*",
            "{target}"
        );
        assert_eq!(
            answer.header("x-content-type-options"),
            "nosniff",
            "{target}"
        );
        assert!(
            answer
                .header("access-control-expose-headers")
                .contains("ETag")
        );
        assert!(
            !answer
                .headers
                .contains_key("access-control-allow-credentials")
        );
    }
}
