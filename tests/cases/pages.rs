//! Pages for people: the root and the documentation. They load nothing, so they work without a network.

use cairn_tests::{Answer, fixture, target};

/// What makes a browser load something or run something.
const LOADING: [&str; 14] = [
    "<script",
    "<link",
    "<img",
    "<iframe",
    "<object",
    "<embed",
    "<base",
    "<form",
    "src=",
    "@import",
    "url(",
    "http-equiv",
    "javascript:",
    " onload=",
];

fn assert_alone(page: &Answer) {
    let text = page.text().to_ascii_lowercase();
    assert!(text.starts_with("<!doctype html>"), "{text:.80}");
    for sign in LOADING {
        assert!(!text.contains(sign), "{sign}");
    }
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'"), "{policy:?}");
}

#[test]
fn the_documentation_is_one_page_that_loads_nothing() {
    for base in fixture::BASES {
        let page = target().get(&format!("{base}/docs"));
        assert_eq!(page.status, 200, "{base}");
        assert!(
            page.header("content-type").starts_with("text/html"),
            "{base}"
        );
        assert_alone(&page);
        let document = target().get(&format!("{base}/openapi.json")).json();
        for path in document["paths"].as_object().expect("paths").keys() {
            assert!(
                page.text().contains(&format!("{base}{path}</code>")),
                "{base} {path}"
            );
        }
    }
}

#[test]
fn the_root_is_json_for_programs() {
    for accept in ["application/json", "*/*", ""] {
        let answer = target().ask("GET", "/", &[("accept", accept)]);
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("vary").to_ascii_lowercase(), "accept");
        let overview = answer.json();
        let registry = &overview["registries"][0];
        assert_eq!(registry["name"], fixture::REGISTRY);
        assert_eq!(registry["default"], true);
        let living = fixture::catalog()
            .iter()
            .filter(|record| !record.is_deleted());
        let mut names: Vec<&str> = living.clone().map(|record| record.name.as_str()).collect();
        names.dedup();
        assert_eq!(registry["records"], living.count());
        assert_eq!(registry["names"], names.len());
        for link in overview["links"].as_object().expect("links").values() {
            let link = link.as_str().expect("a link");
            assert!(!link.starts_with('/'), "{link}");
            assert_eq!(target().get(&format!("/{link}")).status, 200, "{link}");
        }
        let url = registry["url"].as_str().expect("a url");
        assert_eq!(
            target().get(&format!("/{url}/servers")).status,
            200,
            "{url}"
        );
    }
}

#[test]
fn the_root_is_a_page_for_browsers() {
    let accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let page = target().ask("GET", "/", &[("accept", accept)]);
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/html"));
    assert_alone(&page);
    let text = page.text();
    let living = fixture::keys(|record| !record.is_deleted()).len();
    for part in [
        fixture::REGISTRY,
        &living.to_string(),
        "href=\"docs\"",
        "href=\"openapi.yaml\"",
        "curl",
        "chat.mcp.gallery.serviceUrl",
        &target().url(),
    ] {
        assert!(text.contains(part), "{part}");
    }
    let tried: Vec<&str> = text
        .split("curl '")
        .skip(1)
        .filter_map(|rest| rest.split('\'').next())
        .collect();
    assert!(tried.len() >= 3, "{tried:?}");
    for url in tried {
        let url = url.replace("&amp;", "&");
        let path = url
            .strip_prefix(&target().url())
            .expect("an address of this server");
        assert_eq!(target().get(path).status, 200, "{url}");
    }
}
