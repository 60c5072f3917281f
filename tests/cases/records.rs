//! What is in an element: the record as it came, and the official block beside it.

use cairn_tests::{encode, fixture, raw, target};
use serde_json::Value;

const OFFICIAL: &str = "io.modelcontextprotocol.registry/official";

#[test]
fn a_record_comes_back_as_it_stands_in_its_source() {
    let answer = target().get("/registry/default/v0.1/servers?limit=1000&include_deleted=true");
    let served = raw::servers(answer.text());
    assert_eq!(served.len(), fixture::catalog().len());
    for (element, record) in served.iter().zip(fixture::catalog()) {
        let server = raw::compact(element["server"].get());
        assert_eq!(server, record.server, "{}", record.key());
    }
}

#[test]
fn the_official_block_has_upstream_s_values() {
    let answer = target().get("/registry/default/v0.1/servers?limit=1000&include_deleted=true");
    let list = answer.json();
    let elements = list["servers"].as_array().expect("servers");
    for (element, record) in elements.iter().zip(fixture::catalog()) {
        let block = &element["_meta"][OFFICIAL];
        for field in ["status", "isLatest", "statusMessage"] {
            assert_eq!(
                block[field],
                record.official[field],
                "{} {field}",
                record.key()
            );
        }
        for field in ["publishedAt", "updatedAt", "statusChangedAt"] {
            let time = block[field].as_str().expect(field);
            let time = fixture::comparable(time);
            assert_eq!(time, record.time(field), "{} {field}", record.key());
        }
    }
}

#[test]
fn one_version_is_the_element_of_the_list() {
    let list = target().get("/v0.1/servers?limit=100&include_deleted=true");
    let listed = raw::servers(list.text());
    for (element, record) in listed.iter().zip(fixture::catalog()) {
        let (name, version) = (encode(&record.name), encode(&record.version));
        let one = target().get(&format!(
            "/v0.1/servers/{name}/versions/{version}?include_deleted=true"
        ));
        assert_eq!(one.status, 200, "{}", record.key());
        let one = raw::members(one.text());
        assert_eq!(one.len(), 2, "{}", record.key());
        for member in ["server", "_meta"] {
            assert_eq!(one[member].get(), element[member].get(), "{}", record.key());
        }
    }
}

#[test]
fn where_a_record_is_from_stands_under_a_key_of_our_own() {
    let list = target().get("/v0.1/servers?limit=1").json();
    let meta = list["servers"][0]["_meta"]
        .as_object()
        .expect("_meta")
        .clone();
    let others: Vec<&String> = meta.keys().filter(|key| *key != OFFICIAL).collect();
    assert_eq!(others, ["cairn/origin"]);
    assert!(matches!(meta["cairn/origin"]["source"], Value::String(_)));
}
