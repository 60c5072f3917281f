//! Rules of server.json (schema of 2025-12-11 and the official registry's publishing rules). Each violation is a warning
//! with its place; nothing here decides whether a record is served.

use serde_json::{Map, Value};

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
    at.field("packages").each(&mut report, package);
    at.field("remotes").each(&mut report, remote);
    distinct_remotes(&at.field("remotes"), &mut report);
    meta(&at.field("_meta"), &mut report);
    report.warnings
}

#[derive(Default)]
struct Report {
    warnings: Vec<Warning>,
}

/// Enough for a person to see what is wrong; a hostile record cannot fill the database with warnings.
const MOST_WARNINGS: usize = 20;

impl Report {
    fn add(&mut self, at: &Place<'_>, message: impl Into<String>) {
        if self.warnings.len() < MOST_WARNINGS {
            self.warnings.push(Warning {
                pointer: at.pointer.clone(),
                message: message.into(),
            });
        }
    }

    fn require(&mut self, holds: bool, at: &Place<'_>, message: &str) {
        if !holds {
            self.add(at, message);
        }
    }
}

/// A value of the document, or its absence, with the JSON pointer to it.
struct Place<'a> {
    value: Option<&'a Value>,
    pointer: String,
}

impl<'a> Place<'a> {
    fn root(value: &'a Value) -> Self {
        Self {
            value: Some(value),
            pointer: String::new(),
        }
    }

    fn field(&self, name: &str) -> Self {
        Self {
            value: self.value.and_then(|value| value.get(name)),
            pointer: format!(
                "{}/{}",
                self.pointer,
                name.replace('~', "~0").replace('/', "~1")
            ),
        }
    }

    fn is_present(&self) -> bool {
        self.value.is_some()
    }

    /// The text, when it is one; another type is reported.
    fn text(&self, report: &mut Report) -> Option<&'a str> {
        let value = self.value?;
        if !value.is_string() {
            report.add(self, "must be a text");
        }
        value.as_str()
    }

    /// The text of a required field.
    fn required(&self, report: &mut Report) -> Option<&'a str> {
        report.require(self.is_present(), self, "is required");
        self.text(report)
    }

    fn object(&self, report: &mut Report) -> Option<&'a Map<String, Value>> {
        let value = self.value?;
        if !value.is_object() {
            report.add(self, "must be an object");
        }
        value.as_object()
    }

    /// Runs a rule on every element, each of which must be an object.
    fn each(&self, report: &mut Report, rule: fn(&Place<'a>, &mut Report)) {
        let Some(value) = self.value else { return };
        let Some(elements) = value.as_array() else {
            report.add(self, "must be a list");
            return;
        };
        for (index, element) in elements.iter().enumerate() {
            let place = Place {
                value: Some(element),
                pointer: format!("{}/{index}", self.pointer),
            };
            if place.object(report).is_some() {
                rule(&place, report);
            }
        }
    }
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
        let absolute = text.starts_with("https://") || text.starts_with("http://");
        report.require(absolute, &url, "must be an absolute address");
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
    let size = |value: &Value| {
        value.as_str().is_some_and(|text| {
            text == "any"
                || text
                    .split_once('x')
                    .is_some_and(|(width, height)| digits(width) && digits(height))
        })
    };
    let Some(value) = at.value else { return };
    let valid = value.as_array().is_some_and(|sizes| sizes.iter().all(size));
    report.require(valid, at, "must be a list of WIDTHxHEIGHT or any");
}

fn package(at: &Place<'_>, report: &mut Report) {
    let kind = at.field("registryType");
    let registry = kind.required(report);
    if let Some(text) = registry {
        let known = ["npm", "pypi", "nuget", "oci", "mcpb", "cargo", "go"];
        report.require(known.contains(&text), &kind, "is not a known package type");
    }
    let identifier = at.field("identifier");
    if let Some(text) = identifier.required(report) {
        let usable = !text.is_empty() && !text.chars().any(char::is_whitespace);
        report.require(usable, &identifier, "must be a text without white space");
    }
    let exact = at.field("version");
    if let Some(text) = exact.text(report) {
        report.require(
            !is_range(text) && text != "latest",
            &exact,
            "must be an exact version",
        );
    }
    file_hash(&at.field("fileSha256"), registry == Some("mcpb"), report);
    transport(&at.field("transport"), report);
    at.field("environmentVariables")
        .each(report, environment_variable);
    at.field("runtimeArguments").each(report, argument);
    at.field("packageArguments").each(report, argument);
}

fn file_hash(at: &Place<'_>, required: bool, report: &mut Report) {
    report.require(
        at.is_present() || !required,
        at,
        "is required for mcpb packages",
    );
    if let Some(text) = at.text(report) {
        let hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let valid = text.len() == 64 && text.bytes().all(hexadecimal);
        report.require(valid, at, "must be 64 lower-case hexadecimal digits");
    }
}

fn transport(at: &Place<'_>, report: &mut Report) {
    report.require(at.is_present(), at, "is required");
    if at.object(report).is_none() {
        return;
    }
    let kind = at.field("type");
    let url = at.field("url");
    match kind.required(report) {
        Some("stdio") => report.require(!url.is_present(), &url, "has no meaning for stdio"),
        Some("streamable-http" | "sse") => {
            url.required(report);
        }
        Some(_) => report.add(&kind, "must be stdio, streamable-http or sse"),
        None => {}
    }
}

fn environment_variable(at: &Place<'_>, report: &mut Report) {
    at.field("name").required(report);
}

fn argument(at: &Place<'_>, report: &mut Report) {
    let kind = at.field("type");
    match kind.required(report) {
        Some("positional") => {
            let given = at.field("value").is_present() || at.field("valueHint").is_present();
            report.require(given, at, "a positional argument needs value or valueHint");
        }
        Some("named") => {
            let name = at.field("name");
            if let Some(text) = name.required(report) {
                report.require(
                    !text.contains(['<', '>', ' ', '$']),
                    &name,
                    "must not contain <, >, $ or a space",
                );
            }
        }
        Some(_) => report.add(&kind, "must be positional or named"),
        None => {}
    }
}

fn remote(at: &Place<'_>, report: &mut Report) {
    let kind = at.field("type");
    if let Some(text) = kind.required(report) {
        report.require(
            matches!(text, "streamable-http" | "sse"),
            &kind,
            "must be streamable-http or sse",
        );
    }
    let url = at.field("url");
    if let Some(text) = url.required(report) {
        report.require(
            is_public(text),
            &url,
            "must be an http(s) address that is not local",
        );
        let variables = at.field("variables");
        let undefined = placeholders(text).find(|variable| !variables.field(variable).is_present());
        if let Some(variable) = undefined {
            report.add(&url, format!("{{{variable}}} is not defined in variables"));
        }
    }
    at.field("headers").each(report, environment_variable);
}

fn is_public(url: &str) -> bool {
    let Some(rest) = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
    else {
        return url.starts_with('{');
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    let host = host.strip_prefix('[').map_or_else(
        || host.split(':').next().unwrap_or_default(),
        |rest| rest.split(']').next().unwrap_or_default(),
    );
    let local = host == "localhost"
        || host.ends_with(".localhost")
        || host.starts_with("127.")
        || host == "::1";
    !host.is_empty() && !local
}

/// The names between braces of a URL template.
fn placeholders(url: &str) -> impl Iterator<Item = &str> {
    url.split('{')
        .skip(1)
        .filter_map(|part| part.split_once('}').map(|(name, _)| name))
}

fn distinct_remotes(at: &Place<'_>, report: &mut Report) {
    let Some(remotes) = at.value.and_then(Value::as_array) else {
        return;
    };
    let mut urls: Vec<&str> = remotes
        .iter()
        .filter_map(|remote| remote.get("url").and_then(Value::as_str))
        .collect();
    let all = urls.len();
    urls.sort_unstable();
    urls.dedup();
    report.require(urls.len() == all, at, "names the same address twice");
}

fn meta(at: &Place<'_>, report: &mut Report) {
    let Some(fields) = at.object(report) else {
        return;
    };
    for field in fields.keys() {
        if field != "io.modelcontextprotocol.registry/publisher-provided" {
            report.add(&at.field(field), "is not kept by the official registry");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = r#""$schema":"https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json","name":"com.example/x","version":"1.0.0","description":"d""#;

    fn pointers(document: &str) -> Vec<String> {
        let value: Value = serde_json::from_str(document).expect(document);
        check(&value)
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

    #[test]
    fn each_deviation_is_named_with_its_place() {
        let check = |field: &str, expected: &[&str]| {
            assert_eq!(
                pointers(&format!("{{{PLAIN},{field}}}")),
                expected,
                "{field}"
            );
        };
        check(
            r#""repository":{}"#,
            &["/repository/url", "/repository/source"],
        );
        check(r#""repository":"https://x""#, &["/repository"]);
        check(
            r#""repository":{"url":"https://x","source":"svn","subfolder":"../a"}"#,
            &["/repository/source", "/repository/subfolder"],
        );
        check(r#""title":" ""#, &["/title"]);
        check(r#""websiteUrl":"/docs""#, &["/websiteUrl"]);
        check(
            r#""icons":[{"src":"http://x","sizes":"big"}]"#,
            &["/icons/0/src", "/icons/0/sizes"],
        );
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
        check(r#""_meta":{"a/b":1}"#, &["/_meta/a~1b"]);
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
