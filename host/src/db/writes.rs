//! What the database made of the last batch: whether it takes writes at all.

use std::sync::atomic::{AtomicU8, Ordering};

use cairn_registry::{ErrorKind, Result};

/// Whether a database takes writes, as far as this process has tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writes {
    Taken,
    /// It may be read only: a standby, a read-only mount, a setting.
    ReadOnly,
    /// The disk is full.
    Full,
}

impl Writes {
    const ALL: [Self; 3] = [Self::Taken, Self::ReadOnly, Self::Full];

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

/// The outcome of the last batch, shared by all who write.
#[derive(Debug, Default)]
pub(super) struct LastWrite(AtomicU8);

impl LastWrite {
    /// Notes how a batch ended. A failure that says nothing of the disk or of permission changes nothing.
    pub(super) fn note<T>(&self, outcome: &Result<T>) {
        let writes = match outcome {
            Ok(_) => Writes::Taken,
            Err(error) if error.kind() == ErrorKind::Full => Writes::Full,
            Err(error) if error.kind() == ErrorKind::ReadOnly => Writes::ReadOnly,
            Err(_) => return,
        };
        self.0.store(writes as u8, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> Writes {
        let stored = self.0.load(Ordering::Relaxed);
        let found = Writes::ALL.into_iter().find(|one| *one as u8 == stored);
        found.unwrap_or(Writes::Taken)
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
            last.note(&outcome);
            last.get().as_str()
        };
        assert_eq!(after(Ok(())), "up");
        assert_eq!(after(Err(Error::full("x"))), "full");
        assert_eq!(after(Err(Error::stale("x"))), "full");
        assert_eq!(after(Err(Error::read_only("x"))), "read-only");
        assert_eq!(after(Ok(())), "up");
    }
}
