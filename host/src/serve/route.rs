//! The template that a path belongs to, as a label for metrics. There are few of them whatever callers ask for.

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
const LEAVES: [&str; 10] = [
    "/",
    "/servers",
    "/servers/{name}",
    "/servers/{name}/versions",
    "/servers/{name}/versions/{version}",
    "/openapi.json",
    "/openapi.yaml",
    "/docs",
    "/health",
    "/version",
];

/// Every leaf at every base.
static TEMPLATES: LazyLock<Vec<Vec<String>>> = LazyLock::new(|| {
    let at = |base: &str| LEAVES.map(|leaf| format!("{base}{leaf}")).to_vec();
    BASES.map(at).to_vec()
});

/// The template of a path, or `other`.
pub(crate) fn route(path: &str) -> &'static str {
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

/// A server's name is one segment, or two when its slash came unencoded.
fn leaf(segments: &[&str]) -> Option<usize> {
    match segments {
        [] | [""] => Some(0),
        ["servers"] => Some(1),
        ["servers", _] => Some(2),
        ["servers", _, "versions", _] | ["servers", _, _, "versions", _] => Some(4),
        ["servers", _, "versions"] | ["servers", _, _, "versions"] => Some(3),
        ["openapi.json"] => Some(5),
        ["openapi.yaml"] => Some(6),
        ["docs"] => Some(7),
        ["health" | "ping"] => Some(8),
        ["version"] => Some(9),
        _ => None,
    }
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
