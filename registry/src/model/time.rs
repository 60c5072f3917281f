//! Points in time, in microseconds: what both engines and the official registry keep.

use std::fmt;

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Timestamp(i64);

/// 2025-09-08T00:00:00Z: the day on which the format of records was published.
const FORMAT_PUBLISHED: i64 = 1_757_289_600_000_000;

impl Timestamp {
    /// The time of something done to a record: a clock that lies before the format of records is wrong, and that day stands
    /// in.
    #[must_use]
    pub fn of_record(self) -> Self {
        Self(self.0.max(FORMAT_PUBLISHED))
    }

    #[must_use]
    pub fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    #[must_use]
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// Later by that many seconds; stops at the end of time.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// Reads RFC 3339 (section 5.6) with any offset; what is finer than a microsecond is cut off.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let time: jiff::Timestamp = text.parse().ok()?;
        Some(Self(time.as_microsecond()))
    }
}

/// RFC 3339 in UTC, with as many digits of a second as there are.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(time) => write!(f, "{time}"),
            Err(_) => f.write_str("1970-01-01T00:00:00Z"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn times_of_records_are_no_older_than_their_format() {
        let first = Timestamp::parse("2025-09-08T00:00:00Z").expect("a time");
        let before = Timestamp::from_micros(-1);
        assert_eq!(before.of_record(), first);
        assert_eq!(Timestamp::default().of_record(), first);
        assert_eq!(first.plus_seconds(1).of_record(), first.plus_seconds(1));
    }

    #[test]
    fn rfc_3339_is_read_and_written_in_utc() {
        let check = |input, expected: Option<&str>| {
            let shown = Timestamp::parse(input).map(|time| time.to_string());
            assert_eq!(shown.as_deref(), expected, "{input}");
        };
        check(
            "2025-10-30T10:19:26.892476Z",
            Some("2025-10-30T10:19:26.892476Z"),
        );
        check(
            "2025-10-30T10:19:26.890000Z",
            Some("2025-10-30T10:19:26.89Z"),
        );
        check("2025-10-30T12:19:26+02:00", Some("2025-10-30T10:19:26Z"));
        check(
            "2025-10-30T10:19:26.8924767Z",
            Some("2025-10-30T10:19:26.892476Z"),
        );
        check("2025-10-30", None);
        check("yesterday", None);
        check("2025-13-01T00:00:00Z", None);
        check("", None);
    }
}
