//! State of the database for writes, by the outcome of the last batch.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use cairn_registry::{ErrorKind, Result};

/// Ability of a database to take writes, as far as this process has tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writes {
    Taken,
    /// It may be read only: a standby, a read-only mount, a setting.
    ReadOnly,
    /// The disk is full.
    Full,
}

impl Writes {
    /// The word for probes and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Taken => "up",
            Self::ReadOnly => "read-only",
            Self::Full => "full",
        }
    }
}

/// Time in which a smaller batch that is taken does not disprove a full disk.
const DOUBT: Duration = Duration::from_secs(10 * 60);

/// State of the database by its batches, shared by all writers.
#[derive(Debug, Default)]
pub(super) struct LastWrite(Mutex<Option<Refused>>);

#[derive(Debug)]
struct Refused {
    writes: Writes,
    /// Statements of the largest batch that was refused.
    size: usize,
    at: Instant,
}

impl Refused {
    /// On a disk that is full to the brim small batches still fit.
    fn is_disproved(&self, size: usize) -> bool {
        self.writes != Writes::Full || size >= self.size || self.at.elapsed() > DOUBT
    }
}

impl LastWrite {
    /// Notes how a batch of so many statements ended. A failure that says nothing of the disk or of permission changes nothing.
    pub(super) fn note<T>(&self, size: usize, outcome: &Result<T>) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let writes = match outcome {
            Ok(_) => {
                last.take_if(|refused| refused.is_disproved(size));
                return;
            }
            Err(error) if error.kind() == ErrorKind::Full => Writes::Full,
            Err(error) if error.kind() == ErrorKind::ReadOnly => Writes::ReadOnly,
            Err(_) => return,
        };
        let before = last.as_ref().filter(|refused| refused.writes == writes);
        *last = Some(Refused {
            writes,
            size: before.map_or(size, |refused| refused.size.max(size)),
            at: Instant::now(),
        });
    }

    pub(super) fn get(&self) -> Writes {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref()
            .map_or(Writes::Taken, |refused| refused.writes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cairn_registry::Error;

    #[test]
    fn only_failures_of_disk_and_permission_and_successes_change_the_state() {
        let last = LastWrite::default();
        let after = |outcome: Result<()>| {
            last.note(5, &outcome);
            last.get().as_str()
        };
        assert_eq!(after(Ok(())), "up");
        assert_eq!(after(Err(Error::full("x"))), "full");
        assert_eq!(after(Err(Error::stale("x"))), "full");
        assert_eq!(after(Err(Error::read_only("x"))), "read-only");
        assert_eq!(after(Ok(())), "up");
    }

    #[test]
    fn small_batches_do_not_disprove_a_full_disk() {
        let last = LastWrite::default();
        last.note(500, &Err::<(), _>(Error::full("x")));
        last.note(1, &Err::<(), _>(Error::full("x")));
        last.note(1, &Ok(()));
        assert_eq!(last.get(), Writes::Full);
        last.note(500, &Ok(()));
        assert_eq!(last.get(), Writes::Taken);
        last.note(500, &Err::<(), _>(Error::read_only("x")));
        last.note(1, &Ok(()));
        assert_eq!(last.get(), Writes::Taken);
    }
}
