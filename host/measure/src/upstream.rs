//! A v0.1 registry on loopback: the upstream that everything measured was read from.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Result;
use cairn_registry::model::Timestamp;
use http::StatusCode;
use percent_encoding::percent_decode_str;

use crate::{
    listen::{self, Answer, json, status},
    records::Catalog,
};

/// Most records on a page, as the official registry has it.
const MOST: usize = 100;

/// Serves a catalog.
pub(crate) async fn serve(catalog: Arc<Catalog>) -> Result<SocketAddr> {
    listen::listen(move |request| {
        let answer = answer(&catalog, request.uri());
        async move { answer }
    })
    .await
}

fn answer(catalog: &Catalog, uri: &http::Uri) -> Answer {
    if uri.path() != "/v0.1/servers" {
        return status(StatusCode::NOT_FOUND);
    }
    let parameter = |wanted: &str| {
        let pairs = uri.query().unwrap_or_default().split('&');
        pairs
            .filter_map(|pair| pair.split_once('='))
            .find(|(name, _)| *name == wanted)
            .map(|(_, value)| percent_decode_str(value).decode_utf8_lossy())
    };
    let number =
        |name, default| parameter(name).map_or(Some(default), |text| text.parse::<usize>().ok());
    let since = parameter("updated_since").and_then(|text| Timestamp::parse(&text));
    match (number("cursor", 0), number("limit", MOST)) {
        (Some(start), Some(limit)) => json(catalog.page(start, limit.min(MOST), since)),
        _ => status(StatusCode::BAD_REQUEST),
    }
}
