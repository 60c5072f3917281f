//! A response as it came over the wire. Decoding a coding is not done here: tests that ask for one do it.

use serde_json::Value;

use crate::raw;

/// Status, headers in their order, body without its transfer coding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// Reads one response; `None` when there is no complete head.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut answer = Self {
            status,
            headers,
            body: bytes[end + 4..].to_vec(),
        };
        if answer.header("transfer-encoding") == "chunked" {
            answer.body = unchunked(&answer.body);
        }
        Some(answer)
    }

    /// The values of a header, joined as RFC 9110 allows; empty when it is absent.
    #[must_use]
    pub fn header(&self, name: &str) -> String {
        let values = self.headers.iter().filter(|(known, _)| known == name);
        values
            .map(|(_, value)| value.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    }

    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(known, _)| known == name)
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body of UTF-8")
    }

    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!(
                "{error}: {} {}",
                self.status,
                String::from_utf8_lossy(&self.body)
            )
        })
    }

    /// `name version` of every element of a list, in its order. Elements may hold what a strict parser refuses.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        assert_eq!(self.status, 200, "no list: {}", self.text());
        let key = |element: &raw::Members| {
            let server = raw::members(element["server"].get());
            let text = |field: &str| serde_json::from_str::<String>(server[field].get());
            let (name, version) = (text("name"), text("version"));
            format!("{} {}", name.expect("a name"), version.expect("a version"))
        };
        raw::servers(self.text()).iter().map(key).collect()
    }

    /// `metadata.nextCursor`, when there is one.
    #[must_use]
    pub fn next(&self) -> Option<String> {
        self.json()["metadata"]["nextCursor"]
            .as_str()
            .map(str::to_owned)
    }
}

fn unchunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = bytes.windows(2).position(|two| two == b"\r\n") {
        let size = std::str::from_utf8(&bytes[..end]).expect("a chunk's size");
        let size = usize::from_str_radix(size.split(';').next().unwrap_or_default(), 16)
            .expect("a chunk's size in hexadecimal digits");
        if size == 0 {
            break;
        }
        whole.extend_from_slice(&bytes[end + 2..end + 2 + size]);
        bytes = &bytes[end + 2 + size + 2..];
    }
    whole
}
