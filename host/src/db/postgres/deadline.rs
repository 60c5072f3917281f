//! The time by which a request's statement has to be answered. It waits for nothing itself.

use std::time::{Duration, Instant};

use super::failure::{Failure, SILENT};

/// The end of a statement's time, the wait for its connection included.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    end: Instant,
    /// Time without which the statement is not begun: cutting it short would cost the connection, and the next request would
    /// have to wait for another one.
    least: Duration,
}

impl Deadline {
    /// `None` where it lies beyond what a clock can show.
    pub(super) fn after(patience: Duration) -> Option<Self> {
        Some(Self {
            end: Instant::now().checked_add(patience)?,
            least: patience / 2,
        })
    }

    /// Fails when a connection came too late. It goes back to its pool unused.
    pub(super) fn check(self) -> Result<(), Failure> {
        if self.end.saturating_duration_since(Instant::now()) >= self.least {
            return Ok(());
        }
        let told = "the connection came too late for the statement of a request".to_owned();
        Err(Failure::Unreachable(SILENT, told))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_begin_in_the_first_half_of_their_time() {
        let early = Deadline::after(Duration::from_secs(60)).expect("a deadline");
        assert_eq!(early.check(), Ok(()));
        let late = Deadline {
            end: Instant::now() + Duration::from_secs(20),
            least: Duration::from_secs(30),
        };
        assert!(late.check().is_err());
        assert!(Deadline::after(Duration::MAX).is_none());
    }
}
