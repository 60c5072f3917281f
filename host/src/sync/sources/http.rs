//! Answers of web servers to sources: their classes, and bodies that are taken down completely before they are read, so
//! that a slow reader never looks like a slow server and a broken transfer leaves nothing behind. It sends no request.

use std::{
    io::{Seek, Write},
    path::Path,
    time::{Duration, SystemTime},
};

use http::{HeaderMap, StatusCode, header};
use reqwest::Response;
use sha2::{Digest, Sha256};
use tempfile::SpooledTempFile;
use tokio::time::Instant;

use super::{
    Kind, SourceError,
    error::{find, public_url, root_cause},
    fingerprint,
    network::{Refused, explain},
};

/// Bytes per second that a transfer has at least.
const LEAST_SPEED: u32 = 1 << 10;
/// The longest stretch over which the speed is measured; a source with a shorter `timeout` has that one.
const LONGEST_STRETCH: Duration = Duration::from_secs(30);
/// Bytes of a body that are held in memory; a larger one goes to disk.
const IN_MEMORY: usize = 1 << 20;

/// A body that has arrived as a whole, at its beginning.
pub(super) struct Body {
    pub file: SpooledTempFile,
    /// Hexadecimal.
    pub sha256: String,
}

/// Takes down a body of at most `limit` bytes, none of which may be awaited longer than `patience`, and which must not be
/// slower than the least speed.
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
            format!(
                "{url}: the answer has more than {limit} bytes; check the address, it should lead to servers only"
            ),
        )
    };
    let disk = |error: std::io::Error| {
        SourceError::new(
            Kind::Disk,
            format!(
                "{url}: {} cannot be written: {error}; see to space and permissions there",
                scratch.display()
            ),
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
    let mut pace = Pace::new(patience);
    loop {
        let chunk = tokio::time::timeout(patience, response.chunk()).await;
        let chunk = chunk.map_err(|_| silence(&url, patience))?;
        let Some(chunk) = chunk.map_err(|error| transport(&url, &error))? else {
            break;
        };
        if !pace.keeps_up(chunk.len()) {
            return Err(too_slow(&url));
        }
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

/// The speed of a transfer, stretch by stretch.
struct Pace {
    stretch: Duration,
    begun: Instant,
    bytes: u64,
}

impl Pace {
    fn new(patience: Duration) -> Self {
        Self {
            stretch: patience.min(LONGEST_STRETCH),
            begun: Instant::now(),
            bytes: 0,
        }
    }

    /// Counts bytes that have arrived; false when a stretch had too few.
    fn keeps_up(&mut self, bytes: usize) -> bool {
        self.bytes = self.bytes.saturating_add(bytes as u64);
        let took = self.begun.elapsed();
        if took < self.stretch {
            return true;
        }
        let enough = self.bytes as f64 >= f64::from(LEAST_SPEED) * took.as_secs_f64();
        (self.begun, self.bytes) = (Instant::now(), 0);
        enough
    }
}

fn too_slow(url: &str) -> SourceError {
    let message = format!(
        "{url}: less than {LEAST_SPEED} bytes per second arrive; see whether the server and the network are well"
    );
    SourceError::new(Kind::Timeout, message)
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
    if let Some(refused) = find::<Refused>(error) {
        return SourceError::new(Kind::Redirect, format!("{url}: {refused}"));
    }
    if let Some(fault) = explain(error) {
        return SourceError::new(Kind::Tls, format!("{url}: {fault}"));
    }
    if error.is_timeout() {
        let message = format!(
            "{url}: no answer in time; raise the source's `timeout` or see whether the server is well"
        );
        return SourceError::new(Kind::Timeout, message);
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
        408 | 425 | 429 => (
            Kind::Unreachable,
            "the server asks to wait; it is tried again by itself",
        ),
        500..=599 => (
            Kind::Unreachable,
            "the server is unwell; it is tried again by itself",
        ),
        _ => (
            Kind::Other,
            "not an answer that can be used; check the address",
        ),
    };
    let mut error = SourceError::new(kind, format!("{url}: HTTP {}: {remedy}", status.as_u16()));
    error.retry_after = retry_after(headers, SystemTime::now());
    error
}

/// `Retry-After` in either of its forms.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
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
            ("1e9", None),
            ("", None),
            ("18446744073709551615", Some(u64::MAX)),
            ("99999999999999999999999999", Some(u64::MAX)),
            ("Thu, 01 Jan 2099 00:00:00 GMT", Some(3_286_797_023)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", None),
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
