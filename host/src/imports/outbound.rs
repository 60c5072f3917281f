//! Outbound HTTP of a guest: refused. No feature of this host needs it, and what nobody asked for is not open.

use std::sync::{Arc, LazyLock};

use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error, ForbiddenHeaderFilter, RequestOptions, Result, WasiBody,
    WasiHttpHooks,
};

/// The filter is asked for with each header; making it anew each time would cost an allocation.
static FORBIDDEN: LazyLock<ForbiddenHeaderFilter> =
    LazyLock::new(|| Arc::new(|name| DEFAULT_FORBIDDEN_HEADERS.contains(name)));

/// Refuses every request.
pub(crate) struct Refused;

type Io = Box<dyn Future<Output = Result<()>> + Send>;

impl WasiHttpHooks for Refused {
    fn is_forbidden_header(&mut self, name: &http::HeaderName) -> bool {
        DEFAULT_FORBIDDEN_HEADERS.contains(name)
    }

    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::clone(&FORBIDDEN)
    }

    fn send_request(
        &mut self,
        _: http::Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Io,
    ) -> Box<dyn Future<Output = Result<(http::Response<WasiBody>, Io)>> + Send> {
        Box::new(async { Err(Error::HttpRequestDenied) })
    }
}
