//! Entity tags, conditional requests and what others may keep.

use crate::fixture::{Answer, Registry};

#[test]
fn a_tag_stands_for_the_bytes() {
    let registry = Registry::new();
    let tag = |target: &str| {
        let answer = registry.get(target);
        let tag = answer.header("etag").to_owned();
        assert!(
            tag.starts_with('"') && tag.ends_with('"') && tag.len() > 20,
            "{target} {tag}"
        );
        (tag, answer.body)
    };
    let targets = [
        "/v0.1/servers",
        "/v0.1/servers?limit=31",
        "/v0.1/servers?limit=1",
        "/registry/second/v0.1/servers",
        "/registry/empty/v0.1/servers",
        "/v0.1/servers?search=alpha",
        "/v0.1/servers/io.acme%2Falpha/versions",
        "/v0.1/servers/io.acme%2Falpha/versions/1.0.0",
        "/openapi.yaml",
        "/openapi.json",
        "/v0/openapi.json",
        "/v0.1/openapi.json",
        "/registry/main/openapi.json",
        "/docs",
        "/v0/docs",
    ];
    let answers: Vec<_> = targets.into_iter().map(tag).collect();
    for (tag, body) in &answers {
        for (other_tag, other_body) in &answers {
            assert_eq!(tag == other_tag, body == other_body);
        }
    }
    assert_eq!(
        tag("/v0.1/servers?limit=30"),
        tag("/registry/main/v0/servers")
    );
}

#[test]
fn who_has_it_gets_304() {
    let registry = Registry::new();
    for target in [
        "/v0.1/servers",
        "/v0.1/servers/io.acme%2Falpha/versions/latest",
        "/openapi.yaml",
        "/docs",
    ] {
        let full = registry.get(target);
        let tag = full.header("etag").to_owned();
        let ask = |known: &str| registry.ask("GET", target, &[("if-none-match", known)]);
        let same = |answer: &Answer| answer.status == 304;
        for known in [
            tag.clone(),
            format!("W/{tag}"),
            format!("\"x\", {tag}"),
            "*".to_owned(),
        ] {
            let answer = ask(&known);
            assert!(same(&answer), "{target} {known}");
            assert!(answer.body.is_empty());
            assert_eq!(answer.header("etag"), tag);
            assert_eq!(answer.header("cache-control"), full.header("cache-control"));
            assert_eq!(answer.header("access-control-allow-origin"), "*");
            assert!(!answer.headers.contains_key("content-length"));
        }
        assert!(!same(&ask("\"x\"")));
        let head = registry.ask("HEAD", target, &[("if-none-match", &tag)]);
        assert!(same(&head));
    }
    let fault = registry.ask(
        "GET",
        "/v0.1/servers/a%2Fb/versions",
        &[("if-none-match", "*")],
    );
    assert_eq!(fault.status, 404);
}

#[test]
fn records_are_kept_shortly_and_states_never() {
    let registry = Registry::new();
    let check = |target: &str, expected: &str| {
        assert_eq!(
            registry.get(target).header("cache-control"),
            expected,
            "{target}"
        );
    };
    check(
        "/v0.1/servers",
        "public, max-age=5, stale-while-revalidate=25",
    );
    check(
        "/v0.1/servers/io.acme%2Falpha/versions/latest",
        "public, max-age=5, stale-while-revalidate=25",
    );
    check("/openapi.yaml", "public, max-age=300");
    check("/docs", "public, max-age=300");
    check("/", "no-store");
    check("/health", "no-store");
    check("/v0.1/ping", "no-store");
    check("/nothing", "no-store");
}
