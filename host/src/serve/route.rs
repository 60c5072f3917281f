//! The template that a path belongs to, as a label for metrics: one for each route of the component below each of its
//! bases, whatever callers ask for. A test compares with the component, whose own table is on the other side of the wasm.

use std::sync::LazyLock;

/// Where a registry's routes may hang. The names in braces stand for one segment.
const BASES: [&str; 6] = [
    "",
    "/v0",
    "/v0.1",
    "/registry/{registry}",
    "/registry/{registry}/v0",
    "/registry/{registry}/v0.1",
];

/// What hangs there.
const LEAVES: [&str; 9] = [
    "/servers",
    "/servers/{name}/versions",
    "/servers/{name}/versions/{version}",
    "/openapi.json",
    "/openapi.yaml",
    "/docs",
    "/health",
    "/ping",
    "/version",
];

/// Every leaf at every base.
static TEMPLATES: LazyLock<Vec<Vec<String>>> = LazyLock::new(|| {
    let at = |base: &str| LEAVES.map(|leaf| format!("{base}{leaf}")).to_vec();
    BASES.map(at).to_vec()
});

/// The template of a path, or `other`. A trailing slash is redirected away, so it is none of the path.
pub(crate) fn route(path: &str) -> &'static str {
    let path = path.trim_end_matches('/');
    if path.is_empty() {
        return "/";
    }
    let mut segments = [""; 8];
    let mut number = 0;
    for segment in path.split('/') {
        let Some(slot) = segments.get_mut(number) else {
            return "other";
        };
        *slot = segment;
        number += 1;
    }
    let segments = segments.get(..number).unwrap_or_default();
    let (base, rest) = match segments {
        ["", "registry", _, "v0", rest @ ..] => (4, rest),
        ["", "registry", _, "v0.1", rest @ ..] => (5, rest),
        ["", "registry", _, rest @ ..] => (3, rest),
        ["", "v0", rest @ ..] => (1, rest),
        ["", "v0.1", rest @ ..] => (2, rest),
        ["", rest @ ..] => (0, rest),
        _ => return "other",
    };
    let template = leaf(rest).and_then(|leaf| TEMPLATES.get(base)?.get(leaf));
    template.map_or("other", String::as_str)
}

/// Paths that programs ask at short intervals. Their requests are logged at `debug`, so that the log keeps to its clients.
pub(crate) fn is_probe(path: &str) -> bool {
    const PROBES: [&str; 6] = [
        "/livez",
        "/healthz",
        "/readyz",
        "/readiness",
        "/ready",
        "/metrics",
    ];
    let path = path.trim_end_matches('/');
    let route = route(path);
    PROBES.contains(&path) || route.ends_with("/health") || route.ends_with("/ping")
}

fn leaf(segments: &[&str]) -> Option<usize> {
    match segments {
        ["servers"] => Some(0),
        ["servers", first, second, "versions"] if is_name(first, second) => Some(1),
        ["servers", first, second, "versions", _] if is_name(first, second) => Some(2),
        ["servers", _, "versions"] => Some(1),
        ["servers", _, "versions", _] => Some(2),
        ["openapi.json"] => Some(3),
        ["openapi.yaml"] => Some(4),
        ["docs"] => Some(5),
        ["health"] => Some(6),
        ["ping"] => Some(7),
        ["version"] => Some(8),
        _ => None,
    }
}

/// Whether these are the halves of a name whose slash came unencoded.
fn is_name(first: &str, second: &str) -> bool {
    let half = |text: &str| !(text.is_empty() || text.contains("%2F") || text.contains("%2f"));
    half(first) && half(second)
}

#[cfg(test)]
mod tests {
    use cairn_component::{Router, router};
    use cairn_registry::model::Namespace;
    use http::{Method, Request, StatusCode};
    use serde_json::Value;

    use super::{BASES, LEAVES, is_probe, route};
    use crate::db::Libsql;

    #[test]
    fn paths_fall_into_few_templates() {
        for (path, template) in [
            ("/", "/"),
            ("/v0.1", "other"),
            ("/v0.1/servers", "/v0.1/servers"),
            ("/v0.1/servers/", "/v0.1/servers"),
            ("/v0.1/servers/a%2Fb", "other"),
            (
                "/v0/servers/a.b%2Fc/versions",
                "/v0/servers/{name}/versions",
            ),
            ("/v0/servers/a.b/c/versions", "/v0/servers/{name}/versions"),
            (
                "/v0.1/servers/a%2Fb/versions/latest",
                "/v0.1/servers/{name}/versions/{version}",
            ),
            (
                "/v0.1/servers/a%2Fb/versions/versions",
                "/v0.1/servers/{name}/versions/{version}",
            ),
            (
                "/v0.1/servers/a/versions/versions",
                "/v0.1/servers/{name}/versions",
            ),
            (
                "/v0.1/servers/a/versions/versions/1",
                "/v0.1/servers/{name}/versions/{version}",
            ),
            (
                "/registry/x/v0.1/servers",
                "/registry/{registry}/v0.1/servers",
            ),
            (
                "/registry/servers/v0.1/servers",
                "/registry/{registry}/v0.1/servers",
            ),
            (
                "/registry/x/openapi.yaml",
                "/registry/{registry}/openapi.yaml",
            ),
            ("/ping", "/ping"),
            ("/nobody/knows", "other"),
            ("/v0.1/servers/a/b/c/d", "other"),
            ("*", "other"),
        ] {
            assert_eq!(route(path), template, "{path}");
        }
    }

    #[test]
    fn probes_are_told_from_other_paths() {
        for (path, expected) in [
            ("/livez", true),
            ("/readyz/", true),
            ("/metrics", true),
            ("/health", true),
            ("/registry/a/v0.1/ping", true),
            ("/v0.1/servers/a/versions/ping", false),
            ("/v0.1/servers", false),
            ("/v0.1/livez", false),
        ] {
            assert_eq!(is_probe(path), expected, "{path}");
        }
    }

    /// The component's table, on a store that is never asked.
    fn component() -> Router<Libsql> {
        let db = Libsql::temporary().expect("a file");
        router(db, Namespace::default())
    }

    async fn ask(component: &Router<Libsql>, method: Method, path: &str) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(path);
        let answer = component.answer(&request.body(()).expect(path)).await;
        let body = serde_json::from_slice(answer.body()).unwrap_or_default();
        (answer.status(), body)
    }

    #[tokio::test]
    async fn every_route_of_the_component_has_the_label_it_is_documented_by() {
        let (_, document) = ask(&component(), Method::GET, "/openapi.json").await;
        let paths = document["paths"].as_object().expect("paths");
        let mut leaves = 0;
        for path in paths.keys() {
            let label = path.replace("{serverName}", "{name}");
            let asked = label
                .replace("{name}", "io.a%2Fx")
                .replace("{version}", "1");
            assert_eq!(route(&asked), label, "{path}");
            leaves += 1;
        }
        assert_eq!(leaves, LEAVES.len() + 1, "each leaf, and the root");
    }

    #[tokio::test]
    async fn every_label_is_of_a_route_of_the_component() {
        let component = component();
        for base in BASES {
            for leaf in LEAVES {
                let label = format!("{base}{leaf}");
                let path = label.replace(['{', '}'], "");
                assert_eq!(route(&path), label);
                let (status, _) = ask(&component, Method::OPTIONS, &path).await;
                assert_eq!(status, StatusCode::NO_CONTENT, "{label}");
            }
        }
    }

    /// All paths of up to five of these segments: those that lead nowhere have no label, and only those.
    #[tokio::test]
    async fn what_leads_nowhere_is_other() {
        const SEGMENTS: [&str; 8] = [
            "servers", "versions", "registry", "v0.1", "health", "x", "a%2Fb", "",
        ];
        let component = component();
        let mut paths = vec![String::new()];
        let mut asked = 0;
        for _ in 0..5 {
            let longer = |path: &String| SEGMENTS.map(|segment| format!("{path}/{segment}"));
            paths = paths.iter().flat_map(longer).collect();
            for path in &paths {
                let (status, _) = ask(&component, Method::OPTIONS, path).await;
                let nowhere = status == StatusCode::NOT_FOUND;
                assert_eq!(route(path) == "other", nowhere, "{path}: {status}");
                asked += 1;
            }
        }
        assert!(asked > 30_000, "{asked}");
    }
}
