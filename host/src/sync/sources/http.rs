//! HTTP for sources: one client, answers in classes, and bodies that are taken down completely before they are read, so
//! that a slow reader never looks like a slow server and a broken transfer leaves nothing behind.

use std::{
    io::{Seek, Write},
    path::Path,
    time::{Duration, SystemTime},
};

use http::{HeaderMap, StatusCode, header};
use reqwest::{Client, Response, redirect};
use sha2::{Digest, Sha256};
use tempfile::SpooledTempFile;

use super::{
    Kind, SourceError,
    error::{public_url, root_cause},
    fingerprint,
};

/// Redirects that are followed.
const REDIRECTS: usize = 5;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of a body that are held in memory; a larger one goes to disk.
const IN_MEMORY: usize = 1 << 20;

/// The client of all sources. It needs the process's TLS provider to be installed.
pub(crate) fn client() -> Result<Client, SourceError> {
    Client::builder()
        .user_agent(concat!("cairn/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::limited(REDIRECTS))
        .connect_timeout(CONNECT_TIMEOUT)
        .gzip(true)
        .build()
        .map_err(|error| {
            SourceError::new(
                Kind::Other,
                format!("no HTTP client: {}", root_cause(&error)),
            )
        })
}

/// A body that has arrived as a whole, at its beginning.
pub(super) struct Body {
    pub file: SpooledTempFile,
    /// Hexadecimal.
    pub sha256: String,
}

/// Takes down a body of at most `limit` bytes, none of which may be awaited longer than `patience`.
pub(super) async fn body(
    mut response: Response,
    limit: u64,
    patience: Duration,
    scratch: &Path,
) -> Result<Body, SourceError> {
    let url = public_url(response.url().as_str());
    let too_large = || {
        SourceError::new(
            Kind::TooLarge,
            format!("{url}: the answer has more than {limit} bytes"),
        )
    };
    let disk = |error: std::io::Error| {
        SourceError::new(
            Kind::Other,
            format!("{url}: {} cannot be written: {error}", scratch.display()),
        )
    };
    if response
        .content_length()
        .is_some_and(|length| length > limit)
    {
        return Err(too_large());
    }
    let (mut file, mut length, mut digest) = (
        tempfile::spooled_tempfile_in(IN_MEMORY, scratch),
        0,
        Sha256::new(),
    );
    loop {
        let chunk = tokio::time::timeout(patience, response.chunk()).await;
        let chunk = chunk.map_err(|_| silence(&url, patience))?;
        let Some(chunk) = chunk.map_err(|error| transport(&url, &error))? else {
            break;
        };
        length += chunk.len() as u64;
        if length > limit {
            return Err(too_large());
        }
        digest.update(&chunk);
        // Into memory or the page cache: short enough for a thread of the runtime.
        file.write_all(&chunk).map_err(disk)?;
    }
    file.rewind().map_err(disk)?;
    Ok(Body {
        file,
        sha256: fingerprint::hex(&digest.finalize()),
    })
}

pub(super) fn silence(url: &str, patience: Duration) -> SourceError {
    let message = format!(
        "{url}: not there after {} s; raise the source's `timeout`",
        patience.as_secs_f32()
    );
    SourceError::new(Kind::Timeout, message)
}

/// A request without an answer, or an answer that broke off.
pub(super) fn transport(url: &str, error: &reqwest::Error) -> SourceError {
    let cause = root_cause(error);
    if error.is_timeout() {
        let message = format!(
            "{url}: no answer in time; raise the source's `timeout` or see whether the server is well"
        );
        return SourceError::new(Kind::Timeout, message);
    }
    if error.is_redirect() {
        return SourceError::new(
            Kind::Other,
            format!("{url}: more than {REDIRECTS} redirects, or a broken one"),
        );
    }
    if error.is_builder() {
        return SourceError::new(
            Kind::Other,
            format!("{url}: not an address that can be asked: {cause}"),
        );
    }
    SourceError::new(
        Kind::Unreachable,
        format!("{url}: {cause}; check the address and the network"),
    )
}

/// An answer that is no success.
pub(super) fn refusal(url: &str, status: StatusCode, headers: &HeaderMap) -> SourceError {
    let (kind, remedy) = match status.as_u16() {
        401 | 403 | 407 => (
            Kind::Unauthorized,
            "access is refused; check credentials and permissions",
        ),
        404 | 410 => (Kind::NotFound, "nothing is there; check the address"),
        408 | 425 | 429 => (Kind::Unreachable, "the server asks to wait"),
        500..=599 => (Kind::Unreachable, "the server is unwell"),
        _ => (Kind::Other, "not an answer that can be used"),
    };
    let mut error = SourceError::new(kind, format!("{url}: HTTP {}: {remedy}", status.as_u16()));
    error.retry_after = retry_after(headers, SystemTime::now());
    error
}

/// `Retry-After` in either of its forms.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let micros = u64::try_from(date(value)?).ok()?;
    let at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_micros(micros))?;
    Some(at.duration_since(now).unwrap_or_default())
}

/// The server's clock, in microseconds since 1970.
pub(super) fn server_time(headers: &HeaderMap) -> Option<i64> {
    date(headers.get(header::DATE)?.to_str().ok()?)
}

fn date(text: &str) -> Option<i64> {
    let time = jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(text)
        .ok()?;
    Some(time.as_microsecond())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use http::{HeaderMap, HeaderValue, header};

    use super::{date, retry_after};

    #[test]
    fn retry_after_is_read_in_seconds_and_as_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (value, seconds) in [
            ("7", Some(7)),
            (" 120 ", Some(120)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
            ("", None),
        ] {
            let headers =
                HeaderMap::from_iter([(header::RETRY_AFTER, HeaderValue::from_static(value))]);
            assert_eq!(
                retry_after(&headers, now),
                seconds.map(Duration::from_secs),
                "{value}"
            );
        }
    }

    #[test]
    fn a_date_header_is_microseconds_since_1970() {
        assert_eq!(
            date("Sun, 06 Nov 1994 08:49:37 GMT"),
            Some(784_111_777_000_000)
        );
        assert_eq!(date("yesterday"), None);
    }
}
