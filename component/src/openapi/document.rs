//! From the route table to the document.

use super::{
    API_VERSION,
    node::{Node, map},
    schemas,
};
use crate::http::{Answer, DEFAULT_LIMIT, Dialect, Input, Place, Route, Type};
use ::http::StatusCode;

/// Stands where the address of the base belongs.
pub(super) const ADDRESS: &str = "@base";

const DESCRIPTION: &str = "A registry of MCP servers. It implements the API of the official registry, \
    https://github.com/modelcontextprotocol/registry, over the sources its operator has chosen.";

/// The document of a base.
pub(super) fn of(routes: &[&[Route]], dialect: Dialect, versioned: bool) -> Node {
    let at_root = dialect == Dialect::Official && !versioned;
    let paths = routes
        .iter()
        .flat_map(|routes| routes.iter())
        .filter(|route| at_root || route.place != Place::Root)
        .map(|route| {
            (
                route.shown(versioned).into(),
                map([("get", operation(route, dialect))]),
            )
        });
    map([
        ("openapi", "3.1.0".into()),
        (
            "info",
            map([
                ("title", "MCP registry".into()),
                ("version", API_VERSION.into()),
                ("description", DESCRIPTION.into()),
            ]),
        ),
        ("servers", Node::List(vec![map([("url", ADDRESS.into())])])),
        ("paths", Node::Map(paths.collect())),
        ("components", map([("schemas", schemas::all())])),
    ])
}

fn operation(route: &Route, dialect: Dialect) -> Node {
    let mut fields = vec![
        ("operationId".into(), route.id.into()),
        ("summary".into(), route.summary.into()),
    ];
    if !route.inputs.is_empty() {
        let inputs = route
            .inputs
            .iter()
            .map(|input| parameter(route, input, dialect));
        fields.push(("parameters".into(), Node::List(inputs.collect())));
    }
    fields.push(("responses".into(), responses(&route.answer, dialect)));
    Node::Map(fields)
}

fn parameter(route: &Route, input: &Input, dialect: Dialect) -> Node {
    let in_path = route
        .path
        .iter()
        .any(|piece| piece.trim_matches(['{', '}']) == input.name && piece.starts_with('{'));
    map([
        ("name", input.name.into()),
        ("in", if in_path { "path" } else { "query" }.into()),
        ("required", Node::Flag(in_path)),
        ("description", input.description.into()),
        ("schema", schema(input.kind, dialect)),
    ])
}

fn schema(kind: Type, dialect: Dialect) -> Node {
    match kind {
        Type::Text => map([("type", "string".into())]),
        Type::Boolean => map([("type", "boolean".into())]),
        Type::Time => map([("type", "string".into()), ("format", "date-time".into())]),
        Type::Limit => map([
            ("type", "integer".into()),
            ("minimum", Node::Number(1)),
            ("maximum", Node::Number(dialect.most().into())),
            ("default", Node::Number(DEFAULT_LIMIT.into())),
        ]),
    }
}

fn responses(answer: &Answer, dialect: Dialect) -> Node {
    let content = match answer.schema {
        Some(name) => map([("schema", schemas::reference(name))]),
        None => map([("schema", map([]))]),
    };
    let success = map([
        ("description", answer.description.into()),
        ("content", Node::Map(vec![(answer.media.into(), content)])),
    ]);
    let others = answer
        .others
        .iter()
        // Only the official dialect tells what is unreadable from what is out of range.
        .filter(|status| **status != 422 || dialect == Dialect::Official)
        .map(|status| (status.to_string().into(), other(*status, dialect)));
    Node::Map(
        std::iter::once(("200".into(), success))
            .chain(others)
            .collect(),
    )
}

fn other(status: u16, dialect: Dialect) -> Node {
    let reason = StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason());
    let description = ("description", reason.unwrap_or_default().into());
    if status == StatusCode::NOT_MODIFIED {
        return map([description]);
    }
    let media = |name| map([("schema", schemas::reference(name))]);
    let problem = ("application/problem+json", media("Problem"));
    let content = match dialect {
        Dialect::Official => map([problem]),
        Dialect::Toolhive => map([("application/json", media("Error")), problem]),
    };
    map([description, ("content", content)])
}
