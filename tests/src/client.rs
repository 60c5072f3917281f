//! An HTTP/1.1 client that sends targets and headers exactly as they are given: no URL library tidies them on the way.

use std::{
    fmt::Write as _,
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use crate::Answer;

/// No answer of any test takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// One server's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Host and port.
    pub authority: String,
}

impl Client {
    #[must_use]
    pub fn new(authority: impl Into<String>) -> Self {
        Self {
            authority: authority.into(),
        }
    }

    /// The address as others are told it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.authority)
    }

    #[must_use]
    pub fn get(&self, target: &str) -> Answer {
        self.ask("GET", target, &[])
    }

    #[must_use]
    pub fn ask(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(method, target, headers, b"")
    }

    #[must_use]
    pub fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut request = self.head(method, target, headers);
        if !body.is_empty() {
            let _ = write!(request, "Content-Length: {}\r\n", body.len());
        }
        request.push_str("\r\n");
        let bytes = [request.as_bytes(), body].concat();
        self.raw(&bytes)
            .unwrap_or_else(|| panic!("no answer to {method} {target:.200}"))
    }

    fn head(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> String {
        let mut head = format!(
            "{method} {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
            self.authority
        );
        for (name, value) in headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        head
    }

    /// Sends these bytes and reads until the server closes; `None` when no whole head came back.
    #[must_use]
    pub fn raw(&self, bytes: &[u8]) -> Option<Answer> {
        let mut stream = self.connect();
        // A server may refuse before it has read everything: what it said still counts.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        Answer::read(&answer)
    }

    /// A connection of its own, for tests that leave it half used.
    #[must_use]
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.authority)
            .unwrap_or_else(|error| panic!("{}: {error}", self.authority));
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        stream
    }
}

/// The target to which a `Location` leads, as a client resolves it against the one that it asked (RFC 3986 section 5.2).
#[must_use]
pub fn resolve(asked: &str, location: &str) -> String {
    if location.starts_with('/') {
        return location.to_owned();
    }
    let (path, query) = location
        .split_once('?')
        .map_or((location, None), |(path, query)| (path, Some(query)));
    let asked = asked.split('?').next().unwrap_or_default();
    let mut segments: Vec<&str> = asked.split('/').collect();
    segments.pop();
    for segment in path.split('/') {
        match segment {
            ".." => {
                segments.pop();
            }
            other => segments.push(other),
        }
    }
    let path = segments.join("/");
    query.map_or(path.clone(), |query| format!("{path}?{query}"))
}

/// `encodeURIComponent` of ECMAScript, as clients apply it to names, versions and terms.
#[must_use]
pub fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}
