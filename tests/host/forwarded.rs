//! Behind a proxy: what it says of the client and of the registry's address, where its word is taken.

use std::time::Duration;

use cairn_tests::{Installation, Server, fixture, installation::of_file};
use serde_json::{Value, json};

const PROXIED: [(&str, &str); 6] = [
    ("accept", "text/html"),
    ("x-forwarded-for", "198.51.100.9, 203.0.113.7"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-host", "registry.example.com"),
    ("x-forwarded-prefix", "/mcp"),
    ("user-agent", "tester/1 \"quoted\""),
];

fn serving(trusted: Value) -> (Installation, Server) {
    let mut config = of_file(&fixture::path("catalog.json"));
    config["server"] = json!({ "trustedProxies": trusted });
    let installation = Installation::new(config);
    let server = installation.serve(&[]);
    (installation, server)
}

/// The line of the log on the request with this id.
fn line(server: &Server, id: &str) -> Value {
    let found = server.log.wait(Duration::from_secs(5), |line| {
        let read: Value = serde_json::from_str(line).ok()?;
        (read["request_id"] == id && read["message"] == "request").then_some(read)
    });
    found.expect("an access line")
}

fn ask(server: &Server, id: &str) -> String {
    let headers = [&PROXIED[..], &[("x-request-id", id)]].concat();
    server.public.ask("GET", "/", &headers).text().to_owned()
}

#[test]
fn a_trusted_proxy_names_client_and_address() {
    let (_installation, server) = serving(json!(["127.0.0.0/8"]));
    let page = ask(&server, "proxied");
    assert!(
        page.contains("serviceUrl\": \"https://registry.example.com/mcp\"")
            || page.contains("https://registry.example.com/mcp"),
        "{page}"
    );
    let line = line(&server, "proxied");
    assert_eq!(
        line["client"], "203.0.113.7",
        "the client may have written the other one"
    );
    assert_eq!(line["user_agent"], "tester/1 \"quoted\"");
    // Without it nothing is made up.
    let direct = server.public.ask("GET", "/", &[("accept", "text/html")]);
    assert!(direct.text().contains(&server.public.url()));
    let forged = [
        ("accept", "text/html"),
        ("cairn-origin", "https://evil.example"),
    ];
    let forged = server.public.ask("GET", "/", &forged);
    assert!(!forged.text().contains("evil.example"));
}

#[test]
fn another_proxy_s_word_is_not_taken() {
    let unconfigured = Installation::of_fixture();
    let (_installation, other) = serving(json!(["192.0.2.0/24"]));
    for server in [&unconfigured.serve(&[]), &other] {
        let page = ask(server, "other");
        assert!(!page.contains("registry.example.com"), "{page}");
        assert!(page.contains("https://ADDRESS"), "{page}");
        assert_eq!(line(server, "other")["client"], "127.0.0.1");
    }
}

#[test]
fn probes_are_not_logged_at_info() {
    let (_installation, server) = serving(json!("none"));
    for path in ["/livez", "/readyz", "/health", "/ping", "/v0.1/ping"] {
        let _ = server.public.ask("GET", path, &[("x-request-id", "probe")]);
    }
    let _ = server
        .public
        .ask("GET", "/version", &[("x-request-id", "last")]);
    let _ = line(&server, "last");
    assert!(
        !server.log.text().contains("\"request_id\":\"probe\""),
        "{}",
        server.log.text()
    );
}
