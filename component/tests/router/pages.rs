//! Pages for people, and what programs get in their place.

use crate::fixture::Registry;

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

#[test]
fn the_root_is_a_page_for_people_and_json_for_programs() {
    let registry = Registry::new();
    let check = |accept: &str, media: &str| {
        let answer = registry.ask(
            "GET",
            "/",
            &[("accept", accept), ("host", "registry.example:8080")],
        );
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), media, "{accept}");
        assert_eq!(answer.header("vary"), "Accept");
    };
    check(BROWSER, "text/html; charset=utf-8");
    check("*/*", "application/json");
    check("application/json", "application/json");
    check("text/html;q=0, */*", "application/json");

    let json = registry.get("/").json();
    assert_eq!(json["name"], "main");
    assert_eq!(json["registries"][0]["url"], "registry/main/v0.1");
    assert_eq!(json["registries"][0]["default"], true);
    assert_eq!(json["registries"][0]["records"], 124);
    assert_eq!(json["registries"][0]["names"], 122);
    assert_eq!(json["sources"][0]["phase"], "complete");
    assert_eq!(json["sources"][0]["lastSuccess"], "1970-01-01T00:00:00Z");
}

#[test]
fn the_page_shows_how_to_begin() {
    let registry = Registry::new();
    let page = registry.ask(
        "GET",
        "/",
        &[("accept", BROWSER), ("host", "registry.example:8080")],
    );
    let page = page.text();
    for part in [
        "<title>main</title>",
        "curl 'http://registry.example:8080/v0.1/servers?limit=3'",
        "/v0.1/servers/io.acme%2Falpha/versions/latest'",
        "\"chat.mcp.gallery.serviceUrl\": \"http://registry.example:8080\"",
        "<td>122</td><td>124</td>",
        "&lt;upstream&gt;",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    assert_eq!(page.matches("curl ").count(), 3);
}

/// The page as it comes with these header fields.
fn page_with(headers: &[(&str, &str)]) -> String {
    let mut all = vec![("accept", BROWSER), ("host", "registry.example")];
    all.extend(headers);
    Registry::new().ask("GET", "/", &all).text().to_owned()
}

#[test]
fn the_address_to_copy_is_that_of_the_proxy_or_a_word_to_replace() {
    let url = |origin: &str| format!("serviceUrl\": \"{origin}\"");
    for (headers, origin) in [
        (&[][..], "http://registry.example"),
        (
            &[("cairn-origin", "https://public.example/mcp")],
            "https://public.example/mcp",
        ),
        (&[("x-forwarded-proto", "https")], "https://ADDRESS"),
        (&[("x-forwarded-prefix", "/mcp")], "https://ADDRESS"),
        (&[("forwarded", "proto=https")], "https://ADDRESS"),
        (
            &[("cairn-origin", "https://x\"><script>")],
            "http://registry.example",
        ),
    ] {
        let page = page_with(headers);
        // Quotation marks in the page are those of the line.
        assert!(page.contains(&url(origin)), "{headers:?}: {page}");
        let explained = page.contains("server.trustedProxies");
        assert_eq!(explained, origin.contains("ADDRESS"), "{headers:?}");
    }
}

#[test]
fn links_are_relative_so_that_a_prefix_survives() {
    for target in ["/", "/docs", "/registry/main/v0.1/docs"] {
        let page = Registry::new().ask("GET", target, &[("accept", BROWSER)]);
        let links = page.text().split("href=\"").skip(1);
        let links = links.filter_map(|rest| rest.split('"').next());
        let mut count = 0;
        for link in links.filter(|link| !link.starts_with("https://github.com/")) {
            assert!(
                !link.starts_with('/') && !link.contains("://"),
                "{target}: {link:.40}"
            );
            count += 1;
        }
        assert!(count > 1, "{target}");
    }
}

#[test]
fn nothing_that_others_wrote_is_markup() {
    let registry = Registry::new();
    for host in ["evil\"><script>", "a b", "x'onload=1", "<b>"] {
        let page = registry.ask("GET", "/", &[("accept", BROWSER), ("host", host)]);
        assert!(page.text().contains("http://localhost/v0.1"), "{host}");
        assert!(!page.text().contains(host), "{host}");
    }
    let page = registry.ask("GET", "/", &[("accept", BROWSER)]);
    assert!(!page.text().contains("<upstream>"));
    assert!(
        !page.text().contains("git.internal.example")
            && !registry.get("/").text().contains("git.internal.example")
    );
}

#[test]
fn pages_load_nothing_and_run_nothing() {
    let registry = Registry::new();
    for target in [
        "/",
        "/docs",
        "/v0.1/docs",
        "/registry/main/docs",
        "/registry/main/v0/docs",
    ] {
        let page = registry.ask("GET", target, &[("accept", BROWSER)]);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert!(
            page.header("content-security-policy")
                .starts_with("default-src 'none'"),
            "{target}"
        );
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        for tag in [
            "<script", "<img", "<link", "<iframe", "src=", "@import", "url(",
        ] {
            assert!(!page.text().contains(tag), "{target} {tag}");
        }
        assert!(page.text().contains("<html lang=\"en\">"));
    }
}

#[test]
fn docs_show_every_route_of_the_document() {
    let registry = Registry::new();
    for base in ["", "/v0.1", "/registry/main/v0"] {
        let page = registry.get(&format!("{base}/docs"));
        let document = registry.get(&format!("{base}/openapi.json")).json();
        for (path, item) in document["paths"].as_object().expect("paths") {
            let id = item["get"]["operationId"].as_str().expect("an id");
            assert!(
                page.text().contains(&format!("<section id=\"{id}\">")),
                "{base} {id}"
            );
            assert!(
                page.text().contains(&format!("GET {base}{path}<")),
                "{base} {path}"
            );
        }
    }
}

#[test]
fn programs_say_what_they_are() {
    let registry = Registry::new();
    for base in ["", "/v0.1", "/v0", "/registry/main", "/registry/main/v0.1"] {
        assert_eq!(
            registry.get(&format!("{base}/health")).text(),
            r#"{"status":"healthy"}"#
        );
        assert_eq!(
            registry.get(&format!("{base}/ping")).text(),
            r#"{"pong":true}"#
        );
        let version = registry.get(&format!("{base}/version")).json();
        assert_eq!(version["name"], "cairn");
        assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    }
}
