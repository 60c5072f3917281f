//! Rules for how a server is had: packages that are run, remotes that are called.

use serde_json::Value;

use super::{
    is_range,
    place::{Place, Report},
};

pub(super) fn package(at: &Place<'_>, report: &mut Report) {
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

pub(super) fn remote(at: &Place<'_>, report: &mut Report) {
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

pub(super) fn distinct_remotes(at: &Place<'_>, report: &mut Report) {
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
