//! A component that misbehaves on request: what the host's limits, imports and cache are tested with. It must not be
//! imitated; everything here is something a host has to survive.
#![cfg(target_family = "wasm")]
#![expect(clippy::panic, reason = "misbehaving is what it is for")]

mod store;

use std::{
    collections::HashMap,
    fmt::Write,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use bytes::Bytes;
use futures_util::SinkExt;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use spin_sdk::{
    http::{Request as Incoming, body},
    http_service,
    pg::wit::postgres as pg,
    sqlite::wit::sqlite::{Connection, QueryResult, Value},
};

type Body = UnsyncBoxBody<Bytes, anyhow::Error>;

/// Requests that this instance has seen.
static SEEN: AtomicU32 = AtomicU32::new(0);

#[http_service]
async fn handle(request: Incoming) -> Response<Body> {
    let seen = SEEN.fetch_add(1, Ordering::Relaxed) + 1;
    let query = Query::of(&request);
    match request.uri().path() {
        "/hello" => text("hello"),
        "/loop" => spin(),
        "/trap" => core::arch::wasm32::unreachable(),
        "/panic" => panic!("asked for"),
        "/alloc" => allocate(query.number("mb")),
        "/wait" => {
            note(query.has("note")).await;
            spin_sdk::time::sleep(Duration::from_millis(query.number("ms"))).await;
            text("waited")
        }
        "/echo" => match request.into_body().collect().await {
            Ok(body) => Response::new(whole(body.to_bytes())),
            Err(error) => answer(500, error.to_string()),
        },
        "/head" => text(head(&request)),
        "/stream" => stream(&query),
        "/make" => make(&query, seen),
        "/sql" => text(sql(query.text("q")).await),
        "/sql-stream" => text(sql_stream(query.text("q")).await),
        "/sql-around" => text(around(&query, async || sql(query.text("q")).await).await),
        "/sql-stream-around" => {
            text(around(&query, async || sql_stream(query.text("q")).await).await)
        }
        "/postgres-around" => text(around(&query, async || postgres(query.text("q")).await).await),
        "/page" => page(),
        "/store-suite" => match store::case(&query.text("case")).await {
            Some(()) => text("passed"),
            None => answer(404, "no such case".to_owned()),
        },
        "/variable" => match spin_sdk::variables::get(query.text("name")).await {
            Ok(value) => text(value),
            Err(error) => answer(404, error.to_string()),
        },
        "/outbound" => match spin_sdk::http::get(query.text("url")).await {
            Ok(response) => answer(200, response.status().to_string()),
            Err(error) => answer(502, error.to_string()),
        },
        _ => answer(404, "no such misbehaviour".to_owned()),
    }
}

fn spin() -> ! {
    loop {
        std::hint::spin_loop();
    }
}

fn allocate(megabytes: u64) -> Response<Body> {
    let mut held = Vec::new();
    for _ in 0..megabytes {
        held.push(std::hint::black_box(vec![1_u8; 1 << 20]));
    }
    text(format!("held {} MiB", held.len()))
}

/// Leaves a row, where that is asked for: whoever looks into the database knows that the request has come so far.
async fn note(asked_for: bool) {
    if asked_for {
        sql("INSERT INTO note VALUES (1)".to_owned()).await;
    }
}

fn stream(query: &Query) -> Response<Body> {
    let (chunks, pause) = (query.number("chunks"), query.number("ms"));
    let asked_for = query.has("note");
    let (mut sender, body) = body::stream::<String>();
    spin_sdk::wasip3::spawn(async move {
        for chunk in 0..chunks {
            spin_sdk::time::sleep(Duration::from_millis(pause)).await;
            if sender.send(format!("chunk {chunk}\n")).await.is_err() {
                break;
            }
            note(asked_for && chunk == 0).await;
        }
    });
    Response::new(body.boxed_unsync())
}

/// A response to order: how long, of which type, with which headers. Its first line is how often this was asked, so
/// that a cached answer can be told from a new one. `well` is how often this instance answers before it fails.
fn make(query: &Query, seen: u32) -> Response<Body> {
    let size = usize::try_from(query.number("size")).unwrap_or_default();
    let mut body = if query.has("same") {
        String::new()
    } else {
        format!("{seen}\n")
    };
    while body.len() < size {
        let _ = writeln!(body, "line {} of a text that repeats itself", body.len());
    }
    body.truncate(size.max(2));
    let mut response = Response::new(whole(body));
    for (name, value) in &query.0 {
        let value = match name.as_str() {
            "size" | "same" | "status" | "well" => continue,
            "etag" => format!("\"{value}\""),
            _ => value.clone(),
        };
        if let (Ok(name), Ok(value)) = (name.parse::<http::HeaderName>(), value.parse()) {
            response.headers_mut().insert(name, value);
        }
    }
    if query.has("well") && u64::from(seen) > query.number("well") {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        let no_store = http::HeaderValue::from_static("no-store");
        response
            .headers_mut()
            .insert(http::header::CACHE_CONTROL, no_store);
    }
    if query.has("status") {
        let status = u16::try_from(query.number("status"))
            .ok()
            .and_then(|code| code.try_into().ok());
        *response.status_mut() = status.unwrap_or_default();
    }
    response
}

fn head(request: &Incoming) -> String {
    let mut head = format!("{} {}\n", request.method(), request.uri());
    for (name, value) in request.headers() {
        let _ = writeln!(head, "{name}: {}", value.to_str().unwrap_or("?"));
    }
    head
}

async fn sql(statement: String) -> String {
    let result = async {
        let connection = Connection::open("default")?;
        let result = connection.execute(&statement, &[])?;
        Ok::<_, spin_sdk::sqlite::wit::sqlite::Error>((result, connection.changes()))
    };
    match result.await {
        Ok((result, changes)) => shown(&result, changes),
        Err(error) => format!("{error:?}"),
    }
}

async fn sql_stream(statement: String) -> String {
    let connection = match Connection::open_async("default".to_owned()).await {
        Ok(connection) => connection,
        Err(error) => return format!("{error:?}"),
    };
    let (columns, mut stream, finished) = match connection.execute_async(statement, vec![]).await {
        Ok(result) => result,
        Err(error) => return format!("{error:?}"),
    };
    let mut rows = Vec::new();
    while let Some(row) = stream.next().await {
        rows.push(row);
    }
    if let Err(error) = finished.await {
        return format!("{error:?}");
    }
    let changes = connection.changes_async().await;
    shown(&QueryResult { columns, rows }, changes)
}

/// The same before and after a pause, in which other requests have their turn.
async fn around(query: &Query, act: impl AsyncFn() -> String) -> String {
    let before = act().await;
    spin_sdk::time::sleep(Duration::from_millis(query.number("ms"))).await;
    format!("{before} and {}", act().await)
}

/// The number of rows, or what went wrong.
async fn postgres(statement: String) -> String {
    let rows = async {
        let address = "postgres://configured".to_owned();
        let connection = pg::Connection::open_async(address).await?;
        let (_, mut rows, finished) = connection.query_async(statement, vec![]).await?;
        let mut number = 0;
        while rows.next().await.is_some() {
            number += 1;
        }
        finished.await?;
        Ok::<u32, pg::Error>(number)
    };
    match rows.await {
        Ok(rows) => rows.to_string(),
        Err(error) => format!("{error:?}"),
    }
}

fn shown(result: &QueryResult, changes: u64) -> String {
    let mut shown = format!("{}|", result.columns.join(","));
    for row in &result.rows {
        for value in &row.values {
            let _ = match value {
                Value::Integer(value) => write!(shown, "{value} "),
                Value::Real(value) => write!(shown, "{value} "),
                Value::Text(value) => write!(shown, "{value} "),
                Value::Blob(value) => write!(shown, "{} bytes ", value.len()),
                Value::Null => write!(shown, "null "),
            };
        }
        shown.push('|');
    }
    let _ = write!(shown, "{changes}");
    shown
}

/// A page of thirty ready elements, as a registry would answer: what the speed of the host is measured with.
fn page() -> Response<Body> {
    thread_local!(static KEPT: Option<Connection> = Connection::open("default").ok());
    KEPT.with(|kept| {
        let Some(connection) = kept else {
            return answer(503, "no database".to_owned());
        };
        let sql = "SELECT id, body FROM element WHERE id > ?1 ORDER BY id LIMIT 30";
        let Ok(result) = connection.execute(sql, &[Value::Integer(1000)]) else {
            return answer(503, "no rows".to_owned());
        };
        let mut page = Vec::with_capacity(40_000);
        page.extend_from_slice(b"{\"servers\":[");
        for row in &result.rows {
            if let Some(Value::Blob(bytes)) = row.values.get(1) {
                page.extend_from_slice(bytes);
                page.push(b',');
            }
        }
        page.extend_from_slice(b"]}");
        let mut response = Response::new(whole(page));
        let headers = response.headers_mut();
        headers.insert(
            "content-type",
            http::HeaderValue::from_static("application/json"),
        );
        headers.insert(
            "cache-control",
            http::HeaderValue::from_static("public, max-age=60"),
        );
        headers.insert(
            "etag",
            http::HeaderValue::from_static("\"0123456789abcdef\""),
        );
        response
    })
}

fn text(body: impl Into<Bytes>) -> Response<Body> {
    Response::new(whole(body))
}

fn answer(status: u16, body: String) -> Response<Body> {
    let mut response = text(body);
    *response.status_mut() = status.try_into().unwrap_or_default();
    response
}

fn whole(body: impl Into<Bytes>) -> Body {
    Full::new(body.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// The query's values, percent-decoded.
struct Query(HashMap<String, String>);

impl Query {
    fn of<B>(request: &Request<B>) -> Self {
        let pairs = request.uri().query().unwrap_or_default().split('&');
        Self(
            pairs
                .filter_map(|pair| pair.split_once('='))
                .map(|(name, value)| (name.to_owned(), decoded(value)))
                .collect(),
        )
    }

    fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn text(&self, name: &str) -> String {
        self.0.get(name).cloned().unwrap_or_default()
    }

    fn number(&self, name: &str) -> u64 {
        self.text(name).parse().unwrap_or_default()
    }
}

fn decoded(value: &str) -> String {
    percent_encoding::percent_decode_str(value)
        .decode_utf8_lossy()
        .into_owned()
}
