//! The OpenAPI document at every base: what clients look for in it, and that it tells the truth.

use cairn_tests::{fixture::BASES, resolve, target};
use serde_json::Value;

#[test]
fn both_forms_say_the_same_at_every_base() {
    for base in BASES {
        let yaml = target().get(&format!("{base}/openapi.yaml"));
        let json = target().get(&format!("{base}/openapi.json"));
        assert_eq!(yaml.header("content-type"), "application/yaml", "{base}");
        assert_eq!(json.header("content-type"), "application/json", "{base}");
        let read: Value = serde_saphyr::from_str(yaml.text()).expect("YAML");
        assert_eq!(read, json.json(), "{base}");
        let url = read["servers"][0]["url"].as_str().expect("a url");
        assert!(!url.starts_with('/'), "a prefix survives: {url}");
        let found = match url {
            "." => String::new(),
            url => resolve(&format!("{base}/openapi.yaml"), url),
        };
        assert_eq!(found, *base);
    }
}

#[test]
fn the_two_strings_that_clients_check_are_there() {
    for base in BASES {
        let document = target().get(&format!("{base}/openapi.json")).json();
        assert_eq!(document["info"]["version"], "1.0.0", "{base}");
        let description = document["info"]["description"]
            .as_str()
            .expect("a description");
        assert!(
            description.contains("https://github.com/modelcontextprotocol/registry"),
            "{base}"
        );
    }
}

#[test]
fn every_path_of_a_document_answers_as_it_says() {
    for base in BASES {
        let document = target().get(&format!("{base}/openapi.json")).json();
        let paths = document["paths"].as_object().expect("paths");
        for route in [
            "/servers",
            "/servers/{serverName}/versions",
            "/servers/{serverName}/versions/{version}",
        ] {
            let versioned = format!("/v0.1{route}");
            assert!(
                paths.contains_key(route) || paths.contains_key(&versioned),
                "{base} {route}"
            );
        }
        for (path, item) in paths {
            let filled = path
                .replace("{serverName}", "com.example%2Fzebra")
                .replace("{version}", "1.0.0");
            let answer = target().get(&format!("{base}{filled}"));
            let content = &item["get"]["responses"]["200"]["content"];
            let media = answer.header("content-type");
            let media = media.split(';').next().expect("a type").to_owned();
            assert_eq!(answer.status, 200, "{base} {path}");
            let types: Vec<&String> = content.as_object().expect("content").keys().collect();
            assert!(
                types
                    .iter()
                    .any(|known| known.split(';').next() == Some(&media)),
                "{base} {path} {media} {types:?}"
            );
        }
    }
}

#[test]
fn parameters_and_refusals_are_documented() {
    for (base, most) in [("/v0.1", 100), ("/registry/default/v0.1", 1000)] {
        let document = target().get(&format!("{base}/openapi.json")).json();
        let list = &document["paths"]["/servers"]["get"];
        let parameters = list["parameters"].as_array().expect("parameters");
        let names: Vec<&str> = parameters
            .iter()
            .filter_map(|one| one["name"].as_str())
            .collect();
        for name in [
            "cursor",
            "limit",
            "search",
            "updated_since",
            "version",
            "include_deleted",
        ] {
            assert!(names.contains(&name), "{base} {name}");
        }
        let limit = parameters
            .iter()
            .find(|one| one["name"] == "limit")
            .expect("limit");
        assert_eq!(limit["schema"]["maximum"], most, "{base}");
        assert_eq!(limit["schema"]["default"], 30, "{base}");
        for query in ["limit=0", "cursor=x", "updated_since=x"] {
            let answer = target().get(&format!("{base}/servers?{query}"));
            let said = &list["responses"][answer.status.to_string()]["content"];
            assert!(
                said.get(answer.header("content-type")).is_some(),
                "{base} {query}: {said}"
            );
        }
    }
}
