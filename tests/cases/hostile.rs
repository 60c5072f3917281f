//! Requests that nobody means well with. Each is answered, and none of them with a 500 or with somebody else's file.

use cairn_tests::target;

/// The status of an answer to a first line and headers as they are, without any escaping.
fn raw(request: &[u8]) -> Option<u16> {
    target().raw(request).map(|answer| answer.status)
}

fn line(target_: &[u8]) -> Vec<u8> {
    [
        b"GET ",
        target_,
        b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    ]
    .concat()
}

#[test]
fn targets_that_are_no_text_are_refused() {
    for path in [
        &b"/v0.1/servers?search=\xff"[..],
        b"/v0.1/servers/\xc3\x28/versions",
        b"/v0.1/servers/a\x00b/versions",
        b"/v0.1/servers?search=\x00",
        b"/v0.1/servers?search=a b",
        b"/v0.1/servers\x7f",
    ] {
        let status = raw(&line(path)).expect("an answer");
        assert!(
            (400..=404).contains(&status),
            "{}: {status}",
            String::from_utf8_lossy(path)
        );
    }
    for path in [
        "/v0.1/servers/%FF/versions",
        "/v0.1/servers?search=%FF",
        "/v0.1/servers?%C3=1",
    ] {
        assert_eq!(target().get(path).status, 400, "{path}");
    }
}

#[test]
fn nothing_outside_the_routes_can_be_reached() {
    for path in [
        "/../../../../etc/passwd",
        "/v0.1/../../etc/passwd",
        "/v0.1/servers/../../../etc/passwd",
        "/v0.1/servers/..%2F..%2Fetc%2Fpasswd/versions",
        "/v0.1/servers/%2e%2e/versions/latest",
        "/registry/../v0.1/servers",
        "/registry/%2e%2e%2f%2e%2e/v0.1/servers",
        "/registry/default/v0.1/../../../etc/passwd",
        "//etc/passwd",
        "/.env",
        "/docs/../../secret",
        "/v0.1\\..\\servers",
    ] {
        let answer = target().get(path);
        assert!(
            matches!(answer.status, 400 | 404),
            "{path}: {}",
            answer.status
        );
        assert!(!answer.text().contains("root:"), "{path}");
    }
}

#[test]
fn redirects_never_lead_to_another_host() {
    for path in [
        "//evil.example/",
        "//evil.example/v0.1/servers/",
        "/\\evil.example/",
        "/%2F%2Fevil.example/",
    ] {
        let answer = target().get(path);
        assert!(
            matches!(answer.status, 400 | 404),
            "{path}: {} {}",
            answer.status,
            answer.header("location")
        );
    }
}

#[test]
fn what_is_too_long_is_refused() {
    let long = |size: usize| "a".repeat(size);
    for (path, statuses) in [
        (format!("/v0.1/servers?search={}", long(8000)), &[200][..]),
        (format!("/v0.1/servers?search={}", long(9000)), &[414]),
        (format!("/v0.1/servers/{}/versions", long(9000)), &[414]),
        (format!("/{}", long(9000)), &[414]),
        // From here on the parser in front may be the one who says no.
        (
            format!("/v0.1/servers?search={}", long(60_000)),
            &[414, 431],
        ),
        (format!("/{}", long(100_000)), &[414, 431]),
    ] {
        let status = raw(&line(path.as_bytes())).expect("an answer");
        assert!(statuses.contains(&status), "{} bytes: {status}", path.len());
    }
}

#[test]
fn what_is_no_http_is_refused() {
    for request in [
        &b"nonsense\r\n\r\n"[..],
        b"GET\r\n\r\n",
        b"GET /v0.1/servers HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /v0.1/servers HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /v0.1/servers HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        b"GE\x00T / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ] {
        // A parser may also just hang up.
        let status = raw(request);
        assert!(
            matches!(status, None | Some(400 | 404 | 405 | 505)),
            "{}: {status:?}",
            String::from_utf8_lossy(request)
        );
    }
    assert_eq!(
        target().get("/ping").status,
        200,
        "and goes on with the next"
    );
}

#[test]
fn headers_are_no_way_in() {
    let forwarded = [
        ("x-forwarded-host", "evil.example"),
        ("x-original-url", "/etc/passwd"),
        ("x-rewrite-url", "/etc/passwd"),
        ("x-http-method-override", "DELETE"),
        (
            "spin-full-url",
            "http://evil.example/v0.1/servers/nobody/versions",
        ),
        ("spin-path-info", "/nobody"),
        ("spin-raw-component-route", "/nobody"),
        ("forwarded", "host=evil.example"),
    ];
    let plain = target().get("/v0.1/servers?limit=2");
    let answer = target().ask("GET", "/v0.1/servers?limit=2", &forwarded);
    assert_eq!((answer.status, &answer.body), (200, &plain.body));
    let page = target().ask(
        "GET",
        "/",
        &[
            ("accept", "text/html"),
            ("x-forwarded-host", "evil.example"),
        ],
    );
    assert!(!page.text().contains("evil.example"));
    let host = b"GET / HTTP/1.1\r\nHost: \"><script>alert(1)</script>\r\nAccept: text/html\r\nConnection: close\r\n\r\n";
    if let Some(answer) = target().raw(host) {
        assert!(!answer.text().contains("<script>"), "{}", answer.text());
    }
}

#[test]
fn a_body_with_a_get_changes_nothing() {
    let plain = target().get("/v0.1/servers?limit=2");
    let answer = target().send("GET", "/v0.1/servers?limit=2", &[], b"limit=1");
    assert_eq!((answer.status, answer.body), (200, plain.body));
}
