//! The OpenAPI document as clients meet it.

use serde_json::Value;

use crate::fixture::Registry;

const BASES: [&str; 6] = [
    "",
    "/v0.1",
    "/v0",
    "/registry/main",
    "/registry/main/v0.1",
    "/registry/main/v0",
];

#[test]
fn every_base_has_its_document_in_both_forms() {
    let registry = Registry::new();
    for base in BASES {
        let (yaml, json) = (
            registry.get(&format!("{base}/openapi.yaml")),
            registry.get(&format!("{base}/openapi.json")),
        );
        assert_eq!(yaml.header("content-type"), "application/yaml");
        assert_eq!(json.header("content-type"), "application/json");
        let (read, json): (Value, _) = (
            serde_saphyr::from_str(yaml.text()).expect("valid YAML"),
            json.json(),
        );
        assert_eq!(read, json, "{base}");
        assert_eq!(json["info"]["version"], "1.0.0");
        let description = json["info"]["description"].as_str().expect("a description");
        assert!(description.contains("https://github.com/modelcontextprotocol/registry"));
        let url = match base.rsplit_once('/') {
            Some((_, last)) => format!("../{last}"),
            None => ".".to_owned(),
        };
        assert_eq!(json["servers"][0]["url"], url);
        assert!(
            yaml.text().contains("\n  version: \"1.0.0\"\n"),
            "block style"
        );
    }
}

#[test]
fn every_path_of_a_document_answers_there() {
    let registry = Registry::new();
    for base in BASES {
        let document = registry.get(&format!("{base}/openapi.json")).json();
        let paths = document["paths"].as_object().expect("paths");
        assert!(paths.len() >= 9, "{base}");
        for (path, item) in paths {
            let filled = path
                .replace("{serverName}", "io.acme%2Falpha")
                .replace("{version}", "1.0.0");
            let answer = registry.get(&format!("{base}{filled}"));
            assert_eq!(answer.status, 200, "{base} {path}");
            let media = answer.header("content-type");
            assert!(
                item["get"]["responses"]["200"]["content"]
                    .get(media)
                    .is_some(),
                "{base} {path}: {media}"
            );
            for member in required(
                &document,
                &item["get"]["responses"]["200"]["content"][media]["schema"],
            ) {
                assert!(
                    answer.json().get(&member).is_some(),
                    "{path} lacks {member}"
                );
            }
        }
    }
}

/// Members the schema promises at the top.
fn required(document: &Value, schema: &Value) -> Vec<String> {
    let Some(target) = schema["$ref"].as_str() else {
        return Vec::new();
    };
    let schema = document
        .pointer(target.trim_start_matches('#'))
        .expect("a schema");
    let required = schema["required"].as_array().expect("required members");
    required
        .iter()
        .map(|name| name.as_str().expect("a name").to_owned())
        .collect()
}

#[test]
fn statuses_that_are_documented_are_those_that_come() {
    let registry = Registry::new();
    let check = |base: &str, query: &str| {
        let document = registry.get(&format!("{base}/openapi.json")).json();
        let answer = registry.get(&format!("{base}/servers?{query}"));
        let response = &document["paths"]["/servers"]["get"]["responses"][answer.status.as_str()];
        assert!(
            response["content"]
                .get(answer.header("content-type"))
                .is_some(),
            "{base} {query}: {response}"
        );
    };
    for base in ["/v0.1", "/registry/main/v0.1"] {
        check(base, "limit=0");
        check(base, "cursor=x");
        check(base, "limit=5");
    }
    let limit = |base: &str| {
        let document = registry.get(&format!("{base}/openapi.json")).json();
        let parameters = document["paths"]["/servers"]["get"]["parameters"].clone();
        let all = parameters.as_array().expect("parameters").clone();
        all.into_iter()
            .find(|parameter| parameter["name"] == "limit")
            .expect("limit")["schema"]["maximum"]
            .clone()
    };
    assert_eq!(limit("/v0.1"), 100);
    assert_eq!(limit("/registry/main/v0"), 1000);
}
