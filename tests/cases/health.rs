//! What the registry says of itself under each of its bases.

use cairn_tests::{fixture::BASES, target};

#[test]
fn every_base_is_healthy_answers_pings_and_names_the_program() {
    for base in BASES {
        let json = |path: &str| {
            let answer = target().get(&format!("{base}{path}"));
            assert_eq!(answer.status, 200, "{base}{path}");
            assert_eq!(answer.header("content-type"), "application/json");
            answer.json()
        };
        assert_eq!(json("/health")["status"], "healthy");
        assert_eq!(json("/ping")["pong"], true);
        let version = json("/version");
        for field in ["version", "commit"] {
            assert!(
                version[field].as_str().is_some_and(|text| !text.is_empty()),
                "{version}"
            );
        }
        assert!(
            version["version"]
                .as_str()
                .is_some_and(|text| text.split('.').count() == 3)
        );
    }
}

#[test]
fn an_unknown_registry_has_no_list_and_no_document() {
    for path in [
        "servers",
        "v0.1/servers",
        "v0/servers/a%2Fb/versions",
        "openapi.yaml",
        "v0.1/openapi.json",
        "docs",
    ] {
        let answer = target().get(&format!("/registry/unknown/{path}"));
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.text(), r#"{"error":"registry not found"}"#, "{path}");
    }
}
