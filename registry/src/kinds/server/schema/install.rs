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
    transport(at, report);
    at.field("environmentVariables").each(report, named_input);
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

fn transport(package: &Place<'_>, report: &mut Report) {
    let at = package.field("transport");
    report.require(at.is_present(), &at, "is required");
    if at.object(report).is_none() {
        return;
    }
    let kind = at.field("type");
    let url = at.field("url");
    match kind.required(report) {
        Some("stdio") => report.require(!url.is_present(), &url, "has no meaning for stdio"),
        Some("streamable-http" | "sse") => {
            if let Some(text) = url.required(report) {
                let known = |variable: &str| {
                    at.field("variables").field(variable).is_present() || defines(package, variable)
                };
                defined(&url, text, known, report);
            }
        }
        Some(_) => report.add(&kind, "must be stdio, streamable-http or sse"),
        None => {}
    }
}

/// Whether an input of the package has this name. Names of arguments count without their dashes too.
fn defines(package: &Place<'_>, variable: &str) -> bool {
    const LISTS: [&str; 3] = [
        "environmentVariables",
        "runtimeArguments",
        "packageArguments",
    ];
    let list = |field: &str| {
        package
            .value
            .and_then(|package| package.get(field)?.as_array())
    };
    let names = |input: &Value| {
        ["name", "valueHint"].iter().any(|field| {
            let name = input.get(field).and_then(Value::as_str);
            name.is_some_and(|name| name == variable || name.trim_start_matches('-') == variable)
        })
    };
    LISTS
        .iter()
        .filter_map(|field| list(field))
        .flatten()
        .any(names)
}

/// Every variable of a URL template is defined somewhere.
fn defined(url: &Place<'_>, text: &str, known: impl Fn(&str) -> bool, report: &mut Report) {
    if let Some(variable) = placeholders(text).find(|variable| !known(variable)) {
        report.add(url, format!("{{{variable}}} is not defined"));
    }
}

/// What environment variables, headers and arguments have in common.
fn input(at: &Place<'_>, report: &mut Report) {
    for flag in ["isRequired", "isSecret"] {
        at.field(flag).flag(report);
    }
    for text in ["description", "value", "default"] {
        at.field(text).text(report);
    }
    let format = at.field("format");
    if let Some(text) = format.text(report) {
        let known = ["string", "number", "boolean", "filepath"];
        report.require(known.contains(&text), &format, "is not a known format");
    }
}

fn named_input(at: &Place<'_>, report: &mut Report) {
    at.field("name").required(report);
    input(at, report);
}

fn argument(at: &Place<'_>, report: &mut Report) {
    let kind = at.field("type");
    match kind.required(report) {
        Some("positional") => {
            let given = at.field("value").is_present() || at.field("valueHint").is_present();
            report.require(given, at, "a positional argument needs value or valueHint");
        }
        Some("named") => named_argument(at, report),
        Some(_) => report.add(&kind, "must be positional or named"),
        None => {}
    }
    input(at, report);
}

fn named_argument(at: &Place<'_>, report: &mut Report) {
    let place = at.field("name");
    let Some(name) = place.required(report) else {
        return;
    };
    report.require(
        !name.contains(['<', '>', ' ', '$']),
        &place,
        "must not contain <, >, $ or a space",
    );
    for field in ["value", "default"] {
        let at = at.field(field);
        let text = at.value.and_then(Value::as_str).unwrap_or_default();
        let repeated = !name.is_empty() && text.starts_with(name);
        report.require(!repeated, &at, "must not begin with the argument's name");
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
        let known = |variable: &str| variables.field(variable).is_present();
        defined(&url, text, known, report);
    }
    at.field("headers").each(report, named_input);
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
