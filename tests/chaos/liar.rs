//! An upstream that lies: each answer is right, or one of many kinds of wrong. Its choices follow from a seed.

use std::{
    io::Write,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use cairn_tests::{Upstream, upstream::Asked};
use fastrand::Rng;
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

/// Records of the honest list, and of one page of it.
const RECORDS: usize = 250;
const PAGE: usize = 100;

/// One upstream with a list of its own name.
pub(crate) struct Liar {
    pub upstream: Upstream,
    lying: Arc<AtomicBool>,
    /// Lies told so far.
    pub told: Arc<AtomicUsize>,
}

/// The present state: the same lie for some requests, then another one.
struct State {
    rng: Rng,
    lie: usize,
    left: usize,
}

impl Liar {
    pub(crate) fn new(name: String, seed: u64) -> Self {
        let (lying, told) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let state = Mutex::new(State {
            rng: Rng::with_seed(seed),
            lie: 0,
            left: 0,
        });
        let (is_lying, count) = (Arc::clone(&lying), Arc::clone(&told));
        let upstream = Upstream::of_bytes(move |asked| {
            let honest = honest(&name, asked);
            if !is_lying.load(Ordering::Acquire) {
                return ok("", honest.to_string().as_bytes());
            }
            let number = count.fetch_add(1, Ordering::AcqRel);
            let lie = state.lock().expect("its state").next();
            LIES[lie](honest, number)
        });
        Self {
            upstream,
            lying,
            told,
        }
    }

    pub(crate) fn lie(&self, lying: bool) {
        self.lying.store(lying, Ordering::Release);
    }
}

impl State {
    fn next(&mut self) -> usize {
        if self.left == 0 {
            self.lie = self.rng.usize(..LIES.len());
            self.left = self.rng.usize(1..15);
        }
        self.left -= 1;
        self.lie
    }
}

/// The page that was asked for; everything in one for a file.
fn honest(name: &str, asked: &Asked) -> Value {
    let cursor = asked
        .parameter("cursor")
        .and_then(|cursor| cursor.parse().ok());
    let (from, to) = match asked.path() {
        "/v0.1/servers" => {
            let from = cursor.unwrap_or(0_usize).min(RECORDS);
            (from, (from + PAGE).min(RECORDS))
        }
        _ => (0, RECORDS),
    };
    let servers: Vec<Value> = (from..to).map(|number| element(name, number)).collect();
    let mut metadata = json!({ "count": servers.len() });
    if to < RECORDS {
        metadata["nextCursor"] = json!(to.to_string());
    }
    json!({ "servers": servers, "metadata": metadata })
}

fn element(name: &str, number: usize) -> Value {
    let time = "2025-06-01T00:00:00Z";
    json!({
        "server": {
            "name": format!("com.example.{name}/server-{number:03}"),
            "description": format!("Server {number}."),
            "version": "1.0.0",
        },
        "_meta": { "io.modelcontextprotocol.registry/official": {
            "status": "active", "statusChangedAt": time, "publishedAt": time, "updatedAt": time,
        } },
    })
}

/// A lie about a page; the number is another one for each.
type Lie = fn(Value, usize) -> Vec<u8>;

const LIES: [Lie; 56] = [
    // Cursors.
    |page, _| list(with(page, "/metadata/nextCursor", json!("loop"))),
    |page, number| {
        list(with(
            page,
            "/metadata/nextCursor",
            json!(format!("{number}x")),
        ))
    },
    |_, number| list(json!({ "servers": [], "metadata": { "nextCursor": format!("e{number}") } })),
    |page, _| list(with(page, "/metadata/nextCursor", json!({ "offset": 100 }))),
    |page, number| {
        list(with(
            page,
            "/metadata/nextCursor",
            json!(number + 1_000_000),
        ))
    },
    |page, _| list(with(page, "/metadata/nextCursor", json!("a\0b"))),
    |page, _| {
        list(with(
            page,
            "/metadata/nextCursor",
            json!("c".repeat(100_000)),
        ))
    },
    |page, _| list(with(page, "/metadata", json!({ "hasNextPage": true }))),
    |page, _| {
        list(with(
            page,
            "/metadata",
            json!({ "next": "http://127.0.0.1:1/" }),
        ))
    },
    |page, _| list(with(page, "/metadata", json!([["nextCursor"]]))),
    // Statuses and waits.
    |_, _| status("503 Unwell", "Retry-After: 1\r\n"),
    |_, _| status("429 Slow Down", "Retry-After: -1\r\n"),
    |_, _| {
        status(
            "503 Unwell",
            "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
        )
    },
    |_, _| status("429 Slow Down", "Retry-After: soon\r\n"),
    |_, _| status("206 Partial", ""),
    |_, _| status("418 Teapot", ""),
    |_, _| status("500 Broken", ""),
    |_, _| status("204 Nothing", ""),
    |_, _| status("304 Same", ""),
    |_, _| status("401 Who", "WWW-Authenticate: Basic\r\n"),
    |_, _| status("404 Gone", ""),
    |_, _| status("400 Bad", ""),
    |_, _| status("999 Odd", ""),
    // Redirects.
    |_, _| status("302 Away", "Location: http://169.254.169.254/latest\r\n"),
    |_, _| status("302 Away", "Location: http://10.0.0.1/\r\n"),
    |_, _| status("307 Away", "Location: http://127.0.0.1:1/\r\n"),
    |_, _| status("301 Away", "Location: ?again\r\n"),
    |_, _| status("308 Away", "Location: file:///etc/passwd\r\n"),
    |_, _| status("302 Away", "Location: http://[:::/\r\n"),
    // Content.
    |_, _| ok("", b"<!doctype html><title>Log in</title>"),
    |page, _| ok("", &page.to_string().as_bytes()[..300]),
    |page, _| ok("", format!("\u{feff}{page}").as_bytes()),
    |page, _| ok("", format!("{page}{page}").as_bytes()),
    |page, _| ok("", &utf16(&page.to_string())),
    |page, _| ok("", &[page.to_string().as_bytes(), b"\xff\xfe"].concat()),
    |page, _| list(page["servers"].clone()),
    |_, _| list(json!({ "servers": [] })),
    |_, _| list(json!({ "servers": null })),
    |_, _| list(json!({ "servers": "none" })),
    |_, _| list(json!({ "servers": [1, null, [], {}, "x", { "server": null }] })),
    |_, _| ok("", "[".repeat(200_000).as_bytes()),
    |_, _| {
        ok(
            "",
            format!("{{\"servers\":{}", "[".repeat(200_000)).as_bytes(),
        )
    },
    |page, _| ok("", page.to_string().replace("250", "1e999999").as_bytes()),
    |_, _| ok("", b""),
    // Records.
    |page, _| list(with(page, "/servers/0/server/description", json!(""))),
    |page, _| list(with(page, "/servers/0/server/name", json!("no name\u{7}"))),
    |page, _| {
        ok(
            "",
            page.to_string()
                .replace("2025-06-01T00:00:00Z", "NaN")
                .as_bytes(),
        )
    },
    |page, _| {
        ok(
            "",
            page.to_string()
                .replace("2025-06-01", "9999-12-31")
                .as_bytes(),
        )
    },
    |page, _| {
        ok(
            "",
            page.to_string()
                .replace("2025-06-01", "1970-01-01")
                .as_bytes(),
        )
    },
    |page, _| {
        ok(
            "",
            page.to_string().replace("server-0", "other-0").as_bytes(),
        )
    },
    // The transfer.
    |page, _| framed("Content-Length: 999999", page.to_string().as_bytes()),
    |page, _| framed("Content-Length: 10", page.to_string().as_bytes()),
    |_, _| framed("Transfer-Encoding: chunked", b"zz\r\n{\r\n"),
    |_, _| {
        framed(
            "Content-Encoding: gzip\r\nTransfer-Encoding: chunked",
            b"5\r\nxxxxx\r\n0\r\n\r\n",
        )
    },
    |_, _| ok("Content-Encoding: gzip\r\n", &bomb()),
    |_, _| b"SSH-2.0-liar\r\n".to_vec(),
];

fn with(mut page: Value, pointer: &str, value: Value) -> Value {
    let (place, key) = pointer.rsplit_once('/').expect("a pointer");
    if let Some(place) = page.pointer_mut(place) {
        place[key] = value;
    }
    page
}

fn list(page: Value) -> Vec<u8> {
    ok("", page.to_string().as_bytes())
}

fn ok(headers: &str, body: &[u8]) -> Vec<u8> {
    framed(&format!("{headers}Content-Length: {}", body.len()), body)
}

fn framed(headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{headers}\r\nConnection: close\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

fn status(status: &str, headers: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n")
        .into_bytes()
}

fn utf16(text: &str) -> Vec<u8> {
    let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

/// 80 MiB of blanks in some 80 KiB.
fn bomb() -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let blanks = vec![b' '; 1 << 20];
    for _ in 0..80 {
        encoder.write_all(&blanks).expect("memory");
    }
    encoder.finish().expect("memory")
}
