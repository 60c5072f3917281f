//! Deleted records: hidden unless they are asked for.

use cairn_tests::{encode, fixture, target};

#[test]
fn deleted_records_are_shown_to_who_asks_for_them() {
    let all = fixture::keys(|_| true);
    let living = fixture::keys(|record| !record.is_deleted());
    assert!(all.len() > living.len(), "the fixture has deleted records");
    let check = |query: &str, expected: &[String]| {
        let answer = target().get(&format!("/v0.1/servers?limit=100{query}"));
        assert_eq!(answer.keys(), expected, "{query}");
    };
    check("", &living);
    check("&include_deleted=false", &living);
    check("&include_deleted=0", &living);
    check("&include_deleted=true", &all);
    check("&include_deleted=1", &all);
    check("&include_deleted=True", &all);
}

#[test]
fn every_deleted_record_is_hidden_at_its_address_and_there_when_asked_for() {
    for record in fixture::catalog()
        .iter()
        .filter(|record| record.is_deleted())
    {
        let path = format!(
            "/v0.1/servers/{}/versions/{}",
            encode(&record.name),
            encode(&record.version)
        );
        assert_eq!(target().get(&path).status, 404, "{}", record.key());
        let shown = target().get(&format!("{path}?include_deleted=true"));
        assert_eq!(shown.status, 200, "{}", record.key());
        let block = &shown.json()["_meta"]["io.modelcontextprotocol.registry/official"];
        assert_eq!(block["status"], "deleted");
    }
}

#[test]
fn filters_hold_for_deleted_records_too() {
    let answer = target().get("/v0.1/servers?limit=100&version=latest&include_deleted=true");
    assert_eq!(answer.keys(), fixture::keys(fixture::Record::is_latest));
    let answer = target().get("/v0.1/servers?search=pulled&include_deleted=true");
    let expected = fixture::keys(|record| {
        record.name.contains("pulled") || record.description.contains("pulled")
    });
    assert_eq!(answer.keys(), expected);
}
