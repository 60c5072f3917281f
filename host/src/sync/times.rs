//! Times as rows have them. A clock that was wrong may have written them, so none is believed that no right clock could have
//! written. Pure: the time comes as an argument.

use std::time::Duration;

use cairn_registry::{model::Timestamp, ops::report};

/// Difference that two right clocks may have.
const SKEW: Duration = Duration::from_secs(60);

/// Longest pause after a failure, unless the interval is longer.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

/// A pause is longer than asked for by a share up to these, so that sources do not wake together.
pub(super) const INTERVAL_JITTER: f64 = 0.1;
pub(super) const PAUSE_JITTER: f64 = 0.25;

/// Returns true if that time has come, by a clock that may lag a little.
pub(super) fn has_been(time: Timestamp, now: Timestamp) -> bool {
    time <= after(now, SKEW)
}

pub(super) fn after(time: Timestamp, pause: Duration) -> Timestamp {
    let micros = i64::try_from(pause.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(time.as_micros().saturating_add(micros))
}

/// The time and a share of it more; the longest there is where that is too much.
pub(super) fn lengthened(time: Duration, share: f64) -> Duration {
    Duration::try_from_secs_f64(time.as_secs_f64() * (1.0 + share)).unwrap_or(Duration::MAX)
}

fn until(time: Timestamp, now: Timestamp) -> Duration {
    let micros = time.as_micros().saturating_sub(now.as_micros());
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// Longest pause that a source of that interval can have before its next run.
fn longest(row: &report::Source, interval: Duration) -> Duration {
    if row.phase == "failed" {
        lengthened(interval.max(LONGEST_PAUSE), PAUSE_JITTER)
    } else {
        lengthened(interval, INTERVAL_JITTER)
    }
}

/// Returns the end of the last run.
fn last_run(row: &report::Source) -> Option<Timestamp> {
    if row.phase == "failed" {
        row.last_attempt_at
    } else {
        row.last_success_at.or(row.last_attempt_at)
    }
}

/// Time until a source is due. A next run that lies further away than the interval allows was written by a wrong clock or for
/// a longer interval: the last run then decides, unless it lies in the future itself.
pub(super) fn until_due(row: &report::Source, interval: Duration, now: Timestamp) -> Duration {
    let wait = until(row.next_run_at, now);
    let longest = longest(row, interval);
    match last_run(row) {
        // The last run may lie in the future a little: no pause is longer than the longest for that.
        Some(last) if has_been(last, now) => {
            wait.min(until(after(last, longest), now)).min(longest)
        }
        Some(_) => Duration::ZERO,
        None if wait > longest.saturating_add(SKEW) => Duration::ZERO,
        None => wait,
    }
}

/// Times of a row that cannot be right now, in words for an operator. Without one the clock and the row agree.
#[must_use]
pub fn doubtful(
    row: &report::Source,
    interval: Duration,
    lease: Duration,
    now: Timestamp,
) -> Vec<String> {
    let past = [
        ("last attempt", row.last_attempt_at),
        ("last success", row.last_success_at),
        ("last whole reading", row.full_pass_at),
    ];
    let mut found: Vec<String> = past
        .into_iter()
        .filter_map(|(what, time)| Some((what, time?)))
        .filter(|(_, time)| !has_been(*time, now))
        .map(|(what, time)| format!("{what} {time} lies in the future"))
        .collect();
    let next = row.next_run_at;
    if !has_been(next, after(now, longest(row, interval))) {
        found.push(format!(
            "next run {next} lies further away than the interval"
        ));
    }
    let until = row.lease_until;
    if !has_been(until, after(now, lease.saturating_mul(2))) {
        found.push(format!(
            "the lease lasts until {until}, longer than a lease may"
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::default().plus_seconds(NOW + seconds)
    }

    /// A row by phase, last success, last attempt and next run, in seconds from now.
    fn row(phase: &str, times: [Option<i64>; 3]) -> report::Source {
        let [success, attempt, next] = times.map(|time| time.map(at));
        let mut row = report::Source::default();
        row.phase = phase.to_owned();
        row.last_success_at = success;
        row.last_attempt_at = attempt;
        row.next_run_at = next.unwrap_or_default();
        row
    }

    #[test]
    fn impossible_next_runs_count_as_due() {
        let year = 400 * 24 * 3600;
        let check = |phase, times, interval, expected: u64| {
            let interval = Duration::from_secs(interval);
            let found = until_due(&row(phase, times), interval, at(0));
            assert_eq!(found.as_secs(), expected, "{phase} {times:?}");
        };
        check("pending", [None, None, None], 60, 0);
        check("complete", [Some(-10), Some(-10), Some(55)], 60, 55);
        check("complete", [Some(-10), Some(-10), Some(-5)], 60, 0);
        // Written ahead of its time.
        check("complete", [Some(year), Some(year), Some(year + 60)], 60, 0);
        check("complete", [Some(3600), Some(3600), Some(3660)], 60, 0);
        check("complete", [None, None, Some(year)], 60, 0);
        check("failed", [None, Some(year), Some(year + 5)], 60, 0);
        check("failed", [Some(year), Some(-10), Some(5)], 60, 5);
        check("failed", [None, Some(-10), Some(year)], 60, 4490);
        // Another machine's clock is a little ahead.
        check("complete", [Some(2), Some(2), Some(66)], 60, 66);
        check("complete", [Some(50), Some(50), Some(51)], 1, 1);
        // A shorter interval, and a longer one.
        check("complete", [Some(-600), Some(-600), Some(86_000)], 60, 0);
        check("complete", [Some(-10), Some(-10), Some(86_000)], 60, 56);
        check("complete", [Some(-10), Some(-10), Some(50)], 86_400, 50);
        // The interval counts from the end of a long pass.
        check("complete", [Some(0), Some(-3000), Some(3900)], 3600, 3900);
    }

    #[test]
    fn times_in_the_future_are_named() {
        let (interval, lease) = (Duration::from_secs(60), Duration::from_secs(60));
        let named = |row: &report::Source| doubtful(row, interval, lease, at(0));
        assert_eq!(
            named(&row("complete", [Some(-9), Some(-9), Some(50)])),
            [""; 0]
        );
        let mut ahead = row("complete", [Some(9000), Some(-9), Some(9060)]);
        ahead.lease_until = at(9000);
        let found = named(&ahead).join("; ");
        for word in ["last success", "next run", "lease"] {
            assert!(found.contains(word), "{found}");
        }
        assert!(!found.contains("attempt"), "{found}");
    }
}
