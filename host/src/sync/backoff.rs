//! Pauses that grow, for loops whose progress is stored nowhere else.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);

const LONGEST: Duration = Duration::from_secs(5 * 60);

/// Pauses of a loop that fails: from one second, doubling, up to five minutes, each by up to a quarter longer or shorter.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The pause after one more failure.
    pub(super) fn next(&mut self) -> Duration {
        let doubled = FIRST.saturating_mul(2_u32.saturating_pow(self.failures.min(16)));
        self.failures = self.failures.saturating_add(1);
        doubled.min(LONGEST).mul_f64(0.75 + fastrand::f64() / 2.0)
    }

    /// Begins anew after a success.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_minutes() {
        let mut backoff = Backoff::default();
        for seconds in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            let (pause, middle) = (backoff.next(), Duration::from_secs(seconds));
            let around = middle.mul_f64(0.75)..=middle.mul_f64(1.25);
            assert!(around.contains(&pause), "{seconds}: {pause:?}");
        }
        backoff.reset();
        assert!(backoff.next() < Duration::from_secs(2));
    }
}
