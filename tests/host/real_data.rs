//! Real records, where they are on this machine: whole registries through the daemon and back over HTTP.

use std::{collections::BTreeMap, env, path::PathBuf};

use cairn_tests::{Installation, Server, encode, fixture::comparable, installation::of_file, raw};
use serde_json::Value;

use crate::conversion;

const OFFICIAL: &str = "io.modelcontextprotocol.registry/official";

/// A file of the real records, or `None` after saying so.
fn real(file: &str) -> Option<PathBuf> {
    let Some(folder) = env::var_os("CAIRN_TEST_DATA").map(PathBuf::from) else {
        println!("not checked: {file}, because CAIRN_TEST_DATA names no folder of real records");
        return None;
    };
    let path = folder.join(file);
    if path.is_file() {
        return Some(path);
    }
    println!("not checked: no {file} in {}", folder.display());
    None
}

fn served(path: &std::path::Path) -> (Installation, Server) {
    let installation = Installation::new(of_file(path));
    installation.sync();
    let server = installation.serve(&["--sync=false"]);
    (installation, server)
}

/// Every element of a registry, page by page, as text.
fn walk(server: &Server) -> Vec<raw::Members> {
    let mut elements = Vec::new();
    let mut target = "/v0.1/servers?limit=100&include_deleted=true".to_owned();
    loop {
        let page = server.public.get(&target);
        assert_eq!(page.status, 200, "{target}");
        elements.extend(raw::servers(page.text()));
        match page.next() {
            Some(next) => target = format!("/v0.1/servers?limit=100&cursor={next}"),
            None => return elements,
        }
    }
}

fn value(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// Name and version of a server.
fn key(server: &Value) -> (String, String) {
    let text = |field: &str| server[field].as_str().expect("a text").to_owned();
    (text("name"), text("version"))
}

#[test]
fn every_record_of_the_official_registry_comes_back_byte_for_byte() {
    let Some(path) = real("mcp-registry/official-2025-12.json") else {
        return;
    };
    let text = std::fs::read_to_string(&path).expect("the records");
    let records = raw::servers(&text);
    assert_eq!(records.len(), 1109);
    let (_installation, server) = served(&path);
    let elements = walk(&server);
    assert_eq!(elements.len(), records.len());
    for (element, record) in elements.iter().zip(&records) {
        let expected = record["server"].get();
        let name = key(&value(expected));
        assert_eq!(
            raw::compact(element["server"].get()),
            raw::compact(expected),
            "{name:?}"
        );
        let (found, expected) = (value(element["_meta"].get()), value(record["_meta"].get()));
        let (found, expected) = (&found[OFFICIAL], &expected[OFFICIAL]);
        for field in ["status", "isLatest"] {
            assert_eq!(found[field], expected[field], "{name:?} {field}");
        }
        for field in ["publishedAt", "updatedAt"] {
            let time = |block: &Value| comparable(block[field].as_str().expect(field));
            assert_eq!(time(found), time(expected), "{name:?} {field}");
        }
    }
}

#[test]
fn latest_is_right_for_every_name_of_the_official_registry() {
    let Some(path) = real("mcp-registry/official-2025-12.json") else {
        return;
    };
    let text = std::fs::read_to_string(&path).expect("the records");
    let mut latest = BTreeMap::new();
    for record in raw::servers(&text) {
        let (name, version) = key(&value(record["server"].get()));
        if value(record["_meta"].get())[OFFICIAL]["isLatest"] == true {
            assert_eq!(latest.insert(name, version), None, "the data itself");
        }
    }
    assert_eq!(latest.len(), 486);
    let (_installation, server) = served(&path);
    for (name, version) in latest {
        let path = format!(
            "/v0.1/servers/{}/versions/latest?include_deleted=true",
            encode(&name)
        );
        let answer = server.public.get(&path);
        assert_eq!(answer.status, 200, "{name}");
        assert_eq!(key(&answer.json()["server"]), (name, version));
    }
}

#[test]
fn every_legacy_server_is_what_the_contract_makes_of_it() {
    let Some(path) = real("toolhive/registry-legacy.json") else {
        return;
    };
    let legacy = value(&std::fs::read_to_string(&path).expect("the records"));
    let mut expected = BTreeMap::new();
    for (list, convert) in [
        ("servers", conversion::image as fn(&str, &Value) -> Value),
        ("remote_servers", conversion::remote),
    ] {
        for (name, entry) in legacy[list].as_object().expect(list) {
            let server = convert(name, entry);
            expected.insert(key(&server), (server, conversion::status(entry)));
        }
    }
    assert_eq!(expected.len(), 102);
    let (_installation, server) = served(&path);
    let elements = walk(&server);
    assert_eq!(elements.len(), expected.len());
    for element in elements {
        let found = value(element["server"].get());
        let (server, status) = &expected[&key(&found)];
        for (field, expected) in server.as_object().expect("an object") {
            assert_eq!(&found[field], expected, "{:?} {field}", key(&found));
        }
        assert_eq!(&found, server, "nothing else");
        let meta = value(element["_meta"].get());
        assert_eq!(meta[OFFICIAL]["status"], *status, "{:?}", key(&found));
        assert_eq!(meta[OFFICIAL]["isLatest"], true);
    }
}

#[test]
fn the_upstream_format_s_servers_come_as_they_stand() {
    let Some(path) = real("toolhive/registry-upstream.json") else {
        return;
    };
    let text = std::fs::read_to_string(&path).expect("the records");
    let data = raw::members(raw::members(&text)["data"].get());
    let expected: BTreeMap<_, _> = raw::elements(data["servers"].get())
        .iter()
        .map(|server| (key(&value(server.get())), raw::compact(server.get())))
        .collect();
    assert_eq!(expected.len(), 12);
    let (_installation, server) = served(&path);
    let found: BTreeMap<_, _> = walk(&server)
        .iter()
        .map(|element| element["server"].get())
        .map(|server| (key(&value(server)), raw::compact(server)))
        .collect();
    assert_eq!(found, expected);
}
