//! How a text becomes a number, a duration, a size or an address, and back. It knows no key. What is parsed from the shown
//! form of a value is that value again.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

/// `true` or `false`, nothing that only looks so.
pub(super) fn flag(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!("`{text}` is neither true nor false")),
    }
}

/// A whole number without sign.
pub(super) fn count(text: &str) -> Result<usize, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| text.parse().ok()).flatten();
    number.ok_or_else(|| format!("`{text}` is not a whole number"))
}

const SIZE_UNITS: [(&str, usize); 4] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
];

/// Bytes: a plain number, or one with KiB, MiB, GiB, TiB (the `B` may be left out, as in Kubernetes).
pub(super) fn size(text: &str) -> Result<usize, String> {
    let wrong = || format!("`{text}` is not a size; write bytes or a unit, such as 64MiB or 1GiB");
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number = count(number).map_err(|_| wrong())?;
    let unit = unit.trim();
    let same = |name: &str| {
        unit.eq_ignore_ascii_case(name) || unit.eq_ignore_ascii_case(name.trim_end_matches('B'))
    };
    let factor = match SIZE_UNITS.iter().find(|(name, _)| same(name)) {
        Some((_, factor)) => *factor,
        None if unit.is_empty() || unit == "B" => 1,
        None => return Err(wrong()),
    };
    number.checked_mul(factor).ok_or_else(wrong)
}

/// The largest unit that divides the size.
pub(super) fn show_size(bytes: usize) -> String {
    let exact = |(_, factor): &&(&str, usize)| bytes >= *factor && bytes.is_multiple_of(*factor);
    match SIZE_UNITS.iter().find(exact) {
        Some((name, factor)) => format!("{}{name}", bytes / factor),
        None => bytes.to_string(),
    }
}

const TIME_UNITS: [(&str, u64); 8] = [
    ("h", 3_600_000_000_000),
    ("ms", 1_000_000),
    ("m", 60_000_000_000),
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("s", 1_000_000_000),
];

/// A Go duration: numbers with units, such as `15m`, `1h30m`, `1.5s`, `500ms`; a lone `0` too.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || {
        format!(
            "`{text}` is not a duration; write a number with a unit, such as 15m, 1h30m or 500ms"
        )
    };
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let (mut rest, mut total) = (text, 0_u64);
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or_else(wrong)?;
        let (number, tail) = rest.split_at(end);
        let (unit, nanos) = TIME_UNITS
            .iter()
            .find(|(unit, _)| tail.starts_with(unit))
            .ok_or_else(wrong)?;
        let part = scaled(number, *nanos).ok_or_else(wrong)?;
        total = total.checked_add(part).ok_or_else(wrong)?;
        rest = tail.strip_prefix(unit).unwrap_or_default();
    }
    // Go's range: 63 bits of nanoseconds.
    let fits = !text.is_empty() && i64::try_from(total).is_ok();
    fits.then(|| Duration::from_nanos(total)).ok_or_else(wrong)
}

/// `number` (digits with at most one point) times `nanos`, without floating point.
fn scaled(number: &str, nanos: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let whole: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let mut total = whole.checked_mul(nanos)?;
    let mut unit = nanos;
    for digit in fraction.bytes() {
        unit /= 10;
        total = total.checked_add(u64::from(digit - b'0').checked_mul(unit)?)?;
    }
    Some(total)
}

/// The shortest Go duration of the same length, such as `1h30m`; `0s` for none.
pub(super) fn show_duration(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for unit in ["h", "m", "s", "ms", "us", "ns"] {
        let nanos = TIME_UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .map_or(1, |(_, nanos)| *nanos);
        if rest >= nanos {
            text.push_str(&format!("{}{unit}", rest / nanos));
            rest %= nanos;
        }
    }
    if text.is_empty() {
        "0s".to_owned()
    } else {
        text
    }
}

/// `IP:port`, `[IPv6]:port`, `localhost:port`, or `:port` for every interface and both families as in Go.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let host = match text.rsplit_once(':') {
        Some(("", _)) => Some(IpAddr::from(Ipv6Addr::UNSPECIFIED)),
        Some(("localhost", _)) => Some(IpAddr::from(Ipv4Addr::LOCALHOST)),
        _ => None,
    };
    let port = text.rsplit_once(':').map_or("", |(_, port)| port);
    let parsed = match host {
        Some(host) => port
            .parse()
            .ok()
            .map(|port: u16| SocketAddr::from((host, port))),
        None => text.parse().ok(),
    };
    parsed.ok_or_else(|| {
        format!(
            "`{text}` is not an address; write IP:port, such as 127.0.0.1:8080, [::1]:8080 or :8080"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, millis) in [
            ("15m", Some(900_000)),
            ("1h30m", Some(5_400_000)),
            ("500ms", Some(500)),
            ("1.5s", Some(1_500)),
            (".5h", Some(1_800_000)),
            ("2m0.25s", Some(120_250)),
            ("0", Some(0)),
            ("0s", Some(0)),
            ("1000us", Some(1)),
            ("1000µs", Some(1)),
            ("1000000ns", Some(1)),
            ("", None),
            ("15", None),
            ("m", None),
            ("1.m", Some(60_000)),
            ("1..5s", None),
            (".s", None),
            ("-5m", None),
            ("15 m", None),
            ("15min", None),
            ("1d", None),
            ("9999999h", None),
            ("99999999999999999999h", None),
            ("🦀", None),
        ] {
            let read = duration(text).ok().map(|duration| duration.as_millis());
            assert_eq!(read, millis, "{text}");
        }
    }

    #[test]
    fn sizes_are_bytes_or_binary_units() {
        for (text, expected) in [
            ("64MiB", Some(64 << 20)),
            ("1GiB", Some(1 << 30)),
            ("1 GiB", Some(1 << 30)),
            ("64Mi", Some(64 << 20)),
            ("16kib", Some(16 << 10)),
            ("262144", Some(262_144)),
            ("10B", Some(10)),
            ("0", Some(0)),
            ("64MB", None),
            ("1.5GiB", None),
            ("-1", None),
            ("MiB", None),
            ("", None),
            ("99999999TiB", None),
        ] {
            assert_eq!(size(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn addresses_need_an_ip_and_a_port() {
        for (text, expected) in [
            (":8080", Some("[::]:8080")),
            ("localhost:1", Some("127.0.0.1:1")),
            ("127.0.0.1:0", Some("127.0.0.1:0")),
            ("[::1]:8080", Some("[::1]:8080")),
            ("[::]:8080", Some("[::]:8080")),
            ("8080", None),
            ("127.0.0.1", None),
            ("registry.example.com:80", None),
            (":80800", None),
            (":", None),
            ("", None),
        ] {
            let read = address(text).ok().map(|address| address.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_shown_value_reads_as_itself() {
        for nanos in [
            0,
            1,
            1_500,
            5_400_000_000_000,
            900_000_000_001,
            59_999_999_999,
            86_400_000_000_000,
        ] {
            let value = Duration::from_nanos(nanos);
            assert_eq!(
                duration(&show_duration(value)),
                Ok(value),
                "{}",
                show_duration(value)
            );
        }
        for value in [
            0,
            1,
            1_023,
            1_024,
            1_536,
            64 << 20,
            (64 << 20) + 1,
            3 << 30,
            5 << 40,
        ] {
            assert_eq!(size(&show_size(value)), Ok(value), "{}", show_size(value));
        }
        assert_eq!(show_duration(Duration::from_secs(5_400)), "1h30m");
        assert_eq!(show_size(64 << 20), "64MiB");
    }

    #[test]
    fn flags_and_counts_are_strict() {
        for (text, expected) in [
            ("true", Some(true)),
            ("False", Some(false)),
            ("on", None),
            ("1", None),
            ("", None),
        ] {
            assert_eq!(flag(text).ok(), expected, "{text}");
        }
        for (text, expected) in [
            ("0", Some(0)),
            ("007", Some(7)),
            ("+1", None),
            ("1e3", None),
            ("", None),
        ] {
            assert_eq!(count(text).ok(), expected, "{text}");
        }
    }
}
