//! The OpenAPI document of every base, made from the route table. Clients look for two strings in it before they talk
//! to a registry: `info.version` 1.0.0, and the address of the official registry's project in the description.

mod document;
mod node;
mod schemas;

use std::sync::OnceLock;

use cairn_registry::{
    model::{Digest, quote},
    ops::{Cx, browse},
    store::Db,
};

use crate::{
    Operation,
    http::{Answer, Cache, Call, Dialect, Etag, Place, Reply, Route, Served},
};

/// `info.version` of the document, by which clients recognise the API.
const API_VERSION: &str = "1.0.0";

const YAML: &str = "application/yaml";
const JSON: &str = "application/json";

pub(crate) const ROUTES: &[Route] = &[
    Route {
        path: &["openapi.yaml"],
        place: Place::EveryBase,
        operation: Operation::OpenapiYaml,
        id: "getOpenapiYaml",
        summary: "This document, as YAML",
        inputs: &[],
        answer: Answer {
            description: "OpenAPI 3.1",
            media: YAML,
            schema: None,
            others: &[304],
        },
    },
    Route {
        path: &["openapi.json"],
        place: Place::EveryBase,
        operation: Operation::OpenapiJson,
        id: "getOpenapiJson",
        summary: "This document, as JSON",
        inputs: &[],
        answer: Answer {
            description: "OpenAPI 3.1",
            media: JSON,
            schema: None,
            others: &[304],
        },
    },
];

/// What a document depends on besides the address of its base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Form {
    dialect: Dialect,
    /// Whether the base has a version; else paths begin with one.
    versioned: bool,
    yaml: bool,
}

/// A document cut where the address of its base belongs.
#[derive(Debug)]
struct Text {
    head: String,
    tail: String,
    digest: String,
}

/// One per form, made when it is first asked for.
static TEXTS: [OnceLock<Text>; 8] = [const { OnceLock::new() }; 8];

pub(crate) async fn yaml<D: Db>(cx: Cx<'_, D>, call: &Call<'_>) -> Served {
    serve(cx, call, YAML).await
}

pub(crate) async fn json<D: Db>(cx: Cx<'_, D>, call: &Call<'_>) -> Served {
    serve(cx, call, JSON).await
}

async fn serve<D: Db>(cx: Cx<'_, D>, call: &Call<'_>, media: &'static str) -> Served {
    if call.base.registry.is_some() {
        browse::require_registry(&cx, call.base.scope()).await?;
    }
    let form = Form {
        dialect: call.base.dialect(),
        versioned: !call.base.version.is_empty(),
        yaml: media == YAML,
    };
    let fresh;
    let text = match TEXTS.get(form.slot()) {
        Some(kept) => kept.get_or_init(|| form.text()),
        None => {
            fresh = form.text();
            &fresh
        }
    };
    let base = address(&call.base.to_string());
    let etag = Etag::of("openapi", &text.digest, &base);
    Ok(Reply::tagged(call, &etag, (media, Cache::Program), || {
        [text.head.as_str(), &base, &text.tail].concat()
    }))
}

/// A base as the address in the document: relative to the document below it, so that it holds behind any proxy.
fn address(base: &str) -> String {
    match base.rsplit_once('/') {
        Some((_, last)) => quote(&format!("../{last}")),
        None => quote("."),
    }
}

impl Form {
    fn slot(self) -> usize {
        let bits = [self.dialect == Dialect::Toolhive, self.versioned, self.yaml];
        bits.into_iter()
            .fold(0, |slot, bit| 2 * slot + usize::from(bit))
    }

    fn text(self) -> Text {
        let document = document::of(&crate::MAP, self.dialect, self.versioned);
        let text = if self.yaml {
            document.yaml()
        } else {
            document.json()
        };
        let (head, tail) = text
            .split_once(&quote(document::ADDRESS))
            .unwrap_or((&text, ""));
        Text {
            head: head.to_owned(),
            tail: tail.to_owned(),
            digest: Digest::of([text.as_bytes()]).to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::MAP;

    const FORMS: [(Dialect, bool); 4] = [
        (Dialect::Official, false),
        (Dialect::Official, true),
        (Dialect::Toolhive, false),
        (Dialect::Toolhive, true),
    ];

    fn whole(form: Form) -> String {
        let text = form.text();
        [text.head.as_str(), &address("/base"), &text.tail].concat()
    }

    fn read(dialect: Dialect, versioned: bool) -> Value {
        serde_json::from_str(&whole(Form {
            dialect,
            versioned,
            yaml: false,
        }))
        .expect("valid JSON")
    }

    #[test]
    fn yaml_and_json_are_the_same_document() {
        for (dialect, versioned) in FORMS {
            let yaml = whole(Form {
                dialect,
                versioned,
                yaml: true,
            });
            let found: Value = serde_saphyr::from_str(&yaml).expect("valid YAML");
            assert_eq!(found, read(dialect, versioned));
            assert_eq!(found["servers"][0]["url"], "../base");
            assert_eq!(found["info"]["version"], "1.0.0");
            let description = found["info"]["description"]
                .as_str()
                .expect("a description");
            assert!(description.contains("https://github.com/modelcontextprotocol/registry"));
        }
    }

    #[test]
    fn forms_do_not_share_a_slot() {
        let slots = FORMS.iter().flat_map(|&(dialect, versioned)| {
            [true, false].map(|yaml| {
                Form {
                    dialect,
                    versioned,
                    yaml,
                }
                .slot()
            })
        });
        let mut slots: Vec<_> = slots.collect();
        slots.sort_unstable();
        assert_eq!(slots, (0..TEXTS.len()).collect::<Vec<_>>());
    }

    #[test]
    fn every_route_is_described_and_nothing_else() {
        for (dialect, versioned) in FORMS {
            let document = read(dialect, versioned);
            let paths = document["paths"].as_object().expect("paths");
            let at_root = dialect == Dialect::Official && !versioned;
            let routes = MAP.iter().flat_map(|routes| routes.iter());
            let mut count = 0;
            for route in routes.filter(|route| at_root || route.place != Place::Root) {
                count += 1;
                let prefix = match route.place {
                    Place::Versioned if !versioned => "/v0.1",
                    _ => "",
                };
                let operation = &paths[&format!("{prefix}/{}", route.path.join("/"))]["get"];
                assert_eq!(operation["operationId"], route.id);
                let names = operation["parameters"].as_array().map_or(0, Vec::len);
                assert_eq!(names, route.inputs.len(), "{}", route.id);
                for piece in route.path.iter().filter(|piece| piece.starts_with('{')) {
                    let name = piece.trim_matches(['{', '}']);
                    assert!(
                        route.inputs.iter().any(|input| input.name == name),
                        "{name}"
                    );
                }
            }
            assert_eq!(paths.len(), count);
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn walk(node: &Value, document: &Value) {
            match node {
                Value::Object(fields) => {
                    if let Some(Value::String(target)) = fields.get("$ref") {
                        let pointer = target.strip_prefix('#').expect("a local reference");
                        assert!(document.pointer(pointer).is_some(), "{target}");
                    }
                    fields.values().for_each(|field| walk(field, document));
                }
                Value::Array(items) => items.iter().for_each(|item| walk(item, document)),
                _ => {}
            }
        }
        for (dialect, versioned) in FORMS {
            let document = read(dialect, versioned);
            walk(&document, &document);
        }
    }
}
