//! A request's span, in the words of OpenTelemetry's conventions for HTTP servers. The query stays out, as it does of the
//! log.

use http::StatusCode;

use crate::telemetry::trace::Span;

/// Says what is asked. `method` is one of few words, `route` a template or `other`.
pub(super) fn asked(span: &mut Span, method: &'static str, path: &str, route: &'static str) {
    let (verb, method) = match method {
        "other" => ("HTTP", "_OTHER"),
        known => (known, known),
    };
    if route == "other" {
        span.rename(verb.to_owned());
    } else {
        span.rename(format!("{verb} {route}"));
        span.note("http.route", route);
    }
    span.note("http.request.method", method);
    span.note("url.scheme", "http");
    span.note("url.path", path.to_owned());
}

/// Says what was answered.
pub(super) fn answered(span: &mut Span, status: StatusCode, bytes: u64) {
    span.note("http.response.status_code", u64::from(status.as_u16()));
    span.note("http.response.body.size", bytes);
    if status.is_server_error() {
        span.note("error.type", status.as_str().to_owned());
        span.fail("");
    }
}
