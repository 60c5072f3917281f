//! All real records, where they are present: against rules written down a second time, over plain JSON values.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::{
    super::{Expected, Item, Reading, read},
    legacy::convert,
};

/// A file of the real records, or `None` after saying so.
fn real(file: &str) -> Option<String> {
    let Some(data) = std::env::var_os("CAIRN_TEST_DATA").map(PathBuf::from) else {
        println!("not checked: {file}, because CAIRN_TEST_DATA names no folder of real records");
        return None;
    };
    let text = std::fs::read_to_string(data.join(file)).ok();
    if text.is_none() {
        println!("not checked: no {file} in {}", data.display());
    }
    text
}

#[test]
fn every_real_record_of_a_list_comes_as_it_stands() {
    let files = [
        ("mcp-registry/official-2025-12.json", "/servers", 1109),
        ("toolhive/registry-upstream.json", "/data/servers", 12),
    ];
    for (file, path, count) in files {
        let Some(text) = real(file) else { continue };
        let whole: Value = serde_json::from_str(&text).expect("JSON");
        let elements = whole
            .pointer(path)
            .and_then(Value::as_array)
            .expect("an array");
        let mut found = 0;
        let reading = Reading {
            expected: Expected::Any,
            max_record_size: 1 << 20,
            prefix: "",
        };
        let summary = read(text.as_bytes(), reading, &mut |item| {
            let Item::Record(record) = item else {
                panic!("{item:?}")
            };
            let element = &elements[found];
            let server = element.get("server").unwrap_or(element);
            let document = str::from_utf8(&record.document).expect("UTF-8");
            assert!(
                text.contains(document),
                "{}: not as it stood",
                record.position
            );
            assert_eq!(
                serde_json::from_str::<Value>(document).expect("JSON"),
                *server
            );
            let official = record
                .official
                .map(|raw| serde_json::from_str::<Value>(raw.get()).expect("JSON"));
            let key = "io.modelcontextprotocol.registry/official";
            assert_eq!(
                official.as_ref(),
                element["_meta"].get(key),
                "{}",
                record.position
            );
            found += 1;
            std::ops::ControlFlow::Continue(())
        });
        assert_eq!(
            (found, summary.expect("whole").records),
            (count, count as u64),
            "{file}"
        );
    }
}

fn inputs(list: &Value) -> Value {
    let renamed = |key: &str| match key {
        "required" => "isRequired".to_owned(),
        "secret" => "isSecret".to_owned(),
        other => other.to_owned(),
    };
    let input = |value: &Value| -> Value {
        let members = value.as_object().expect("an object");
        members
            .iter()
            .map(|(key, value)| (renamed(key), value.clone()))
            .collect()
    };
    list.as_array()
        .expect("an array")
        .iter()
        .map(input)
        .collect()
}

/// The rules once more, over plain JSON values.
fn oracle(map: &str, key: &str, entry: &Map<String, Value>) -> Value {
    let image = map == "servers";
    let place = &entry[if image { "image" } else { "url" }];
    let mut server = json!({
        "$schema": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
        "name": format!("io.github.stacklok/{key}"),
        "version": "1.0.0",
    });
    for same in ["title", "description"] {
        if let Some(value) = entry.get(same) {
            server[same] = value.clone();
        }
    }
    if let Some(url) = entry.get("repository_url").filter(|url| *url != "") {
        server["repository"] = json!({"url": url, "source": "github"});
    }
    let transport = entry.get("transport").cloned().unwrap_or(json!("stdio"));
    let mut placed = vec!["title", "description", "repository_url", "transport"];
    if image {
        let mut package =
            json!({"registryType": "oci", "identifier": place, "transport": {"type": transport}});
        if transport != "stdio" {
            let port = entry
                .get("target_port")
                .map_or(String::new(), |port| format!(":{port}"));
            package["transport"]["url"] = json!(format!("http://localhost{port}"));
        }
        if let Some(list) = entry.get("env_vars") {
            package["environmentVariables"] = inputs(list);
        }
        server["packages"] = json!([package]);
        placed.extend(["image", "target_port", "env_vars"]);
    } else {
        let mut remote = json!({"type": transport, "url": place});
        if let Some(list) = entry.get("headers") {
            remote["headers"] = inputs(list);
        }
        server["remotes"] = json!([remote]);
        placed.extend(["url", "headers"]);
    }
    let mut rest: Map<String, Value> = entry.clone();
    rest.retain(|key, _| !placed.contains(&key.as_str()));
    rest.entry("status").or_insert(json!("active"));
    let place = place.as_str().expect("text");
    server["_meta"] = json!({"io.modelcontextprotocol.registry/publisher-provided": {"io.github.stacklok": {place: rest}}});
    server
}

#[test]
fn every_real_entry_equals_the_rules_field_by_field() {
    let Some(text) = real("toolhive/registry-legacy.json") else {
        return;
    };
    let whole: Value = serde_json::from_str(&text).expect("JSON");
    let mut found = 0;
    for item in convert(&text) {
        let Item::Record(record) = item else {
            panic!("{item:?}")
        };
        let (map, key) = record.position.split_once('.').expect("map and key");
        let entry = whole[map][key].as_object().expect("an entry");
        let document: Value = serde_json::from_slice(&record.document).expect("JSON");
        assert_eq!(document, oracle(map, key, entry), "{}", record.position);
        let deprecated = entry["status"] == "Deprecated";
        let status = if deprecated { "deprecated" } else { "active" };
        assert_eq!(
            record.official.expect("a block").get(),
            format!(r#"{{"status":"{status}"}}"#)
        );
        found += 1;
    }
    assert_eq!(found, 102);
}
