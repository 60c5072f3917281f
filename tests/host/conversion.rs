//! The legacy format's conversion (§1.7a), written down a second time over plain JSON values: table by table, with the
//! names of the fields on both sides.

use serde_json::{Map, Value, json};

const SCHEMA: &str = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json";

/// What has a place of its own in server.json; all else goes to the publisher's block.
const PLACED: [&str; 6] = [
    "name",
    "title",
    "description",
    "repository_url",
    "transport",
    "image",
];

/// The server of an image under its key.
pub(crate) fn image(key: &str, entry: &Value) -> Value {
    let identifier = entry["image"].as_str().expect("an image");
    let transport = entry["transport"].as_str().unwrap_or("stdio");
    let mut package = json!({
        "registryType": "oci",
        "identifier": identifier,
        "transport": { "type": transport },
    });
    if transport != "stdio" {
        let port = entry["target_port"]
            .as_u64()
            .map_or(String::new(), |port| format!(":{port}"));
        package["transport"]["url"] = json!(format!("http://localhost{port}"));
    }
    let variables = inputs(&entry["env_vars"]);
    if !variables.is_empty() {
        package["environmentVariables"] = Value::Array(variables);
    }
    let mut server = common(key, entry);
    server["packages"] = json!([package]);
    let left = rest(entry, &["env_vars", "target_port"]);
    publish(&mut server, identifier, left);
    server
}

/// The server of a remote under its key.
pub(crate) fn remote(key: &str, entry: &Value) -> Value {
    let url = entry["url"].as_str().expect("a url");
    let mut remote = json!({ "type": entry["transport"], "url": url });
    let headers = inputs(&entry["headers"]);
    if !headers.is_empty() {
        remote["headers"] = Value::Array(headers);
    }
    let mut server = common(key, entry);
    server["remotes"] = json!([remote]);
    let left = rest(entry, &["url", "headers"]);
    publish(&mut server, url, left);
    server
}

/// What the official block says of it.
pub(crate) fn status(entry: &Value) -> &'static str {
    match entry["status"].as_str() {
        Some("Deprecated") => "deprecated",
        _ => "active",
    }
}

fn common(key: &str, entry: &Value) -> Value {
    let own = entry["name"].as_str().filter(|name| name.contains('/'));
    let name = own.map_or_else(|| format!("io.github.stacklok/{key}"), str::to_owned);
    let mut server = json!({ "$schema": SCHEMA, "name": name, "version": "1.0.0" });
    for field in ["title", "description"] {
        if !entry[field].is_null() {
            server[field] = entry[field].clone();
        }
    }
    if let Some(url) = entry["repository_url"]
        .as_str()
        .filter(|url| !url.is_empty())
    {
        server["repository"] = json!({ "url": url, "source": "github" });
    }
    server
}

fn inputs(list: &Value) -> Vec<Value> {
    const FIELDS: [(&str, &str); 6] = [
        ("name", "name"),
        ("description", "description"),
        ("required", "isRequired"),
        ("secret", "isSecret"),
        ("default", "default"),
        ("choices", "choices"),
    ];
    let input = |input: &Value| {
        let mut fields = Map::new();
        for (legacy, new) in FIELDS {
            if let Some(value) = input.get(legacy).filter(|value| !value.is_null()) {
                fields.insert(new.to_owned(), value.clone());
            }
        }
        Value::Object(fields)
    };
    list.as_array()
        .map_or(Vec::new(), |list| list.iter().map(input).collect())
}

fn rest(entry: &Value, also: &[&str]) -> Map<String, Value> {
    let mut left = entry.as_object().expect("an object").clone();
    left.retain(|field, _| !PLACED.contains(&field.as_str()) && !also.contains(&field.as_str()));
    left.entry("status").or_insert_with(|| json!("active"));
    left
}

fn publish(server: &mut Value, place: &str, left: Map<String, Value>) {
    server["_meta"] = json!({
        "io.modelcontextprotocol.registry/publisher-provided": { "io.github.stacklok": { place: left } },
    });
}
