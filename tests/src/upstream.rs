//! An HTTP server inside a test: what a source reads from, with every request counted.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use crate::Client;

/// What was asked: method and target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub method: String,
    pub target: String,
}

impl Asked {
    /// The value of a query parameter, as it stands in the target.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let (_, query) = self.target.split_once('?')?;
        query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
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
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let authority = listener.local_addr().expect("an address").to_string();
        let (asked, over) = (
            Arc::<Mutex<Vec<Asked>>>::default(),
            Arc::<AtomicBool>::default(),
        );
        let (log, stop, answer) = (Arc::clone(&asked), Arc::clone(&over), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if stop.load(Ordering::Acquire) {
                    return;
                }
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                thread::spawn(move || converse(stream, &log, &*answer));
            }
        });
        Self {
            client: Client::new(authority),
            asked,
            over,
        }
    }

    /// A list of one page, or the pages of a larger one.
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
        log.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(asked.clone());
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

/// A request without a body.
fn read(reader: &mut impl BufRead) -> Option<Asked> {
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|size| *size > 0)?;
    let mut parts = first.split(' ').map(str::to_owned);
    let asked = Asked {
        method: parts.next()?,
        target: parts.next()?,
    };
    loop {
        let mut line = String::new();
        let size = reader.read_line(&mut line).ok()?;
        match line.trim_end() {
            "" if size > 0 => return Some(asked),
            _ if size == 0 => return None,
            _ => {}
        }
    }
}
