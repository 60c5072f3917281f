//! Answers to what never becomes a request: bytes that are no HTTP, a head that is too large, a connection too many. They
//! are written out here, since no service sees them.

use std::fmt::Write as _;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};

use super::{body::Body, problem::problem, request_id, request_id::RequestId};

/// Longest head that the HTTP library answers by itself.
const LONGEST: usize = 256;

/// Answer to a client for which there is no room.
pub(super) fn no_room() -> Bytes {
    written(
        StatusCode::SERVICE_UNAVAILABLE,
        "there are too many connections at once: try again, or raise limits.connections",
    )
}

/// Answer in the place of one by the HTTP library itself, which has neither a body nor an id. Every other answer has an id.
pub(super) fn refusal(head: &[u8]) -> Option<Bytes> {
    if head.len() > LONGEST || !head.starts_with(b"HTTP/1.1 4") || !head.ends_with(b"\r\n\r\n") {
        return None;
    }
    let text = std::str::from_utf8(head).ok()?;
    if text.contains(request_id::HEADER.as_str()) {
        return None;
    }
    let status = StatusCode::from_bytes(head.get(9..12)?).ok()?;
    Some(written(status, detail(status)?))
}

fn detail(status: StatusCode) -> Option<&'static str> {
    Some(match status {
        StatusCode::BAD_REQUEST => {
            "the request is not readable as HTTP: check its first line and its header fields"
        }
        StatusCode::URI_TOO_LONG => "the target of the request is too long: shorten path and query",
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            "the header fields are too many or too large: send fewer, or raise limits.headerSize"
        }
        _ => return None,
    })
}

fn written(status: StatusCode, detail: &str) -> Bytes {
    let id = RequestId::of(&HeaderMap::new());
    let mut response = problem(status, detail, &id);
    request_id::stamp(&mut response, &id);
    to_text(&response).into()
}

/// The response as HTTP/1.1, after which the connection is closed.
fn to_text(response: &Response<Body>) -> String {
    let status = response.status();
    let mut text = format!(
        "HTTP/1.1 {} {}\r\n",
        status.as_u16(),
        status.canonical_reason().unwrap_or_default()
    );
    for (name, value) in response.headers() {
        let _ = write!(text, "{name}: {}\r\n", value.to_str().unwrap_or_default());
    }
    let body = match response.body() {
        Body::Whole(bytes) => std::str::from_utf8(bytes).unwrap_or_default(),
        Body::Streamed(_) => "",
    };
    let _ = write!(
        text,
        "content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    text
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn bare_refusals_become_problem_documents() {
        for (line, status) in [
            ("400 Bad Request", 400),
            ("414 URI Too Long", 414),
            ("431 Request Header Fields Too Large", 431),
        ] {
            let bare = format!("HTTP/1.1 {line}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
            let answer = refusal(bare.as_bytes()).expect(line);
            let answer = String::from_utf8(answer.to_vec()).unwrap();
            let (head, body) = answer.split_once("\r\n\r\n").expect("a body");
            assert!(head.starts_with(&format!("HTTP/1.1 {line}\r\n")), "{head}");
            for field in [
                "content-type: application/problem+json",
                "connection: close",
                "x-request-id: ",
                &format!("content-length: {}", body.len()),
            ] {
                assert!(head.contains(field), "{field}: {head}");
            }
            let body: Value = serde_json::from_str(body).expect("JSON");
            assert_eq!(body["status"], status);
            assert_eq!(body["error"], body["detail"]);
        }
    }

    #[test]
    fn answers_to_requests_are_left_alone() {
        for head in [
            "HTTP/1.1 404 Not Found\r\nx-request-id: a\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}",
            "HTTP/1.1 408 Request Timeout\r\n\r\n",
        ] {
            assert_eq!(refusal(head.as_bytes()), None, "{head}");
        }
    }
}
