//! What the component says of itself. Probes and metrics of a whole process are the host's.

use ::http::{StatusCode, header};
use cairn_registry::{
    model::quote,
    ops::{Cx, browse},
    store::Db,
};

use crate::{
    Operation,
    http::{Answer, Call, Place, RETRY_AFTER, Reply, Route, Served, log, program},
};

const JSON: &str = "application/json";

pub(crate) const ROUTES: &[Route] = &[
    Route {
        path: &["health"],
        place: Place::EveryBase,
        operation: Operation::Health,
        id: "getHealth",
        summary: "Whether the registry can answer",
        inputs: &[],
        answer: Answer {
            description: "The store answers",
            media: JSON,
            schema: Some("Health"),
            others: &[503],
        },
    },
    Route {
        path: &["ping"],
        place: Place::EveryBase,
        operation: Operation::Ping,
        id: "ping",
        summary: "Whether anybody is there",
        inputs: &[],
        answer: Answer {
            description: "Somebody is",
            media: JSON,
            schema: Some("Pong"),
            others: &[],
        },
    },
    Route {
        path: &["version"],
        place: Place::EveryBase,
        operation: Operation::Version,
        id: "getVersion",
        summary: "Which program answers",
        inputs: &[],
        answer: Answer {
            description: "Name, version and commit of the program",
            media: JSON,
            schema: Some("Version"),
            others: &[],
        },
    },
];

pub(crate) async fn health<D: Db>(cx: Cx<'_, D>, call: &Call<'_>) -> Served {
    let Err(error) = browse::ping(cx).await else {
        return Ok(Reply::new(StatusCode::OK, JSON, r#"{"status":"healthy"}"#));
    };
    log("unhealthy", &error, call.headers);
    let body = format!(
        r#"{{"status":"unhealthy","error":{}}}"#,
        quote(error.message())
    );
    let reply = Reply::new(StatusCode::SERVICE_UNAVAILABLE, JSON, body);
    Ok(reply.header(header::RETRY_AFTER, RETRY_AFTER))
}

pub(crate) fn ping() -> Reply {
    Reply::new(StatusCode::OK, JSON, r#"{"pong":true}"#)
}

pub(crate) fn version() -> Reply {
    let (name, version) = (quote(program::NAME), quote(program::VERSION));
    let commit = quote(program::COMMIT.unwrap_or("unknown"));
    let body =
        format!(r#"{{"name":{name},"version":{version},"commit":{commit},"git_commit":{commit}}}"#);
    Reply::new(StatusCode::OK, JSON, body)
}
