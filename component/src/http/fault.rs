//! Answers to what went wrong. The domain's error is mapped once, exhaustively; how a fault looks depends on the dialect
//! of the base and on what the client accepts.

use ::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use cairn_registry::{Error, ErrorKind, model::quote};

use super::{Dialect, Reply, accepts, reply};

const PROBLEM: &str = "application/problem+json";
const JSON: &str = "application/json";

/// When to come back to a store that cannot answer, in seconds: it is either busy, or being mended by a person.
pub(crate) const RETRY_AFTER: HeaderValue = HeaderValue::from_static("2");

/// Something a client or an operator is told.
#[derive(Debug)]
pub(crate) struct Fault {
    status: StatusCode,
    /// For people: what is wrong, and what to do instead.
    detail: String,
    /// The parameter at fault: location and value.
    at: Option<(String, String)>,
    /// What only the operator is told.
    cause: Option<Error>,
}

impl Fault {
    fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
            at: None,
            cause: None,
        }
    }

    fn at(mut self, place: &str, name: &str, value: &str) -> Self {
        self.at = Some((format!("{place}.{name}"), value.to_owned()));
        self
    }

    /// The parameter `name` of `place` (path or query) cannot be read.
    pub(crate) fn invalid(place: &str, name: &str, value: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail).at(place, name, value)
    }

    /// The parameter can be read, and is outside of what is allowed.
    pub(crate) fn out_of_range(name: &str, value: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail).at("query", name, value)
    }

    pub(crate) fn no_route(path: &str) -> Self {
        let detail = format!("there is nothing at {path}: see /docs for what there is");
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    pub(crate) fn method(method: &Method) -> Self {
        let detail = format!("{method} is not supported here: use {}", reply::ALLOW);
        Self::new(StatusCode::METHOD_NOT_ALLOWED, detail)
    }

    pub(crate) fn too_long(longest: usize) -> Self {
        let detail = format!("path and query may have {longest} bytes each");
        Self::new(StatusCode::URI_TOO_LONG, detail)
    }

    /// The database has not answered within the time of a request.
    pub(crate) fn late(seconds: u64) -> Self {
        let detail = format!("the database did not answer within {seconds} s: try again");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    }

    pub(crate) fn nul() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "path and query must not contain a NUL byte",
        )
    }

    #[cfg(test)]
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// Writes it as the base's dialect has it, unless the client asks for a problem document. The operator is told the
    /// cause of what is not the client's fault.
    pub(crate) fn reply(self, dialect: Dialect, headers: &HeaderMap) -> Reply {
        if let Some(cause) = &self.cause {
            log(&self.status.to_string(), cause, headers);
        }
        let problem = match dialect {
            Dialect::Official => true,
            Dialect::Toolhive => accepts(headers, PROBLEM),
        };
        let body = if problem {
            self.problem()
        } else {
            format!(r#"{{"error":{}}}"#, quote(&self.detail))
        };
        let media = if problem { PROBLEM } else { JSON };
        let reply = Reply::new(self.status, media, body)
            .header(header::VARY, HeaderValue::from_static("Accept"));
        match self.status {
            StatusCode::SERVICE_UNAVAILABLE => reply.header(header::RETRY_AFTER, RETRY_AFTER),
            StatusCode::METHOD_NOT_ALLOWED => {
                reply.header(header::ALLOW, HeaderValue::from_static(reply::ALLOW))
            }
            _ => reply,
        }
    }

    /// RFC 9457, with the member `error` that clients of the other dialect read.
    fn problem(&self) -> String {
        let title = self.status.canonical_reason().unwrap_or_default();
        let detail = quote(&self.detail);
        let mut body = format!(
            r#"{{"title":{},"status":{},"detail":{detail}"#,
            quote(title),
            self.status.as_u16()
        );
        if let Some((location, value)) = &self.at {
            body.push_str(&format!(
                r#","errors":[{{"message":{detail},"location":{},"value":{}}}]"#,
                quote(location),
                literal(value)
            ));
        }
        body.push_str(&format!(r#","error":{detail}}}"#));
        body
    }
}

/// The id under which whoever stands in front of us logs the request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// A longer id is none.
const LONGEST_ID: usize = 128;

/// Tells the operator what a client is not told.
pub(crate) fn log(what: &str, cause: &Error, headers: &HeaderMap) {
    eprintln!("{}", line(what, cause, headers));
}

/// The line of a log, with the id by which it is found beside the request's own. An id comes from outside: one that could
/// be read as anything else is left out.
fn line(what: &str, cause: &Error, headers: &HeaderMap) -> String {
    let id = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let sane = |id: &&str| {
        (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
    };
    match id.filter(sane) {
        Some(id) => format!("{what}: {cause} request_id={id}"),
        None => format!("{what}: {cause}"),
    }
}

/// The value as the client meant it: a number stays one.
fn literal(value: &str) -> String {
    match value.parse::<i64>() {
        Ok(number) => number.to_string(),
        Err(_) => quote(value),
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let status = match error.kind() {
            ErrorKind::NotFound(_) => StatusCode::NOT_FOUND,
            ErrorKind::Invalid => StatusCode::BAD_REQUEST,
            ErrorKind::Stale => StatusCode::CONFLICT,
            ErrorKind::Full => StatusCode::INSUFFICIENT_STORAGE,
            ErrorKind::Unavailable | ErrorKind::ReadOnly => StatusCode::SERVICE_UNAVAILABLE,
            ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let mut fault = Self::new(status, error.message());
        if let Some(field) = error.field() {
            fault = fault.at("query", field, error.value().unwrap_or_default());
        }
        fault.cause = status.is_server_error().then_some(error);
        fault
    }
}

#[cfg(test)]
mod tests {
    use cairn_registry::error::What;

    use super::*;

    #[test]
    fn every_kind_of_error_has_a_status() {
        let check = |error: Error, status: u16| assert_eq!(Fault::from(error).status, status);
        check(Error::not_found(What::Server, "x"), 404);
        check(Error::invalid("cursor", "?", "x"), 400);
        check(Error::stale("x"), 409);
        check(Error::full("x"), 507);
        check(Error::unavailable("x", "y"), 503);
        check(Error::internal("x"), 500);
    }

    #[test]
    fn only_what_is_not_the_clients_fault_has_a_cause_for_the_log() {
        let check = |error: Error, expected| {
            assert_eq!(Fault::from(error).cause.is_some(), expected);
        };
        check(Error::invalid("cursor", "?", "x"), false);
        check(Error::not_found(What::Server, "x"), false);
        check(Error::full("x"), true);
        check(Error::unavailable("x", "y"), true);
        check(Error::internal("x"), true);
    }

    #[test]
    fn a_line_of_the_log_carries_the_id_of_its_request() {
        let check = |id: Option<&[u8]>, expected: &str| {
            let mut headers = HeaderMap::new();
            if let Some(id) = id {
                headers.insert(REQUEST_ID, HeaderValue::from_bytes(id).expect("a value"));
            }
            let error = Error::unavailable("no schema", "no table");
            let line = line("503 Service Unavailable", &error, &headers);
            assert_eq!(line, expected, "{id:?}");
        };
        let bare = "503 Service Unavailable: no schema (no table)";
        check(None, bare);
        check(Some(b"a/b-1"), &format!("{bare} request_id=a/b-1"));
        for odd in [
            &b""[..],
            b"two words",
            b"a\tb",
            b"\xfc",
            &[b'x'; LONGEST_ID + 1],
        ] {
            check(Some(odd), bare);
        }
        check(
            Some(&[b'x'; LONGEST_ID]),
            &format!("{bare} request_id={}", "x".repeat(LONGEST_ID)),
        );
    }

    #[test]
    fn a_problem_names_the_parameter_and_never_the_cause() {
        let check = |fault: Fault, expected: &str| assert_eq!(fault.problem(), expected);
        check(
            Fault::out_of_range("limit", "101", "at most 100"),
            r#"{"title":"Unprocessable Entity","status":422,"detail":"at most 100","errors":[{"message":"at most 100","location":"query.limit","value":101}],"error":"at most 100"}"#,
        );
        check(
            Error::invalid("cursor", "\"", "bad \"cursor\"").into(),
            r#"{"title":"Bad Request","status":400,"detail":"bad \"cursor\"","errors":[{"message":"bad \"cursor\"","location":"query.cursor","value":"\""}],"error":"bad \"cursor\""}"#,
        );
        check(
            Error::internal("password of the database").into(),
            r#"{"title":"Internal Server Error","status":500,"detail":"internal error","error":"internal error"}"#,
        );
    }
}
