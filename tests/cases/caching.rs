//! Entity tags, conditional requests, and what others may keep.

use cairn_tests::target;

const TARGETS: [&str; 6] = [
    "/v0.1/servers",
    "/registry/default/v0.1/servers?search=zebra",
    "/v0.1/servers/com.example%2Fzebra/versions",
    "/v0.1/servers/com.example%2Fzebra/versions/latest",
    "/openapi.yaml",
    "/docs",
];

#[test]
fn a_tag_is_strong_and_stands_for_the_bytes() {
    let mut found = Vec::new();
    for path in TARGETS.into_iter().chain([
        "/v0.1/servers?limit=30",
        "/v0.1/servers?limit=29",
        "/v0.1/servers?limit=30&include_deleted=true",
        "/v0.1/servers/com.example%2Fzebra/versions/2.0.0",
        "/v0.1/servers/com.example%2FZebra/versions/1.0.0",
        "/registry/default/openapi.yaml",
        "/openapi.json",
    ]) {
        let (one, two) = (target().get(path), target().get(path));
        let tag = one.header("etag");
        assert!(
            tag.len() > 10 && tag.starts_with('"') && tag.ends_with('"'),
            "{path} {tag}"
        );
        assert_eq!(two.header("etag"), tag, "{path}");
        found.push((tag, one.body));
    }
    for (tag, body) in &found {
        for (other_tag, other_body) in &found {
            assert_eq!(tag == other_tag, body == other_body);
        }
    }
}

#[test]
fn who_has_it_already_gets_304() {
    for path in TARGETS {
        let full = target().get(path);
        let tag = full.header("etag");
        let ask =
            |method: &str, known: &str| target().ask(method, path, &[("if-none-match", known)]);
        for known in [
            tag.clone(),
            format!("W/{tag}"),
            format!("\"other\", {tag}"),
            "*".to_owned(),
        ] {
            for method in ["GET", "HEAD"] {
                let answer = ask(method, &known);
                assert_eq!(answer.status, 304, "{method} {path} {known}");
                assert!(answer.body.is_empty());
                assert_eq!(answer.header("etag"), tag);
                assert_eq!(answer.header("cache-control"), full.header("cache-control"));
                assert_eq!(answer.header("access-control-allow-origin"), "*");
            }
        }
        for known in ["\"other\"", "", &tag.replace('"', "")] {
            let answer = ask("GET", known);
            assert_eq!(
                (answer.status, answer.body == full.body),
                (200, true),
                "{path} {known}"
            );
        }
    }
}

#[test]
fn an_answer_that_is_no_200_is_never_not_modified() {
    for path in [
        "/nothing",
        "/v0.1/servers?limit=0",
        "/v0.1/servers/a%2Fb/versions",
    ] {
        let answer = target().ask("GET", path, &[("if-none-match", "*")]);
        assert!(answer.status >= 400, "{path}");
    }
}

#[test]
fn records_are_kept_shortly_documents_longer_and_states_never() {
    let check = |path: &str, expected: &str| {
        assert_eq!(
            target().get(path).header("cache-control"),
            expected,
            "{path}"
        );
    };
    for path in &TARGETS[..4] {
        check(path, "public, max-age=5, stale-while-revalidate=25");
    }
    for path in [
        "/openapi.yaml",
        "/registry/default/v0/openapi.json",
        "/docs",
    ] {
        check(path, "public, max-age=300");
    }
    for path in [
        "/",
        "/health",
        "/ping",
        "/version",
        "/nothing",
        "/v0.1/servers?limit=0",
    ] {
        check(path, "no-store");
    }
}
