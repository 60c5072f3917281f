//! The template that a path belongs to, as a label for metrics. There are few of them whatever callers ask for.

use std::{collections::HashMap, sync::LazyLock};

/// Where a registry's routes may hang. The names in braces stand for one segment.
const BASES: [&str; 6] = [
    "",
    "/v0",
    "/v0.1",
    "/registry/{registry}",
    "/registry/{registry}/v0",
    "/registry/{registry}/v0.1",
];

/// What hangs there. A server's name is one segment, or two when its slash came unencoded.
const LEAVES: [(&str, &str); 14] = [
    ("/servers", "/servers"),
    ("/servers/_", "/servers/{name}"),
    ("/servers/_/versions", "/servers/{name}/versions"),
    ("/servers/_/_/versions", "/servers/{name}/versions"),
    (
        "/servers/_/versions/_",
        "/servers/{name}/versions/{version}",
    ),
    (
        "/servers/_/_/versions/_",
        "/servers/{name}/versions/{version}",
    ),
    ("/openapi.json", "/openapi.json"),
    ("/openapi.yaml", "/openapi.yaml"),
    ("/docs", "/docs"),
    ("/health", "/health"),
    ("/ping", "/ping"),
    ("/version", "/version"),
    ("/", "/"),
    ("", "/"),
];

/// Shapes, with `_` for any segment, and their templates.
static SHAPES: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    let under = |base: &'static str| LEAVES.map(|(shape, template)| (base, shape, template));
    BASES
        .into_iter()
        .flat_map(under)
        .map(|(base, shape, template)| {
            let shape = format!("{}{shape}", base.replace("{registry}", "_"));
            (shape, format!("{base}{template}"))
        })
        .collect()
});

/// Words that a shape holds; every other segment is a name.
const WORDS: [&str; 12] = [
    "v0",
    "v0.1",
    "registry",
    "servers",
    "versions",
    "openapi.json",
    "openapi.yaml",
    "docs",
    "health",
    "ping",
    "version",
    "",
];

/// The template of a path, or `other`.
pub(crate) fn route(path: &str) -> &'static str {
    if !path.starts_with('/') {
        return "other";
    }
    let mut shape = String::with_capacity(path.len());
    let mut before = "";
    for segment in path.split('/').skip(1).take(10) {
        shape.push('/');
        // What follows these words is a name, even if it looks like a word itself.
        let name = matches!(before, "registry" | "servers")
            || (before == "versions" && !segment.is_empty());
        let word = !name && WORDS.contains(&segment);
        shape.push_str(if word || segment.is_empty() {
            segment
        } else {
            "_"
        });
        before = if name { "" } else { segment };
    }
    SHAPES.get(&shape).map_or("other", String::as_str)
}

#[cfg(test)]
mod tests {
    use super::route;

    #[test]
    fn paths_fall_into_few_templates() {
        for (path, template) in [
            ("/", "/"),
            ("/v0.1/servers", "/v0.1/servers"),
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
                "/v0.1/servers/versions/versions/versions",
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
            ("/nobody/knows", "other"),
            ("/v0.1/servers/a/b/c/d", "other"),
            ("*", "other"),
        ] {
            assert_eq!(route(path), template, "{path}");
        }
    }
}
