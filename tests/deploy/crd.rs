//! Kinds that operators bring: their own definitions, made into schemas that kubeconform reads. A schema is closed, as an
//! API server closes it that is asked to be strict: a misspelt field is an error. Rules in CEL are not evaluated.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use serde_json::{Value, json};

use crate::{
    manifest::{Manifests, list, text},
    tool,
};

/// Where kubeconform finds a schema below [`schemas`].
pub(crate) const FILE: &str = "{{ .Group }}/{{ .ResourceKind }}_{{ .ResourceAPIVersion }}.json";

/// The folder of schemas, made once from the definitions that `cargo xtask test` has loaded; `None` without them.
pub(crate) fn schemas() -> Option<&'static Path> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    let make = || {
        let definitions = tool::folder()?.join("crds");
        definitions.is_dir().then(|| write(&definitions))
    };
    FOLDER.get_or_init(make).as_deref()
}

fn write(definitions: &Path) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("crds");
    for module in sorted(definitions) {
        for file in sorted(&module) {
            for (name, schema) in Manifests::of_file(&file).0.iter().flat_map(served) {
                let path = folder.join(name);
                fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
                fs::write(path, schema.to_string()).expect("a schema");
            }
        }
    }
    folder
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}

/// A closed schema for each version that the API server would serve, with its file's name.
fn served(definition: &Value) -> Vec<(String, Value)> {
    let spec = &definition["spec"];
    let versions = list(&spec["versions"]).filter(|version| version["served"] == true);
    let kind = text(&spec["names"]["kind"]).to_lowercase();
    versions
        .map(|version| {
            let name = format!(
                "{}/{kind}_{}.json",
                text(&spec["group"]),
                text(&version["name"])
            );
            let mut schema = version["schema"]["openAPIV3Schema"].clone();
            close(&mut schema);
            be_object(&mut schema);
            (name, schema)
        })
        .collect()
}

/// Forbids what is not named, at every depth that has names; says in JSON Schema what OpenAPI says in words of its own.
fn close(schema: &mut Value) {
    let Some(members) = schema.as_object_mut() else {
        return;
    };
    let is_open = members.get("x-kubernetes-preserve-unknown-fields") == Some(&json!(true));
    if members.contains_key("properties") && !is_open {
        members
            .entry("additionalProperties")
            .or_insert(json!(false));
    }
    if members.get("x-kubernetes-int-or-string") == Some(&json!(true)) {
        members.insert("type".to_owned(), json!(["integer", "string"]));
    }
    // Below `oneOf` and the like stand conditions, which name only what they are about.
    for inner in ["items", "additionalProperties"] {
        members.get_mut(inner).into_iter().for_each(close);
    }
    let properties = members.get_mut("properties").and_then(Value::as_object_mut);
    properties
        .into_iter()
        .flat_map(|named| named.values_mut())
        .for_each(close);
}

/// What every object has, and definitions leave to the API server.
fn be_object(schema: &mut Value) {
    let word = json!({ "type": "string" });
    let words = json!({ "type": "object", "additionalProperties": word });
    schema["properties"]["apiVersion"] = word.clone();
    schema["properties"]["kind"] = word.clone();
    schema["properties"]["metadata"] = json!({
        "type": "object",
        "required": ["name"],
        "additionalProperties": false,
        "properties": {
            "name": word, "namespace": word, "labels": words, "annotations": words,
            "finalizers": { "type": "array", "items": word },
        },
    });
}

#[test]
fn a_schema_is_closed_where_it_has_names() {
    for (written, expected) in [
        (json!({ "type": "object" }), json!({ "type": "object" })),
        (
            json!({ "properties": { "a": { "type": "string" } } }),
            json!({ "properties": { "a": { "type": "string" } }, "additionalProperties": false }),
        ),
        (
            json!({ "items": { "properties": {} }, "oneOf": [{ "properties": {} }] }),
            json!({ "items": { "properties": {}, "additionalProperties": false }, "oneOf": [{ "properties": {} }] }),
        ),
        (
            json!({ "properties": {}, "x-kubernetes-preserve-unknown-fields": true }),
            json!({ "properties": {}, "x-kubernetes-preserve-unknown-fields": true }),
        ),
        (
            json!({ "additionalProperties": { "x-kubernetes-int-or-string": true } }),
            json!({ "additionalProperties": { "x-kubernetes-int-or-string": true, "type": ["integer", "string"] } }),
        ),
    ] {
        let mut schema = written.clone();
        close(&mut schema);
        assert_eq!(schema, expected, "{written}");
    }
}

#[test]
fn only_what_is_served_has_a_schema() {
    let version = |name: &str, served: bool| json!({ "name": name, "served": served, "schema": { "openAPIV3Schema": {} } });
    let definition = json!({ "spec": {
        "group": "example.com", "names": { "kind": "Thing" }, "versions": [version("v1", true), version("v1beta1", false)],
    } });
    let names: Vec<String> = served(&definition)
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["example.com/thing_v1.json"]);
}
