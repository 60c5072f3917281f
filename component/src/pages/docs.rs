//! The API of a base, rendered from the route table.

use cairn_registry::{
    ops::{Cx, browse},
    store::Db,
};

use super::html::{self, Escaped};
use crate::{
    MAP,
    http::{Base, Cache, Call, DEFAULT_LIMIT, Dialect, Etag, Place, Reply, Route, Served, Type},
};

pub(crate) async fn docs<D: Db>(cx: Cx<'_, D>, call: &Call<'_>) -> Served {
    if call.base.registry.is_some() {
        browse::require_registry(&cx, call.base.scope()).await?;
    }
    let page = page(call);
    let etag = Etag::of_text(page.as_bytes());
    let reply = Reply::tagged(call, &etag, (html::MEDIA, Cache::Program), || page);
    Ok(html::guarded(reply))
}

fn page(call: &Call<'_>) -> String {
    let base = call.base.to_string();
    let mut body = String::from(
        "<p>A registry of MCP servers, with the API of the \
         <a href=\"https://github.com/modelcontextprotocol/registry\">official registry</a>. For programs: \
         <a href=\"openapi.yaml\">openapi.yaml</a>, <a href=\"openapi.json\">openapi.json</a>. \
         Every route also answers <code>HEAD</code> and <code>OPTIONS</code>.</p>\n",
    );
    let at_root = base.is_empty();
    for route in MAP.iter().flat_map(|routes| routes.iter()) {
        if at_root || route.place != Place::Root {
            body.push_str(&section(route, &call.base));
        }
    }
    let title = match base.as_str() {
        "" => "API".to_owned(),
        base => format!("API of {base}"),
    };
    html::page(&title, &body)
}

fn section(route: &Route, base: &Base<'_>) -> String {
    let answer = &route.answer;
    let others: Vec<String> = answer.others.iter().map(ToString::to_string).collect();
    let mut out = format!(
        "<section id=\"{id}\">\n<h2><code>GET {base}{path}</code></h2>\n<p>{summary}.</p>\n",
        id = route.id,
        base = Escaped(&base.to_string()),
        path = Escaped(&route.shown(!base.version.is_empty())),
        summary = Escaped(route.summary),
    );
    if !route.inputs.is_empty() {
        let rows: Vec<_> = route
            .inputs
            .iter()
            .map(|input| {
                vec![
                    format!("<code>{}</code>", Escaped(input.name)),
                    Escaped(&kind(input.kind, base.dialect())).to_string(),
                    Escaped(input.description).to_string(),
                ]
            })
            .collect();
        out.push_str(&html::table(
            "Parameters",
            &["Parameter", "Type", "Meaning"],
            &rows,
        ));
    }
    out.push_str(&format!(
        "<p>200: {}, <code>{}</code>",
        Escaped(answer.description),
        Escaped(answer.media)
    ));
    if !others.is_empty() {
        out.push_str(&format!(". Otherwise: {}", others.join(", ")));
    }
    out.push_str(".</p>\n</section>\n");
    out
}

fn kind(kind: Type, dialect: Dialect) -> String {
    match kind {
        Type::Text => "text".to_owned(),
        Type::Boolean => "true or false".to_owned(),
        Type::Time => "RFC 3339 timestamp".to_owned(),
        Type::Limit => format!(
            "number from 1 to {}, default {DEFAULT_LIMIT}",
            dialect.most()
        ),
    }
}
