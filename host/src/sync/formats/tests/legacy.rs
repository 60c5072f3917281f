//! The conversion of the legacy form, entry by entry.

use std::ops::ControlFlow;

use serde_json::{Value, json};

use super::super::{Expected, Item, RawRecord, Reading, read};
use crate::config::model::Format;

pub(super) fn convert(text: &str) -> Vec<Item> {
    let mut items = Vec::new();
    let reading = Reading {
        expected: Expected::Named(Format::Toolhive),
        max_record_size: 1 << 20,
        prefix: "",
    };
    let result = read(text.as_bytes(), reading, &mut |item| {
        items.push(item);
        ControlFlow::Continue(())
    });
    assert!(result.is_ok(), "{text}: {result:?}");
    items
}

fn one(text: &str) -> RawRecord {
    match convert(text).pop() {
        Some(Item::Record(record)) => record,
        other => panic!("{text}: {other:?}"),
    }
}

fn document(map: &str, key: &str, entry: &str) -> String {
    let record = one(&format!(r#"{{"{map}":{{"{key}":{entry}}}}}"#));
    String::from_utf8(record.document).expect("UTF-8")
}

#[test]
fn an_image_becomes_a_package_with_every_field_in_its_place() {
    let entry = r#"{"tags":["a", "b"],"image":"ghcr.io/x/y:2","title":"T","description":"D","status":"Active",
        "repository_url":"https://example.org/r","transport":"sse","target_port":8000,
        "env_vars":[{"secret":true,"name":"K","required":false,"default":"v","description":"d","choices":["v"],"x":1.0}],
        "metadata":{"stars":1.50},"unheard_of":{ "z":1, "a":2 }}"#;
    let expected = concat!(
        r#"{"$schema":"https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json","#,
        r#""name":"io.github.stacklok/k","title":"T","description":"D","#,
        r#""repository":{"url":"https://example.org/r","source":"github"},"version":"1.0.0","#,
        r#""packages":[{"registryType":"oci","identifier":"ghcr.io/x/y:2","#,
        r#""transport":{"type":"sse","url":"http://localhost:8000"},"environmentVariables":[{"name":"K","#,
        r#""description":"d","isRequired":false,"isSecret":true,"default":"v","choices":["v"],"x":1.0}]}],"#,
        r#""_meta":{"io.modelcontextprotocol.registry/publisher-provided":{"io.github.stacklok":{"ghcr.io/x/y:2":"#,
        r#"{"metadata":{"stars":1.50},"status":"Active","tags":["a", "b"],"unheard_of":{ "z":1, "a":2 }}}}}}"#,
    );
    assert_eq!(document("servers", "k", entry), expected);
}

#[test]
fn a_remote_keeps_what_has_no_place_in_server_json() {
    let entry = r#"{"url":"https://r.example/mcp","transport":"streamable-http","description":"D",
        "headers":[{"name":"X","required":true,"choices":["a"]}],"oauth_config":{"scopes":["s"]},
        "env_vars":[{"name":"E"}],"image":"i","target_port":1}"#;
    let expected = concat!(
        r#"{"$schema":"https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json","#,
        r#""name":"io.github.stacklok/k","description":"D","version":"1.0.0","#,
        r#""remotes":[{"type":"streamable-http","url":"https://r.example/mcp","#,
        r#""headers":[{"name":"X","isRequired":true,"choices":["a"]}]}],"#,
        r#""_meta":{"io.modelcontextprotocol.registry/publisher-provided":{"io.github.stacklok":{"#,
        r#""https://r.example/mcp":{"env_vars":[{"name":"E"}],"image":"i","oauth_config":{"scopes":["s"]},"#,
        r#""status":"active","target_port":1}}}}}"#,
    );
    assert_eq!(document("remote_servers", "k", entry), expected);
}

#[test]
fn the_name_is_the_entrys_own_when_it_is_a_full_one() {
    for (key, own, name) in [
        ("k", "", "io.github.stacklok/k"),
        ("k", r#","name":"org.example/own""#, "org.example/own"),
        ("k", r#","name":"other""#, "io.github.stacklok/k"),
        ("k", r#","name":"k""#, "io.github.stacklok/k"),
        ("k", r#","name":7"#, "io.github.stacklok/k"),
        ("org.example/k", "", "org.example/k"),
    ] {
        let text = document("servers", key, &format!(r#"{{"image":"i"{own}}}"#));
        let value: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(value["name"], name, "{key} {own}");
        let rest = &value["_meta"]["io.modelcontextprotocol.registry/publisher-provided"]["io.github.stacklok"]
            ["i"];
        let kept = matches!(own, r#","name":"other""# | r#","name":7"#);
        assert_eq!(
            rest.get("name").is_some(),
            kept,
            "{key} {own}: a name that is not used is kept"
        );
    }
}

#[test]
fn the_transport_of_an_image_has_an_address_only_over_http() {
    for (entry, expected, kept) in [
        (r#""x":1"#, json!({"type": "stdio"}), None),
        (r#""transport":null"#, json!({"type": "stdio"}), None),
        (
            r#""transport":"stdio","target_port":80"#,
            json!({"type": "stdio"}),
            Some("target_port"),
        ),
        (
            r#""transport":"streamable-http""#,
            json!({"type": "streamable-http", "url": "http://localhost"}),
            None,
        ),
        (
            r#""transport":"sse","target_port":80"#,
            json!({"type": "sse", "url": "http://localhost:80"}),
            None,
        ),
        (
            r#""transport":"sse","target_port":0"#,
            json!({"type": "sse", "url": "http://localhost"}),
            None,
        ),
        (
            r#""transport":"sse","target_port":"80""#,
            json!({"type": "sse", "url": "http://localhost"}),
            Some("target_port"),
        ),
        (
            r#""transport":"sse","target_port":70000"#,
            json!({"type": "sse", "url": "http://localhost"}),
            Some("target_port"),
        ),
        (
            r#""transport":"carrier-pigeon""#,
            json!({"type": "carrier-pigeon"}),
            None,
        ),
        (
            r#""transport":["sse"]"#,
            json!({"type": "stdio"}),
            Some("transport"),
        ),
    ] {
        let text = document("servers", "k", &format!(r#"{{"image":"i",{entry}}}"#));
        let value: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(value["packages"][0]["transport"], expected, "{entry}");
        let rest = &value["_meta"]["io.modelcontextprotocol.registry/publisher-provided"]["io.github.stacklok"]
            ["i"];
        for key in ["target_port", "transport"] {
            assert_eq!(rest.get(key).is_some(), kept == Some(key), "{entry}: {key}");
        }
    }
}

#[test]
fn a_value_that_fits_no_place_is_kept_and_an_empty_one_is_left_out() {
    for (field, kept) in [
        (r#""repository_url":"""#, false),
        (r#""repository_url":null"#, false),
        (r#""repository_url":["a"]"#, true),
        (r#""env_vars":[]"#, false),
        (r#""env_vars":null"#, false),
        (r#""env_vars":{"A":"b"}"#, true),
        (r#""env_vars":["A=b"]"#, true),
        (r#""tier":null"#, true),
    ] {
        let text = document("servers", "k", &format!(r#"{{"image":"i",{field}}}"#));
        assert_eq!(text.contains(field), kept, "{field}: {text}");
        assert!(
            !text.contains("environmentVariables") && !text.contains(r#""repository""#),
            "{text}"
        );
    }
}

#[test]
fn a_deprecated_entry_is_deprecated_officially_and_keeps_its_own_word() {
    for (status, official, word) in [
        (
            r#","status":"Deprecated""#,
            "deprecated",
            json!("Deprecated"),
        ),
        (
            r#","status":"deprecated""#,
            "deprecated",
            json!("deprecated"),
        ),
        (r#","status":"Active""#, "active", json!("Active")),
        ("", "active", json!("active")),
        (r#","status":null"#, "active", json!("active")),
        (r#","status":3"#, "active", json!(3)),
    ] {
        let record = one(&format!(
            r#"{{"remote_servers":{{"k":{{"url":"u"{status}}}}}}}"#
        ));
        assert_eq!(
            record.official.expect("a block").get(),
            format!(r#"{{"status":"{official}"}}"#)
        );
        let value: Value = serde_json::from_slice(&record.document).expect("JSON");
        let rest = &value["_meta"]["io.modelcontextprotocol.registry/publisher-provided"]["io.github.stacklok"]
            ["u"];
        assert_eq!(rest["status"], word, "{status}");
    }
}

#[test]
fn entries_that_cannot_be_converted_are_rejected_by_their_names() {
    for (map, entry, expected) in [
        ("servers", "7", "not an object"),
        ("servers", "{}", "the entry has no `image`"),
        ("servers", r#"{"image":""}"#, "the entry has no `image`"),
        (
            "servers",
            r#"{"image":1,"url":"u"}"#,
            "the entry has no `image`",
        ),
        (
            "remote_servers",
            r#"{"image":"i"}"#,
            "the entry has no `url`",
        ),
    ] {
        let text = format!(r#"{{"{map}":{{"bad":{entry},"good":{{"image":"i","url":"u"}}}}}}"#);
        match convert(&text).as_slice() {
            [
                Item::Rejected {
                    position,
                    name,
                    reason,
                },
                Item::Record(_),
            ] => {
                assert_eq!(
                    (position.as_str(), name.as_deref()),
                    (&*format!("{map}.bad"), Some("io.github.stacklok/bad"))
                );
                assert!(reason.contains(expected), "{reason}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
    assert!(matches!(
        convert(r#"{"servers":{"":{"image":"i"}}}"#)[..],
        [Item::Rejected { .. }]
    ));
}
