//! MCP servers: server.json (schema of 2025-12-11).
//!
//! Reading is tolerant. A record is served when it is an object with usable name, version and description; all else
//! becomes a warning. The strict rules live in [`schema`], which only ever warns here.

mod schema;

use serde_json::Value;

use super::{Key, Reading, Reference, Warning, members};

/// Names and versions above this many bytes cannot be put into a URL by every client.
const LONGEST_KEY: usize = 512;

/// The word that stands for the latest version in a path.
const RESERVED: &str = "latest";

pub(super) fn read(document: &[u8]) -> Result<Reading, String> {
    // What a strict parser cannot read (half a surrogate pair, 1e400; RFC 7493) would cost its clients the whole page.
    let value: Value =
        serde_json::from_slice(document).map_err(|error| format!("not readable: {error}"))?;
    if !value.is_object() {
        return Err("not a JSON object".to_owned());
    }
    let name = key(&value, "name")?;
    let version = key(&value, "version")?;
    if version == RESERVED {
        return Err("version: \"latest\" is reserved".to_owned());
    }
    let description = text_field(&value, "description")?;
    if description.trim().is_empty() {
        return Err("description: empty".to_owned());
    }
    Ok(Reading {
        name: name.to_owned(),
        version: version.to_owned(),
        title: text_field(&value, "title").unwrap_or_default().to_owned(),
        description: description.to_owned(),
        tags: tags(&value),
        references: references(&value),
        warnings: schema::check(&value),
    })
}

/// A field that becomes part of the record's key.
fn key<'a>(value: &'a Value, field: &str) -> Result<&'a str, String> {
    let text = text_field(value, field)?;
    match key_fault(text) {
        Some(reason) => Err(format!("{field}: {reason}")),
        None => Ok(text),
    }
}

/// Returns why a text can be no part of a key.
fn key_fault(text: &str) -> Option<&'static str> {
    if text.trim().is_empty() {
        Some("empty")
    } else if text.len() > LONGEST_KEY {
        Some("longer than 512 bytes")
    } else if text.chars().any(char::is_control) {
        Some("contains control characters")
    } else if text.starts_with('/') || text.ends_with('/') {
        Some("begins or ends with a slash")
    } else {
        None
    }
}

/// Returns true if a text can be part of a key.
pub(super) fn is_key(text: &str) -> bool {
    key_fault(text).is_none()
}

/// Name and version of a document that [`read`] refused.
pub(super) fn key_of(document: &[u8]) -> Key {
    let [name, version] = members::texts(document, ["name", "version"]);
    Key {
        name: name.filter(|name| is_key(name)),
        version: version.filter(|version| is_key(version) && version != RESERVED),
    }
}

fn text_field<'a>(value: &'a Value, field: &str) -> Result<&'a str, String> {
    let found = value
        .get(field)
        .ok_or_else(|| format!("{field}: missing"))?;
    found.as_str().ok_or_else(|| format!("{field}: not a text"))
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
        check("{", "not readable");
        check(
            r#"{"name":"a/b","version":"1","description":"x\ud800y"}"#,
            "not readable",
        );
        check(
            r#"{"name":"a/b","version":"1","description":"d","stars":1e400}"#,
            "not readable",
        );
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
    fn refused_documents_tell_their_key_as_far_as_it_can_be_read() {
        let check = |document: &str, name: Option<&str>, version: Option<&str>| {
            let key = key_of(document.as_bytes());
            let found = (key.name.as_deref(), key.version.as_deref());
            assert_eq!(found, (name, version), "{document}");
        };
        let both = (Some("a/b"), Some("1"));
        check(
            r#"{"name":"a/b","version":"1","description":""}"#,
            both.0,
            both.1,
        );
        check(
            r#"{"version":"1","stars":1e400,"name":"a/b"}"#,
            both.0,
            both.1,
        );
        check(
            r#"{"description":"x\ud800y","name":"a/b","version":"1"}"#,
            both.0,
            both.1,
        );
        check(
            r#"{"name":"a/b","version":"1","description":"cut o"#,
            both.0,
            both.1,
        );
        check(
            r#"{"name":"c/d","version":"1","name":"a/b"}"#,
            both.0,
            both.1,
        );
        check(r#"{"name":"a/b","version":1}"#, both.0, None);
        check(r#"{"name":"a/b","version":"latest"}"#, both.0, None);
        check(r#"{"name":"a/b\u0000","version":"1"}"#, None, both.1);
        check(r#"{"name":["a/b"],"version":"1"}"#, None, both.1);
        for document in ["", "[]", "null", "{", "\u{fffd}"] {
            check(document, None, None);
        }
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
