//! The routes of this surface.

use crate::{
    Operation,
    http::{Answer, Input, Place, Route, Type},
};

const NAME: Input = Input {
    name: "serverName",
    kind: Type::Text,
    description: "Name of the server, percent-encoded; its slash may also stand as it is",
};

const INCLUDE_DELETED: Input = Input {
    name: "include_deleted",
    kind: Type::Boolean,
    description: "Show deleted records too; false unless updated_since is given",
};

pub(crate) const ROUTES: &[Route] = &[
    Route {
        path: &["servers"],
        place: Place::Versioned,
        operation: Operation::ListServers,
        id: "listServers",
        summary: "List servers by name, then version, a page at a time",
        inputs: &[
            Input {
                name: "cursor",
                kind: Type::Text,
                description: "nextCursor of the page before; it carries search, version and filters",
            },
            Input {
                name: "limit",
                kind: Type::Limit,
                description: "Records on a page",
            },
            Input {
                name: "search",
                kind: Type::Text,
                description: "Part of name, title or description, in any case",
            },
            Input {
                name: "updated_since",
                kind: Type::Time,
                description: "Only what changed after this time, deleted records included",
            },
            Input {
                name: "version",
                kind: Type::Text,
                description: "latest, or an exact version",
            },
            INCLUDE_DELETED,
        ],
        answer: Answer {
            description: "A page of servers",
            media: "application/json",
            schema: Some("ServerList"),
            others: &[304, 400, 404, 422, 503],
        },
    },
    Route {
        path: &["servers", "{serverName}", "versions"],
        place: Place::Versioned,
        operation: Operation::ListServerVersions,
        id: "listServerVersions",
        summary: "List the versions of a server, the last published first",
        inputs: &[NAME, INCLUDE_DELETED],
        answer: Answer {
            description: "All versions of the server",
            media: "application/json",
            schema: Some("ServerList"),
            others: &[304, 400, 404, 503],
        },
    },
    Route {
        path: &["servers", "{serverName}", "versions", "{version}"],
        place: Place::Versioned,
        operation: Operation::GetServerVersion,
        id: "getServerVersion",
        summary: "Get one version of a server",
        inputs: &[
            NAME,
            Input {
                name: "version",
                kind: Type::Text,
                description: "An exact version, percent-encoded, or latest",
            },
            INCLUDE_DELETED,
        ],
        answer: Answer {
            description: "The version",
            media: "application/json",
            schema: Some("ServerResponse"),
            others: &[304, 400, 404, 503],
        },
    },
];
