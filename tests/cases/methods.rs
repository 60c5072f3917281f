//! Methods other than GET, and what scripts of other origins may read.

use cairn_tests::target;

const TARGETS: [&str; 12] = [
    "/v0.1/servers",
    "/v0/servers?limit=3",
    "/registry/default/v0.1/servers",
    "/v0.1/servers/com.example%2Fa/versions",
    "/v0.1/servers/com.example%2Fa/versions/latest",
    "/openapi.yaml",
    "/registry/default/openapi.json",
    "/docs",
    "/",
    "/health",
    "/ping",
    "/version",
];

#[test]
fn head_is_get_without_the_body() {
    for path in TARGETS
        .into_iter()
        .chain(["/nothing", "/v0.1/servers?limit=0", "/v0.1/servers/"])
    {
        let (get, head) = (target().get(path), target().ask("HEAD", path, &[]));
        assert_eq!(head.status, get.status, "{path}");
        assert!(head.body.is_empty(), "{path}");
        for name in [
            "content-type",
            "etag",
            "cache-control",
            "content-length",
            "location",
        ] {
            // Streams may have no length, and then neither has one.
            if name != "content-length" || (get.has(name) && head.has(name)) {
                assert_eq!(head.header(name), get.header(name), "{path} {name}");
            }
        }
    }
}

#[test]
fn options_tell_what_is_allowed_before_anything_is_looked_up() {
    let preflight = [
        ("origin", "https://vscode.example"),
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "authorization"),
    ];
    for path in TARGETS.into_iter().chain([
        "/v0.1/servers/",
        "/v0.1/servers/com.example%2Fnobody/versions",
    ]) {
        for headers in [&preflight[..], &[]] {
            let answer = target().ask("OPTIONS", path, headers);
            assert_eq!(answer.status, 204, "{path}");
            assert!(answer.body.is_empty());
            assert_eq!(answer.header("access-control-allow-origin"), "*");
            assert_eq!(answer.header("access-control-max-age"), "86400");
            let allowed = |header: &str, word: &str| {
                let words = answer.header(header).to_ascii_lowercase();
                assert!(
                    words.split(',').any(|known| known.trim() == word),
                    "{path} {header} {words}"
                );
            };
            allowed("access-control-allow-methods", "get");
            allowed("access-control-allow-methods", "options");
            allowed("access-control-allow-headers", "authorization");
            allowed("access-control-allow-headers", "content-type");
            for method in ["get", "head", "options"] {
                allowed("allow", method);
            }
        }
    }
}

#[test]
fn what_writes_is_not_allowed_yet() {
    for path in TARGETS {
        for method in ["POST", "PUT", "DELETE", "PATCH"] {
            let answer =
                target().send(method, path, &[("content-type", "application/json")], b"{}");
            assert_eq!(answer.status, 405, "{method} {path}");
            assert_eq!(answer.header("allow"), "GET, HEAD, OPTIONS");
            let error = answer.json()["error"]
                .as_str()
                .expect("an error")
                .to_owned();
            assert!(error.contains(method), "{error}");
        }
    }
    assert_eq!(target().ask("POST", "/nothing", &[]).status, 404);
}

#[test]
fn scripts_of_any_origin_may_read_every_answer() {
    let others = [
        "/nothing",
        "/v0.1/servers?limit=0",
        "/v0.1/servers/",
        "/v0.1/servers?search=%00",
        "/registry/unknown/v0.1/servers",
    ];
    for path in TARGETS.into_iter().chain(others) {
        let answer = target().ask("GET", path, &[("origin", "https://vscode.example")]);
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
        assert!(!answer.has("access-control-allow-credentials"), "{path}");
        let exposed = answer
            .header("access-control-expose-headers")
            .to_ascii_lowercase();
        for name in ["content-type", "content-length"] {
            assert!(exposed.contains(name), "{path}: {exposed}");
        }
    }
}
