//! Shapes of the bodies, as far as clients should rely on them.

use super::node::{Node, map, texts};

/// A reference to one of [`all`].
pub(super) fn reference(name: &str) -> Node {
    map([("$ref", format!("#/components/schemas/{name}").into())])
}

pub(super) fn all() -> Node {
    map([
        ("ServerList", server_list()),
        ("ServerResponse", server_response()),
        ("Server", server()),
        ("OfficialMeta", official_meta()),
        ("Overview", overview()),
        (
            "Health",
            object(
                &["status"],
                map([
                    ("status", text("healthy or unhealthy")),
                    ("error", text("Why it is not")),
                ]),
            ),
        ),
        (
            "Pong",
            object(&["pong"], map([("pong", typed("boolean", "Always true"))])),
        ),
        ("Version", version()),
        ("Problem", problem()),
        (
            "Error",
            object(
                &["error"],
                map([("error", text("What is wrong, and what to do instead"))]),
            ),
        ),
    ])
}

fn object(required: &[&'static str], properties: Node) -> Node {
    map([
        ("type", "object".into()),
        ("required", texts(required)),
        ("properties", properties),
    ])
}

fn typed(kind: &'static str, description: &'static str) -> Node {
    map([("type", kind.into()), ("description", description.into())])
}

fn text(description: &'static str) -> Node {
    typed("string", description)
}

fn time(description: &'static str) -> Node {
    map([
        ("type", "string".into()),
        ("format", "date-time".into()),
        ("description", description.into()),
    ])
}

fn list_of(items: Node) -> Node {
    map([("type", "array".into()), ("items", items)])
}

fn anything(kind: &'static str) -> Node {
    map([("type", kind.into())])
}

fn server_list() -> Node {
    let metadata = object(
        &["count"],
        map([
            ("count", typed("integer", "Records on this page")),
            (
                "nextCursor",
                text("Leads to the next page; absent on the last one"),
            ),
        ]),
    );
    object(
        &["servers", "metadata"],
        map([
            ("servers", list_of(reference("ServerResponse"))),
            ("metadata", metadata),
        ]),
    )
}

fn server_response() -> Node {
    let meta = object(
        &["io.modelcontextprotocol.registry/official"],
        map([(
            "io.modelcontextprotocol.registry/official",
            reference("OfficialMeta"),
        )]),
    );
    object(
        &["server", "_meta"],
        map([("server", reference("Server")), ("_meta", meta)]),
    )
}

fn server() -> Node {
    map([
        ("type", "object".into()),
        (
            "description",
            "A server.json, as it came: members that are not listed here are kept. \
             See https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
                .into(),
        ),
        ("required", texts(&["name", "description", "version"])),
        (
            "properties",
            map([
                (
                    "$schema",
                    text("Which schema the document was written against"),
                ),
                ("name", text("Namespace, slash, name")),
                ("title", text("For people")),
                ("description", text("What it does")),
                ("version", text("Semantic where possible")),
                ("websiteUrl", text("Where to read more")),
                ("repository", anything("object")),
                ("icons", list_of(anything("object"))),
                ("packages", list_of(anything("object"))),
                ("remotes", list_of(anything("object"))),
                ("_meta", anything("object")),
            ]),
        ),
        ("additionalProperties", Node::Flag(true)),
    ])
}

fn official_meta() -> Node {
    let status = map([
        ("type", "string".into()),
        ("enum", texts(&["active", "deprecated", "deleted"])),
    ]);
    object(
        &["status", "publishedAt", "updatedAt", "isLatest"],
        map([
            ("status", status),
            ("statusChangedAt", time("When it became so")),
            ("statusMessage", text("Why it became so")),
            ("publishedAt", time("When the version was published")),
            (
                "updatedAt",
                time("When the version was last changed where it comes from"),
            ),
            (
                "isLatest",
                typed("boolean", "Whether it is the latest version of its name"),
            ),
        ]),
    )
}

fn overview() -> Node {
    let registry = object(
        &["name", "url", "records", "names"],
        map([
            ("name", text("Name of the registry")),
            ("url", text("Its base, relative to this one")),
            ("default", typed("boolean", "Whether root bases serve it")),
            (
                "loaded",
                typed("boolean", "Whether all its sources have been read"),
            ),
            ("records", typed("integer", "Versions shown")),
            ("names", typed("integer", "Servers shown")),
        ]),
    );
    let source = object(
        &["name", "phase"],
        map([
            ("name", text("Name of the source")),
            ("phase", text("pending, syncing, complete or failed")),
            ("records", typed("integer", "Versions it has")),
            ("lastSuccess", time("When it was last read")),
        ]),
    );
    object(
        &["name", "version", "registries", "sources"],
        map([
            ("name", text("Name of the default registry")),
            ("version", text("Version of the program")),
            ("registries", list_of(registry)),
            ("sources", list_of(source)),
            ("links", anything("object")),
        ]),
    )
}

fn version() -> Node {
    object(
        &["name", "version"],
        map([
            ("name", text("Name of the program")),
            ("version", text("Version of the program")),
            ("commit", text("What it was built from")),
            ("git_commit", text("The same")),
        ]),
    )
}

fn problem() -> Node {
    let fault = object(
        &["message"],
        map([
            ("message", text("What is wrong with it")),
            ("location", text("Which parameter, such as query.limit")),
            ("value", map([("description", "What was given".into())])),
        ]),
    );
    object(
        &["title", "status", "detail"],
        map([
            ("title", text("Name of the status")),
            ("status", typed("integer", "Status of the response")),
            ("detail", text("What is wrong, and what to do instead")),
            ("errors", list_of(fault)),
            ("error", text("The same as detail")),
        ]),
    )
}
