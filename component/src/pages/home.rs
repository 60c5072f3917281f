//! The root: what is served, how it is doing, and things to try.

use ::http::{HeaderValue, StatusCode, header};
use cairn_registry::{
    kinds::Kind,
    model::quote,
    ops::{
        Cx,
        browse::{self, Overview, Query, Registry, Scope, Source},
    },
    store::Db,
};

use super::html::{self, Escaped};
use crate::http::{Call, Origin, Reply, Served, accepts, encode, program};

/// A page for who asks for one, JSON for everybody else. Nobody keeps it: it counts, and it names the host it was asked at.
pub(crate) async fn home<D: Db>(cx: Cx<'_, D>, call: &Call<'_>) -> Served {
    let overview = browse::overview(cx).await?;
    let reply = if accepts(call.headers, "text/html") {
        let example = example(cx).await?;
        let page = page(&overview, &Origin::of(call), &example);
        html::guarded(Reply::new(StatusCode::OK, html::MEDIA, page))
    } else {
        Reply::new(StatusCode::OK, "application/json", json(&overview))
    };
    Ok(reply.header(header::VARY, HeaderValue::from_static("Accept")))
}

/// The name of a server there is, if there is one.
async fn example<D: Db>(cx: Cx<'_, D>) -> Result<String, cairn_registry::Error> {
    let query = Query {
        limit: 1,
        ..Query::default()
    };
    let page = browse::list(cx, Scope::Default, Kind::Server, query).await?;
    let first = page.records.positions().into_iter().next();
    Ok(first.map_or_else(|| "io.example/server".to_owned(), |first| first.name))
}

/// The name of the default registry.
fn name(overview: &Overview) -> &str {
    let first = overview.registries.first();
    first.map_or(program::NAME, |registry| &registry.name)
}

fn json(overview: &Overview) -> String {
    let registries: Vec<_> = overview.registries.iter().map(registry_json).collect();
    let sources: Vec<_> = overview.sources.iter().map(source_json).collect();
    format!(
        r#"{{"name":{},"version":{},"registries":[{}],"sources":[{}],"links":{{"servers":"v0.1/servers","openapi":"openapi.yaml","docs":"docs","health":"health"}}}}"#,
        quote(name(overview)),
        quote(program::VERSION),
        registries.join(","),
        sources.join(","),
    )
}

fn registry_json(registry: &Registry) -> String {
    format!(
        r#"{{"name":{},"url":{},"default":{},"loaded":{},"records":{},"names":{}}}"#,
        quote(&registry.name),
        quote(&url(&registry.name)),
        registry.is_default,
        registry.loaded,
        registry.records,
        registry.names,
    )
}

/// What a source says of its last attempt may hold addresses and is not for everybody.
fn source_json(source: &Source) -> String {
    let success = source
        .last_success_at
        .map(|time| format!(r#","lastSuccess":"{time}""#));
    let held = match source.held_removals {
        0 => String::new(),
        held => format!(r#","heldRemovals":{held}"#),
    };
    format!(
        r#"{{"name":{},"phase":{},"records":{}{}{held}}}"#,
        quote(&source.name),
        quote(&source.phase),
        source.records,
        success.unwrap_or_default(),
    )
}

/// Relative to the root, as every link here: a prefix that a proxy has cut off stays.
fn url(registry: &str) -> String {
    format!("registry/{}/v0.1", encode(registry))
}

fn page(overview: &Overview, origin: &Origin, example: &str) -> String {
    let registries: Vec<_> = overview.registries.iter().map(registry_row).collect();
    let sources: Vec<_> = overview.sources.iter().map(source_row).collect();
    let mut body = format!(
        "<p>A registry of MCP servers, served by {} {}.</p>\n<h2>Registries</h2>\n",
        program::NAME,
        program::VERSION
    );
    let head = ["Registry", "Servers", "Versions", "State"];
    body.push_str(&html::table("Registries", &head, &registries));
    body.push_str("<h2>Sources</h2>\n");
    let head = ["Source", "Versions", "State", "Last read"];
    body.push_str(&html::table("Sources", &head, &sources));
    body.push_str(&things_to_try(origin, example));
    html::page(name(overview), &body)
}

fn registry_row(registry: &Registry) -> Vec<String> {
    vec![
        format!(
            "<a href=\"{}/servers\">{}</a>",
            Escaped(&url(&registry.name)),
            Escaped(&registry.name)
        ),
        registry.names.to_string(),
        registry.records.to_string(),
        if registry.loaded {
            "complete"
        } else {
            "loading"
        }
        .to_owned(),
    ]
}

fn source_row(source: &Source) -> Vec<String> {
    let success = source.last_success_at.map(|time| time.to_string());
    vec![
        Escaped(&source.name).to_string(),
        source.records.to_string(),
        state(source),
        success.unwrap_or_else(|| "never".to_owned()),
    ]
}

fn state(source: &Source) -> String {
    let phase = Escaped(&source.phase);
    match source.held_removals {
        0 => phase.to_string(),
        held => format!("{phase}: {held} removals wait for another reading"),
    }
}

fn things_to_try(origin: &Origin, example: &str) -> String {
    let note = match origin {
        Origin::Known(_) => "",
        Origin::Unknown => {
            "<p><code>https://ADDRESS</code> stands for the address of this page: it came through a proxy, which is not \
             named in <code>server.trustedProxies</code>.</p>\n"
        }
    };
    let origin = origin.to_string();
    let origin = Escaped(&origin);
    let example = encode(example);
    format!(
        "<h2>Try it</h2>\n{note}\
         <pre>curl '{origin}/v0.1/servers?limit=3'\n\
         curl '{origin}/v0.1/servers?search=git&amp;version=latest'\n\
         curl '{origin}/v0.1/servers/{example}/versions/latest'</pre>\n\
         <h2>VS Code</h2>\n<p>In <code>settings.json</code>:</p>\n\
         <pre>\"chat.mcp.gallery.serviceUrl\": \"{origin}\"</pre>\n\
         <h2>More</h2>\n<ul>\n\
         <li><a href=\"docs\">The API, for people</a></li>\n\
         <li><a href=\"openapi.yaml\">The API, for programs</a></li>\n\
         <li><a href=\"health\">Health</a></li>\n</ul>\n"
    )
}
