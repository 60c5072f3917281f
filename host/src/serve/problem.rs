//! What the host itself has to say to a caller, as `application/problem+json` (RFC 9457). A caller gets the request's
//! id to name when it complains, and learns nothing else about our insides.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use super::{body::Body, request_id::RequestId};
use crate::guest::Failure;

/// Seconds after which a caller may try again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

pub(crate) fn problem(status: StatusCode, detail: &str, id: &RequestId) -> Response<Body> {
    let body = json!({
        "title": status.canonical_reason().unwrap_or("Error"),
        "status": status.as_u16(),
        "detail": detail,
        // For clients of the other dialect.
        "error": detail,
        "request_id": id.as_str(),
    });
    let mut response = json_response(status, &body);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Even a browser's script should be able to read why it got nothing.
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, RETRY_AFTER);
    }
    response
}

pub(crate) fn unanswered(failure: Failure, id: &RequestId) -> Response<Body> {
    let (status, detail) = match failure {
        Failure::Timeout => (StatusCode::SERVICE_UNAVAILABLE, "the request took too long"),
        Failure::Stopped => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the request could not be completed",
        ),
        Failure::Broken => (StatusCode::INTERNAL_SERVER_ERROR, "internal error"),
    };
    problem(status, detail, id)
}

pub(crate) fn json_response(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::Whole(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
