//! The pause of a source after a failure.

use std::time::Duration;

use super::times::{self, lengthened};

/// Pause after the first failure; it doubles with each further one, up to the source's interval.
pub(super) const FIRST_PAUSE: Duration = Duration::from_secs(5);

/// The pause after a failure: doubling, at least what upstream asks for within bounds, and up to a quarter more.
pub(super) fn pause(attempts: i64, interval: Duration, retry_after: Option<Duration>) -> Duration {
    let doublings = u32::try_from(attempts.clamp(0, 10)).unwrap_or(0);
    let own = FIRST_PAUSE.saturating_mul(2_u32.pow(doublings));
    let asked = retry_after
        .unwrap_or_default()
        .min(interval.max(times::LONGEST_PAUSE));
    lengthened(
        own.min(interval.max(FIRST_PAUSE)).max(asked),
        fastrand::f64() * times::PAUSE_JITTER,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_interval_and_honour_the_upstream() {
        let check = |attempts, retry_after: Option<u64>, seconds: u64| {
            let found = pause(
                attempts,
                Duration::from_secs(60),
                retry_after.map(Duration::from_secs),
            );
            let expected = Duration::from_secs(seconds);
            assert!(
                found >= expected && found <= expected.mul_f64(1.25),
                "{attempts}: {found:?}"
            );
        };
        check(0, None, 5);
        check(1, None, 10);
        check(3, None, 40);
        check(4, None, 60);
        check(1000, None, 60);
        check(0, Some(300), 300);
        check(3, Some(1), 40);
    }

    #[test]
    fn pauses_asked_for_are_bounded_by_the_interval_or_an_hour() {
        let hour = Duration::from_secs(3600);
        for (asked, interval, most) in [
            (Duration::from_secs(9_999_999_999), hour / 60, hour),
            (Duration::MAX, hour / 3600, hour),
            (Duration::MAX, hour * 24, hour * 24),
            (Duration::from_secs(u64::MAX), Duration::MAX, Duration::MAX),
        ] {
            let found = pause(0, interval, Some(asked));
            assert!(found >= most.min(asked), "{asked:?}: {found:?}");
            assert!(found <= lengthened(most, 0.25), "{asked:?}: {found:?}");
        }
    }
}
