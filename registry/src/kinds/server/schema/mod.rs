//! Rules of server.json (schema of 2025-12-11 and the official registry's publishing rules). Each violation is a warning
//! with its place; nothing here decides whether a record is served.

mod install;
mod place;

use serde_json::Value;

use self::place::{Place, Report};
use super::Warning;

/// All deviations, in document order of the rules.
pub(super) fn check(document: &Value) -> Vec<Warning> {
    let mut report = Report::default();
    let at = Place::root(document);
    schema_uri(&at, &mut report);
    name(&at, &mut report);
    texts(&at, &mut report);
    version(&at.field("version"), &mut report);
    website(&at.field("websiteUrl"), &mut report);
    repository(&at.field("repository"), &mut report);
    at.field("icons").each(&mut report, icon);
    at.field("packages").each(&mut report, install::package);
    at.field("remotes").each(&mut report, install::remote);
    install::distinct_remotes(&at.field("remotes"), &mut report);
    meta(&at.field("_meta"), &mut report);
    report.warnings
}

const SCHEMA_DATES: [&str; 6] = [
    "2025-07-09",
    "2025-09-16",
    "2025-09-29",
    "2025-10-11",
    "2025-10-17",
    "2025-12-11",
];

fn schema_uri(at: &Place<'_>, report: &mut Report) {
    let at = at.field("$schema");
    let known = |uri: &str| {
        uri.strip_prefix("https://static.modelcontextprotocol.io/schemas/")
            .and_then(|rest| rest.strip_suffix("/server.schema.json"))
            .is_some_and(|date| SCHEMA_DATES.contains(&date))
    };
    if let Some(uri) = at.required(report) {
        report.require(
            known(uri),
            &at,
            "is not the address of a known server.json schema",
        );
    }
}

fn name(at: &Place<'_>, report: &mut Report) {
    let at = at.field("name");
    let Some(name) = at.text(report) else { return };
    let edges = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.ends_with(|c: char| c.is_ascii_alphanumeric())
    };
    let of = |part: &str, extra: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || extra.contains(c))
            && edges(part)
    };
    let shaped = name
        .split_once('/')
        .is_some_and(|(namespace, name)| of(namespace, ".-") && of(name, "._-"));
    report.require(
        shaped && (3..=200).contains(&name.len()),
        &at,
        "must be namespace/name, 3 to 200 characters of letters, digits, dots, hyphens",
    );
}

fn texts(at: &Place<'_>, report: &mut Report) {
    for field in ["description", "title"] {
        let at = at.field(field);
        if let Some(text) = at.text(report) {
            report.require(
                text.chars().count() <= 100,
                &at,
                "is longer than 100 characters",
            );
            report.require(!text.trim().is_empty(), &at, "is blank");
        }
    }
}

fn version(at: &Place<'_>, report: &mut Report) {
    if let Some(version) = at.text(report) {
        report.require(
            version.chars().count() <= 255,
            at,
            "is longer than 255 characters",
        );
        report.require(
            !is_range(version),
            at,
            "is a range; an exact version is needed",
        );
    }
}

fn is_range(version: &str) -> bool {
    let version = version.trim();
    let wild = |part: &str| matches!(part, "x" | "X" | "*");
    version.starts_with(['^', '~', '>', '<', '='])
        || version.contains("||")
        || version.contains(" - ")
        || (version.split('.').any(wild) && version.split('.').count() <= 3)
}

fn website(at: &Place<'_>, report: &mut Report) {
    if let Some(url) = at.text(report) {
        report.require(
            url.starts_with("https://"),
            at,
            "must be an absolute https address",
        );
    }
}

fn repository(at: &Place<'_>, report: &mut Report) {
    if at.object(report).is_none() {
        return;
    }
    let url = at.field("url");
    if let Some(text) = url.required(report) {
        report.require(
            names_repository(text),
            &url,
            "must be the address of a repository",
        );
    }
    let source = at.field("source");
    if let Some(text) = source.required(report) {
        report.require(
            matches!(text, "github" | "gitlab"),
            &source,
            "must be github or gitlab",
        );
    }
    let subfolder = at.field("subfolder");
    if let Some(path) = subfolder.text(report) {
        let clean =
            !path.starts_with('/') && path.split('/').all(|part| !matches!(part, "" | "." | ".."));
        report.require(clean, &subfolder, "must be a clean relative path");
    }
}

/// `https://host/owner/name`, or deeper.
fn names_repository(url: &str) -> bool {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    let parts = rest.map(|rest| rest.split('/').filter(|part| !part.is_empty()).count());
    parts.is_some_and(|parts| parts >= 3)
}

fn icon(at: &Place<'_>, report: &mut Report) {
    let src = at.field("src");
    if let Some(url) = src.required(report) {
        report.require(
            url.starts_with("https://") && url.len() <= 255,
            &src,
            "must be an https address of at most 255 characters",
        );
    }
    let mime = at.field("mimeType");
    if let Some(text) = mime.text(report) {
        let known = [
            "image/png",
            "image/jpeg",
            "image/jpg",
            "image/svg+xml",
            "image/webp",
        ];
        report.require(
            known.contains(&text),
            &mime,
            "is not an image type of the schema",
        );
    }
    let theme = at.field("theme");
    if let Some(text) = theme.text(report) {
        report.require(
            matches!(text, "light" | "dark"),
            &theme,
            "must be light or dark",
        );
    }
    icon_sizes(&at.field("sizes"), report);
}

fn icon_sizes(at: &Place<'_>, report: &mut Report) {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let pair = |text: &str| {
        text.split_once('x')
            .is_some_and(|(width, height)| digits(width) && digits(height))
    };
    for size in at.elements(report) {
        if let Some(text) = size.text(report) {
            report.require(
                text == "any" || pair(text),
                &size,
                "must be WIDTHxHEIGHT or any",
            );
        }
    }
}

/// Bytes that publishers may say about a server.
const PROVIDED: usize = 4096;

fn meta(at: &Place<'_>, report: &mut Report) {
    let Some(fields) = at.object(report) else {
        return;
    };
    for (field, value) in fields {
        let at = at.field(field);
        if field == "io.modelcontextprotocol.registry/publisher-provided" {
            let size = value.to_string().len();
            report.require(size <= PROVIDED, &at, "is larger than 4 KB");
        } else {
            report.add(&at, "is not kept by the official registry");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = r#""$schema":"https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json","name":"com.example/x","version":"1.0.0","description":"d""#;

    fn pointers(document: &str) -> Vec<String> {
        let value: Value = serde_json::from_str(document).expect(document);
        super::check(&value)
            .into_iter()
            .map(|warning| warning.pointer)
            .collect()
    }

    #[test]
    fn a_plain_record_has_no_warnings() {
        let rest = r#""title":"T","websiteUrl":"https://x.example","repository":{"url":"https://github.com/a/b","source":"github"},
            "icons":[{"src":"https://x.example/i.png","mimeType":"image/png","sizes":["48x48","any"],"theme":"dark"}],
            "packages":[{"registryType":"npm","identifier":"@a/b","version":"1.0.0","transport":{"type":"stdio"},
              "environmentVariables":[{"name":"A"}],"packageArguments":[{"type":"named","name":"--p"},{"type":"positional","value":"v"}]}],
            "remotes":[{"type":"sse","url":"https://{tenant}.x.example/m","variables":{"tenant":{}},"headers":[{"name":"H"}]}]"#;
        assert_eq!(pointers(&format!("{{{PLAIN},{rest}}}")), [""; 0]);
    }

    fn check(field: &str, expected: &[&str]) {
        let document = format!("{{{PLAIN},{field}}}");
        assert_eq!(pointers(&document), expected, "{field}");
    }

    #[test]
    fn each_deviation_is_named_with_its_place() {
        check(
            r#""repository":{}"#,
            &["/repository/url", "/repository/source"],
        );
        check(r#""repository":"https://x""#, &["/repository"]);
        check(
            r#""repository":{"url":"https://x/a","source":"svn","subfolder":"../a"}"#,
            &[
                "/repository/url",
                "/repository/source",
                "/repository/subfolder",
            ],
        );
        check(r#""title":" ""#, &["/title"]);
        check(r#""websiteUrl":"/docs""#, &["/websiteUrl"]);
        check(
            r#""icons":[{"src":"http://x","sizes":"big"}]"#,
            &["/icons/0/src", "/icons/0/sizes"],
        );
        check(
            r#""icons":[{"src":"https://x","sizes":["48x48","big",1]}]"#,
            &["/icons/0/sizes/1", "/icons/0/sizes/2"],
        );
        check(r#""_meta":{"a/b":1}"#, &["/_meta/a~1b"]);
        let large = "x".repeat(PROVIDED);
        check(
            &format!(
                r#""_meta":{{"io.modelcontextprotocol.registry/publisher-provided":{{"x":"{large}"}}}}"#
            ),
            &["/_meta/io.modelcontextprotocol.registry~1publisher-provided"],
        );
    }

    #[test]
    fn packages_and_remotes_are_checked_one_by_one() {
        check(r#""packages":{}"#, &["/packages"]);
        check(r#""packages":["x"]"#, &["/packages/0"]);
        check(
            r#""packages":[{"registryType":"zip","identifier":"a b","transport":{"type":"stdio","url":"u"}}]"#,
            &[
                "/packages/0/registryType",
                "/packages/0/identifier",
                "/packages/0/transport/url",
            ],
        );
        check(
            r#""packages":[{"registryType":"mcpb","identifier":"a","version":"^1.0.0","transport":{"type":"sse"}}]"#,
            &[
                "/packages/0/version",
                "/packages/0/fileSha256",
                "/packages/0/transport/url",
            ],
        );
        check(
            r#""packages":[{"registryType":"npm","identifier":"a","fileSha256":"AB","transport":{"type":"x"},"environmentVariables":["A"],"runtimeArguments":[{"type":"flag"},{"type":"named"},{"type":"positional"}]}]"#,
            &[
                "/packages/0/fileSha256",
                "/packages/0/transport/type",
                "/packages/0/environmentVariables/0",
                "/packages/0/runtimeArguments/0/type",
                "/packages/0/runtimeArguments/1/name",
                "/packages/0/runtimeArguments/2",
            ],
        );
        check(
            r#""remotes":[{"type":"stdio","url":"http://localhost:1/m"}]"#,
            &["/remotes/0/type", "/remotes/0/url"],
        );
        check(
            r#""remotes":[{"type":"sse","url":"https://[::1]/m"}]"#,
            &["/remotes/0/url"],
        );
        check(
            r#""remotes":[{"type":"sse","url":"https://{a}.example/m"}]"#,
            &["/remotes/0/url"],
        );
        check(
            r#""remotes":[{"type":"sse","url":"https://a.example"},{"type":"sse","url":"https://a.example"}]"#,
            &["/remotes"],
        );
    }

    #[test]
    fn inputs_are_checked_wherever_they_stand() {
        let package = |rest: &str| {
            format!(r#""packages":[{{"registryType":"npm","identifier":"a",{rest}}}]"#)
        };
        let stdio = r#""transport":{"type":"stdio"}"#;
        check(
            &package(&format!(
                r#"{stdio},"environmentVariables":[{{"name":"A","isRequired":"true","format":"password"}}],"packageArguments":[{{"type":"named","name":"--p","value":"--p=1","default":8}}]"#
            )),
            &[
                "/packages/0/environmentVariables/0/isRequired",
                "/packages/0/environmentVariables/0/format",
                "/packages/0/packageArguments/0/value",
                "/packages/0/packageArguments/0/default",
            ],
        );
        let url = |rest: &str| {
            package(&format!(
                r#""transport":{{"type":"sse","url":"http://127.0.0.1:{{port}}/sse"}}{rest}"#
            ))
        };
        check(&url(""), &["/packages/0/transport/url"]);
        check(&url(r#","environmentVariables":[{"name":"port"}]"#), &[]);
        check(
            &url(r#","packageArguments":[{"type":"named","name":"--port"}]"#),
            &[],
        );
    }

    #[test]
    fn keys_and_versions_are_checked() {
        let check = |document: &str, expected: &[&str]| {
            assert_eq!(pointers(document), expected, "{document}")
        };
        check(
            r#"{"$schema":"","name":"x","version":"^1","description":"d"}"#,
            &["/$schema", "/name", "/version"],
        );
        check(
            r#"{"name":"a/b/c","version":"1.x","description":"d"}"#,
            &["/$schema", "/name", "/version"],
        );
        check(
            r#"{"$schema":3,"name":"a b/c","version":"1.0 - 2.0","description":"d"}"#,
            &["/$schema", "/name", "/version"],
        );
    }
}
