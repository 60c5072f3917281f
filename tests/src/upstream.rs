//! An HTTP server inside a test: what a source reads from, with every request counted.

use std::{
    io::{BufRead, BufReader, Read as _, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use crate::Client;

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub method: String,
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Asked {
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    #[must_use]
    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// The value of a query parameter, as it stands in the target.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let pairs = self
            .query()
            .split('&')
            .filter_map(|pair| pair.split_once('='));
        pairs
            .filter(|(known, _)| *known == name)
            .map(|(_, value)| value)
            .next()
    }

    /// A header; empty when it is absent.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }
}

/// Status, content type and body.
pub type Given = (u16, &'static str, Vec<u8>);

/// A server that lives as long as the value.
pub struct Upstream {
    pub client: Client,
    asked: Arc<Mutex<Vec<Asked>>>,
    over: Arc<AtomicBool>,
}

impl Upstream {
    /// Answers every request by `answer`, each connection on a thread of its own.
    pub fn start(answer: impl Fn(&Asked) -> Given + Send + Sync + 'static) -> Self {
        Self::conversing(move |stream, log| converse(stream, log, &answer))
    }

    /// Writes what `answer` returns after the first request of each connection, byte for byte, and closes the connection.
    pub fn of_bytes(answer: impl Fn(&Asked) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::conversing(move |mut stream, log| {
            let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
            let Some(asked) = read(&mut reader) else {
                return;
            };
            note(log, &asked);
            // The client may have gone away.
            let _ = stream.write_all(&answer(&asked));
        })
    }

    fn conversing(
        converse: impl Fn(TcpStream, &Mutex<Vec<Asked>>) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let authority = listener.local_addr().expect("an address").to_string();
        let (asked, over) = (
            Arc::<Mutex<Vec<Asked>>>::default(),
            Arc::<AtomicBool>::default(),
        );
        let (log, stop, converse) = (Arc::clone(&asked), Arc::clone(&over), Arc::new(converse));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if stop.load(Ordering::Acquire) {
                    return;
                }
                let (log, converse) = (Arc::clone(&log), Arc::clone(&converse));
                thread::spawn(move || converse(stream, &log));
            }
        });
        Self {
            client: Client::new(authority),
            asked,
            over,
        }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        self.client.url()
    }

    /// Every request so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Forgets the requests so far.
    pub fn forget(&self) {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        // Wakes the listener, which then sees that it is over.
        let _ = TcpStream::connect(&self.client.authority);
    }
}

fn converse(mut stream: TcpStream, log: &Mutex<Vec<Asked>>, answer: &dyn Fn(&Asked) -> Given) {
    let _ = stream.set_nodelay(true);
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    while let Some(asked) = read(&mut reader) {
        note(log, &asked);
        let (status, media, body) = answer(&asked);
        let head = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: {media}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        if stream
            .write_all(&[head.as_bytes(), &body].concat())
            .is_err()
        {
            return;
        }
    }
}

fn note(log: &Mutex<Vec<Asked>>, asked: &Asked) {
    log.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(asked.clone());
}

fn read(reader: &mut impl BufRead) -> Option<Asked> {
    let first = line(reader)?;
    let mut parts = first.split(' ').map(str::to_owned);
    let (method, target) = (parts.next()?, parts.next()?);
    let mut headers = Vec::new();
    loop {
        let line = line(reader)?;
        match line.split_once(':') {
            Some((name, value)) => {
                headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
            }
            None => break,
        }
    }
    let mut asked = Asked {
        method,
        target,
        headers,
        body: Vec::new(),
    };
    asked.body = body(reader, &asked)?;
    Some(asked)
}

/// A line without its end; `None` when there is none any more.
fn line(reader: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|size| *size > 0)?;
    Some(line.trim_end().to_owned())
}

fn body(reader: &mut impl BufRead, asked: &Asked) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    if asked.header("transfer-encoding") == "chunked" {
        loop {
            let size = usize::from_str_radix(&line(reader)?, 16).ok()?;
            reader.take(size as u64).read_to_end(&mut body).ok()?;
            line(reader)?;
            if size == 0 {
                return Some(body);
            }
        }
    }
    let size = asked.header("content-length").parse().unwrap_or(0);
    reader.take(size).read_to_end(&mut body).ok()?;
    Some(body)
}

/// Answers of a v0.1 registry of `pages` pages with `size` records each, the same in every process. A cursor is the number
/// of its page.
pub fn pages(pages: usize, size: usize) -> impl Fn(&Asked) -> Given + Send + Sync + 'static {
    move |asked| {
        if asked.path() != "/v0.1/servers" {
            return (404, "text/plain", Vec::new());
        }
        let page: usize = asked
            .parameter("cursor")
            .map_or(0, |cursor| cursor.parse().expect("a cursor of ours"));
        let records: Vec<String> = (page * size..(page + 1) * size).map(record).collect();
        let next = match page + 1 {
            next if next < pages => format!(",\"nextCursor\":\"{next}\""),
            _ => String::new(),
        };
        let body = format!(
            "{{\"servers\":[{}],\"metadata\":{{\"count\":{size}{next}}}}}",
            records.join(",")
        );
        (200, "application/json", body.into_bytes())
    }
}

/// The record of a number: three versions of a name in turn, some of them deprecated or deleted.
fn record(number: usize) -> String {
    let (name, version) = (number / 3, number % 3);
    let status = match number % 17 {
        5 => "deprecated",
        11 => "deleted",
        _ => "active",
    };
    let time = format!(
        "2025-06-{:02}T{:02}:{:02}:00Z",
        1 + number % 28,
        number % 24,
        number % 60
    );
    format!(
        "{{\"server\":{{\"$schema\":\"https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json\",\
         \"name\":\"com.example.many/server-{name:06}\",\"description\":\"Record number {number} of many.\",\
         \"version\":\"1.{version}.0\",\"remotes\":[{{\"type\":\"streamable-http\",\
         \"url\":\"https://mcp.example.com/{number}\"}}]}},\
         \"_meta\":{{\"io.modelcontextprotocol.registry/official\":{{\"status\":\"{status}\",\"publishedAt\":\"{time}\",\
         \"updatedAt\":\"{time}\",\"isLatest\":false}}}}}}"
    )
}
