//! What every adapter to SQLite shares, whatever driver it has: what a failure means. It opens no database.

use super::{BUSY, NO_SCHEMA};
use crate::Error;

/// What has gone wrong, as far as it makes a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failed {
    /// Tables, columns or indexes are not there.
    Schema,
    Constraint,
    /// Somebody else is at it, or it was interrupted.
    Busy,
    /// The disk is full, or the file has reached the size it may have.
    Full,
    ReadOnly,
    /// The file cannot be opened, read or written.
    Unusable,
    /// What is in the file is no database, or no whole one.
    Damaged,
    Otherwise,
}

impl Failed {
    /// By result code; what has none of its own is told by the message. Codes: <https://www.sqlite.org/rescode.html>, the
    /// low byte is the class.
    #[must_use]
    pub fn by_code(code: i32, message: &str) -> Self {
        /// Busy, locked, no memory, interrupted, protocol.
        const AT_IT: [i32; 5] = [5, 6, 7, 9, 15];
        const FULL: i32 = 13;
        const CONSTRAINT: i32 = 19;
        const READ_ONLY: i32 = 8;
        /// I/O, cannot open.
        const UNUSABLE: [i32; 2] = [10, 14];
        /// Corrupt, not a database.
        const DAMAGED: [i32; 2] = [11, 26];
        match code & 0xff {
            class if AT_IT.contains(&class) => Self::Busy,
            class if UNUSABLE.contains(&class) => Self::Unusable,
            class if DAMAGED.contains(&class) => Self::Damaged,
            FULL => Self::Full,
            READ_ONLY => Self::ReadOnly,
            CONSTRAINT => Self::Constraint,
            _ => Self::by_message(message),
        }
    }

    /// By the message alone, which is all that `spin:sqlite` passes on.
    #[must_use]
    pub fn by_message(message: &str) -> Self {
        const WORDS: [(&str, Failed); 12] = [
            ("no such table", Failed::Schema),
            ("no such column", Failed::Schema),
            ("no such index", Failed::Schema),
            ("constraint failed", Failed::Constraint),
            ("locked", Failed::Busy),
            ("busy", Failed::Busy),
            ("is full", Failed::Full),
            ("unable to open", Failed::Unusable),
            ("I/O error", Failed::Unusable),
            ("readonly", Failed::ReadOnly),
            ("not a database", Failed::Damaged),
            ("malformed", Failed::Damaged),
        ];
        let said = WORDS.iter().find(|(words, _)| message.contains(words));
        said.map_or(Self::Otherwise, |(_, failed)| *failed)
    }

    /// Which of the domain's errors that is.
    #[must_use]
    pub fn because(self, cause: impl Into<String>) -> Error {
        match self {
            Self::Schema => Error::unavailable(NO_SCHEMA, cause),
            Self::Constraint => Error::stale("the stored state has changed").because(cause),
            Self::Busy => Error::unavailable(BUSY, cause),
            Self::Full => Error::full(cause),
            Self::ReadOnly => Error::read_only(cause),
            Self::Unusable => Error::unavailable(
                "the database file cannot be used: see `cairn doctor`",
                cause,
            ),
            Self::Damaged => {
                Error::unavailable("the database file is damaged: see `cairn doctor`", cause)
            }
            Self::Otherwise => Error::internal(cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn what_an_operator_can_mend_is_no_internal_error() {
        let check = |message, kind| {
            let error = Failed::by_message(message).because(message);
            assert_eq!(error.kind(), kind, "{message}");
        };
        check("no such table: view", ErrorKind::Unavailable);
        check("no such column: v.meta", ErrorKind::Unavailable);
        check("no such index: view_live", ErrorKind::Unavailable);
        check("database is locked", ErrorKind::Unavailable);
        check("unable to open database file", ErrorKind::Unavailable);
        check("disk I/O error", ErrorKind::Unavailable);
        check("file is not a database", ErrorKind::Unavailable);
        check("database disk image is malformed", ErrorKind::Unavailable);
        check("database or disk is full", ErrorKind::Full);
        check("attempt to write a readonly database", ErrorKind::ReadOnly);
        check("near \"SELEC\": syntax error", ErrorKind::Internal);
        check("UNIQUE constraint failed: view.name", ErrorKind::Stale);
        check("NOT NULL constraint failed: view.name", ErrorKind::Stale);
    }

    #[test]
    fn a_code_says_what_its_message_says() {
        let check = |code, message| {
            let by_message = Failed::by_message(message);
            assert_eq!(Failed::by_code(code, message), by_message, "{message}");
            assert_eq!(
                Failed::by_code(code, "").because("").kind(),
                by_message.because("").kind()
            );
        };
        check(5, "database is locked");
        check(517, "database is locked");
        check(6, "database table is locked");
        check(10, "disk I/O error");
        check(266, "disk I/O error");
        check(11, "database disk image is malformed");
        check(13, "database or disk is full");
        check(14, "unable to open database file");
        check(8, "attempt to write a readonly database");
        check(2067, "UNIQUE constraint failed: view.name");
        check(26, "file is not a database");
        assert_eq!(Failed::by_code(1, "no such table: view"), Failed::Schema);
    }

    #[test]
    fn a_missing_schema_names_its_remedy() {
        let error = Failed::by_message("no such table: view").because("no such table: view");
        assert!(error.message().contains("cairn migrate up"));
        assert!(!error.message().contains("view"));
    }
}
