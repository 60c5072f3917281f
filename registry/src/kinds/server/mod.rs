//! MCP servers: server.json (schema of 2025-12-11).
//!
//! Reading is tolerant. A record is served when it is an object with usable name, version and description; all else
//! becomes a warning. The strict rules live in [`schema`], which only ever warns here.

mod schema;

use std::collections::BTreeMap;

use serde_json::{Value, value::RawValue};

use super::{Reading, Reference, Warning};

/// Names and versions above this many bytes cannot be put into a URL by every client.
const LONGEST_KEY: usize = 512;

type Fields<'a> = BTreeMap<std::borrow::Cow<'a, str>, &'a RawValue>;

pub(super) fn read(document: &[u8]) -> Result<Reading, String> {
    let text = std::str::from_utf8(document).map_err(|_| "not UTF-8")?;
    let fields: Fields<'_> =
        serde_json::from_str(text).map_err(|error| format!("not a JSON object: {error}"))?;
    let name = key(&fields, "name")?;
    let version = key(&fields, "version")?;
    if version == "latest" {
        return Err("version: \"latest\" is reserved".to_owned());
    }
    let description = text_field(&fields, "description")?;
    if description.trim().is_empty() {
        return Err("description: empty".to_owned());
    }
    let mut reading = Reading {
        name,
        version,
        title: text_field(&fields, "title").unwrap_or_default(),
        description,
        tags: Vec::new(),
        references: Vec::new(),
        warnings: Vec::new(),
    };
    match serde_json::from_str::<Value>(text) {
        Ok(value) => {
            reading.tags = tags(&value);
            reading.references = references(&value);
            reading.warnings = schema::check(&value);
        }
        // Valid JSON that no number or string type holds, such as 1e400 or half a surrogate pair.
        Err(error) => reading.warnings.push(Warning {
            pointer: String::new(),
            message: format!("not checked against the schema: {error}"),
        }),
    }
    Ok(reading)
}

/// A field that becomes part of the record's key.
fn key(fields: &Fields<'_>, field: &str) -> Result<String, String> {
    let text = text_field(fields, field)?;
    let reason = if text.trim().is_empty() {
        "empty"
    } else if text.len() > LONGEST_KEY {
        "longer than 512 bytes"
    } else if text.chars().any(char::is_control) {
        "contains control characters"
    } else if text.starts_with('/') || text.ends_with('/') {
        "begins or ends with a slash"
    } else {
        return Ok(text);
    };
    Err(format!("{field}: {reason}"))
}

fn text_field(fields: &Fields<'_>, field: &str) -> Result<String, String> {
    let raw = fields
        .get(field)
        .ok_or_else(|| format!("{field}: missing"))?
        .get();
    if !raw.starts_with('"') {
        return Err(format!("{field}: not a text"));
    }
    serde_json::from_str(raw)
        .or_else(|_| serde_json::from_str(&without_lone_surrogates(raw)))
        .map_err(|error| format!("{field}: {error}"))
}

/// Half a surrogate pair is valid JSON (RFC 8259, section 8.2) but no Unicode text; for reading it becomes U+FFFD.
fn without_lone_surrogates(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        let (plain, escape) = rest.split_at(at);
        text.push_str(plain);
        let length = escape_length(escape);
        let (escape, tail) = escape.split_at_checked(length).unwrap_or((escape, ""));
        match surrogate(escape) {
            Some(0xd800..0xdc00) if matches!(surrogate(tail), Some(0xdc00..0xe000)) => {
                let (low, tail) = tail.split_at_checked(6).unwrap_or((tail, ""));
                text.push_str(escape);
                text.push_str(low);
                rest = tail;
                continue;
            }
            Some(_) => text.push('\u{fffd}'),
            None => text.push_str(escape),
        }
        rest = tail;
    }
    text.push_str(rest);
    text
}

fn escape_length(escape: &str) -> usize {
    if escape.starts_with("\\u") { 6 } else { 2 }
}

/// The value of a leading `\uXXXX` that is half a surrogate pair.
fn surrogate(escape: &str) -> Option<u16> {
    let digits = escape.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16)
        .ok()
        .filter(|unit| (0xd800..0xe000).contains(unit))
}

/// Tags that publishers give under `_meta` publisher-provided, two levels down.
fn tags(value: &Value) -> Vec<String> {
    let Some(provided) = value
        .get("_meta")
        .and_then(|meta| meta.get("io.modelcontextprotocol.registry/publisher-provided"))
        .and_then(Value::as_object)
    else {
        return Vec::new();
    };
    let mut tags: Vec<String> = provided
        .values()
        .filter_map(Value::as_object)
        .flat_map(|publisher| publisher.values())
        .filter_map(|entry| entry.get("tags").and_then(Value::as_array))
        .flatten()
        .filter_map(Value::as_str)
        .map(storable)
        .collect();
    tags.sort_unstable();
    tags.dedup();
    tags
}

fn references(value: &Value) -> Vec<Reference> {
    let text =
        |value: &Value, field: &str| value.get(field).and_then(Value::as_str).map(str::to_owned);
    let list = |field: &str| {
        value
            .get(field)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    let packages = list("packages").filter_map(|package| {
        let registry = text(package, "registryType").unwrap_or_else(|| "unknown".to_owned());
        let identifier = text(package, "identifier")?;
        Some(("package", format!("{registry}:{identifier}")))
    });
    let remotes = list("remotes").filter_map(|remote| Some(("remote", text(remote, "url")?)));
    let repository = value
        .get("repository")
        .and_then(|repository| text(repository, "url"));
    let mut references: Vec<Reference> = packages
        .chain(remotes)
        .chain(repository.map(|url| ("repository", url)))
        .map(|(relation, target)| Reference {
            relation,
            target: storable(&target),
        })
        .collect();
    references.sort_unstable();
    references.dedup();
    references
}

/// No engine of ours stores NUL in a text.
fn storable(text: &str) -> String {
    text.replace('\0', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lacks_a_usable_key_or_description_is_refused_with_the_reason() {
        let check = |document: &str, reason: &str| {
            let refusal = read(document.as_bytes()).expect_err(document);
            assert!(refusal.contains(reason), "{document}: {refusal}");
        };
        check("null", "not a JSON object");
        check("[]", "not a JSON object");
        check("{", "not a JSON object");
        check(r#"{"version":"1","description":"d"}"#, "name: missing");
        check(
            r#"{"name":1,"version":"1","description":"d"}"#,
            "name: not a text",
        );
        check(
            r#"{"name":"","version":"1","description":"d"}"#,
            "name: empty",
        );
        check(
            r#"{"name":"a/b\u0000","version":"1","description":"d"}"#,
            "name: contains control",
        );
        check(
            r#"{"name":"/a","version":"1","description":"d"}"#,
            "begins or ends with a slash",
        );
        check(
            r#"{"name":"a/b","version":1,"description":"d"}"#,
            "version: not a text",
        );
        check(
            r#"{"name":"a/b","version":"latest","description":"d"}"#,
            "reserved",
        );
        check(r#"{"name":"a/b","version":"1"}"#, "description: missing");
        check(
            r#"{"name":"a/b","version":"1","description":"  "}"#,
            "description: empty",
        );
    }

    #[test]
    fn half_a_surrogate_pair_is_read_as_a_replacement_character() {
        let check = |raw: &str, expected: &str| {
            let document = format!(r#"{{"name":"a/b","version":"1","description":"{raw}"}}"#);
            let reading = read(document.as_bytes()).expect(raw);
            assert_eq!(reading.description, expected);
        };
        check(r"x\ud800y", "x\u{fffd}y");
        check(r"x\udc00\ud83d\ude00", "x\u{fffd}😀");
        check(r"\\ud800", r"\ud800");
        check(r"\ud83d\ude00", "😀");
    }

    #[test]
    fn tags_and_references_are_collected_once_each() {
        let reading = read(
            br#"{"name":"a/b","version":"1","description":"d","repository":{"url":"https://x.example/r","source":"github"},
                "packages":[{"registryType":"oci","identifier":"i"},{"registryType":"oci","identifier":"i"},{"identifier":7}],
                "remotes":[{"type":"sse","url":"https://x.example/m"}],
                "_meta":{"io.modelcontextprotocol.registry/publisher-provided":{"p":{"k":{"tags":["b","a","b",3]}}}}}"#,
        )
        .expect("usable");
        assert_eq!(reading.tags, ["a", "b"]);
        let targets: Vec<_> = reading
            .references
            .iter()
            .map(|r| (r.relation, r.target.as_str()))
            .collect();
        assert_eq!(
            targets,
            [
                ("package", "oci:i"),
                ("remote", "https://x.example/m"),
                ("repository", "https://x.example/r")
            ]
        );
    }
}
