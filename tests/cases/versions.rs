//! The versions of one server.

use cairn_tests::{encode, fixture, target};

/// The versions of a name as they must come: the last published first.
fn expected(name: &str, deleted: bool) -> Vec<String> {
    let mut records: Vec<_> = fixture::catalog()
        .iter()
        .filter(|record| record.name == name && (deleted || !record.is_deleted()))
        .collect();
    records.sort_by_key(|record| std::cmp::Reverse(record.time("publishedAt")));
    records.iter().map(|record| record.key()).collect()
}

#[test]
fn versions_come_the_last_published_first() {
    for base in ["/v0.1", "/registry/default/v0.1"] {
        for name in fixture::names() {
            for (query, deleted) in [("", false), ("?include_deleted=true", true)] {
                let answer =
                    target().get(&format!("{base}/servers/{}/versions{query}", encode(name)));
                let expected = expected(name, deleted);
                if expected.is_empty() {
                    assert_eq!(answer.status, 404, "{name}{query}");
                    continue;
                }
                assert_eq!(answer.keys(), expected, "{name}{query}");
                let metadata = &answer.json()["metadata"];
                assert_eq!(metadata, &serde_json::json!({ "count": expected.len() }));
            }
        }
    }
}

#[test]
fn a_version_is_found_by_its_text_alone() {
    let check = |version: &str, status: u16| {
        let path = format!("/v0.1/servers/com.example%2Fbuild-metadata/versions/{version}");
        assert_eq!(target().get(&path).status, status, "{version}");
    };
    check("1.0.1+build.7", 200);
    check("1.0.1%2Bbuild.7", 200);
    check("1.0.1", 404);
    check("1.0.1+build", 404);
    check("1.0.1+BUILD.7", 404);
    check("v1.0.1+build.7", 404);
    check("Latest", 404);
    check("%6Catest", 200);
}

#[test]
fn an_unknown_server_is_404_and_not_an_empty_list() {
    for base in fixture::BASES {
        for path in [
            "nobody/versions",
            "com.example%2Fnobody/versions",
            "com.example/nobody/versions/latest",
        ] {
            let answer = target().get(&format!("{base}/servers/{path}"));
            assert_eq!(answer.status, 404, "{base} {path}");
        }
    }
}
