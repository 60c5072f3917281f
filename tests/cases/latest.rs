//! Which version is the latest, for every name of the fixture.

use cairn_tests::{encode, fixture, target};

#[test]
fn every_name_has_the_latest_that_the_fixture_says() {
    for name in fixture::names() {
        let expected = fixture::catalog()
            .iter()
            .find(|record| record.name == name && record.is_latest())
            .expect(name);
        let answer = target().get(&format!(
            "/v0.1/servers/{}/versions/latest?include_deleted=true",
            encode(name)
        ));
        assert_eq!(answer.status, 200, "{name}");
        assert_eq!(
            answer.json()["server"]["version"],
            expected.version.as_str(),
            "{name}"
        );
    }
}

#[test]
fn exactly_one_version_of_a_name_has_the_flag() {
    for name in fixture::names() {
        let target_ = format!("/v0/servers/{}/versions?include_deleted=true", encode(name));
        let list = target().get(&target_).json();
        let flagged: Vec<&str> = list["servers"]
            .as_array()
            .expect("servers")
            .iter()
            .filter(|element| {
                element["_meta"]["io.modelcontextprotocol.registry/official"]["isLatest"] == true
            })
            .map(|element| element["server"]["version"].as_str().expect("a version"))
            .collect();
        assert_eq!(flagged.len(), 1, "{name}: {flagged:?}");
    }
}

#[test]
fn latest_is_the_same_in_a_list_and_by_name() {
    let listed = target()
        .get("/v0.1/servers?limit=100&version=latest")
        .keys();
    for key in &listed {
        let (name, version) = key.split_once(' ').expect("a key");
        let answer = target().get(&format!("/v0.1/servers/{}/versions/latest", encode(name)));
        assert_eq!(answer.json()["server"]["version"], version, "{name}");
    }
    let gone = target().get("/v0.1/servers/com.example%2Fgone/versions/latest");
    assert_eq!(gone.status, 404, "its latest is deleted");
}
