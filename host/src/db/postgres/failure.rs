//! Why there is no answer, in more words than the domain has: a guest is told the server's own.

use std::{error::Error as _, io};

use cairn_registry::{Error, store::postgres};

/// Message for a server that no connection was made to.
pub const UNREACHED: &str = "the database cannot be reached";

/// Message for a server that has a connection and does not answer.
pub const SILENT: &str = "the database does not answer";

/// What the driver says of a server without TLS.
const NO_TLS: &str = "server does not support TLS";

/// The driver's text for a server that asks for a password and gets none.
const NO_PASSWORD: &str = "password missing";

/// Why a statement has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The server refused it.
    Refused(Box<Refusal>),
    /// There is no server, or no connection to it: why, and for the log what was said.
    Unreachable(&'static str, String),
    /// The configuration lacks what the server asks for: what, and where it was looked for.
    Unconfigured(String),
    /// It could not even be sent: a defect of ours.
    Unsent(String),
}

/// What the server said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// `ERROR`, `FATAL` or `PANIC`.
    pub severity: String,
    /// Five characters: SQLSTATE.
    pub code: String,
    pub message: String,
    pub detail: Option<String>,
    /// All of it in one line.
    pub text: String,
}

impl Failure {
    /// Returns true if the connection failed rather than the statement: lost, told to end, read-only since it began, or
    /// with prepared statements that the schema has left behind.
    pub(super) fn wears_out(&self) -> bool {
        const LEFT_BEHIND: [&str; 3] = ["0A000", "26000", "25006"];
        match self {
            Self::Refused(refusal) => {
                let code = refusal.code.as_str();
                LEFT_BEHIND.contains(&code) || code.starts_with("57P") || code.starts_with("08")
            }
            Self::Unreachable(..) => true,
            Self::Unsent(_) | Self::Unconfigured(_) => false,
        }
    }

    /// Returns true if the server takes no more connections (`too_many_connections`).
    pub(super) fn is_full(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.code == "53300")
    }

    /// The same while connecting: whatever it is, there is no connection.
    pub(super) fn unconnected(self) -> Self {
        match self {
            Self::Unsent(told) if told.contains(NO_TLS) => Self::Unreachable(
                "the database does not encrypt, as database.sslMode demands",
                told,
            ),
            Self::Unsent(told) => Self::Unreachable(UNREACHED, told),
            Self::Unreachable(_, told) => Self::Unreachable(UNREACHED, told),
            Self::Refused(_) | Self::Unconfigured(_) => self,
        }
    }

    /// Returns true if the password is missing.
    pub(super) fn lacks_password(&self) -> bool {
        matches!(self, Self::Unsent(told) if told.contains(NO_PASSWORD))
    }

    /// Returns true if a retry fails until the operator changes something.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        match self {
            // Class 28 of SQLSTATE: an unknown user, a wrong password, an address that is not let in.
            Self::Refused(refusal) => refusal.code.starts_with("28"),
            Self::Unconfigured(_) => true,
            Self::Unreachable(..) | Self::Unsent(_) => false,
        }
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(failure: tokio_postgres::Error) -> Self {
        // The driver leaves what caused it out of its own text.
        let told = match failure.source() {
            Some(source) => format!("{failure}: {source}"),
            None => failure.to_string(),
        };
        match failure.as_db_error() {
            Some(error) => Self::Refused(Box::new(Refusal {
                severity: error.severity().to_owned(),
                code: error.code().code().to_owned(),
                message: error.message().to_owned(),
                detail: error.detail().map(str::to_owned),
                text: error.to_string(),
            })),
            None if failure.is_closed() || is_io(&failure) => {
                Self::Unreachable("the database connection was lost", told)
            }
            None => Self::Unsent(told),
        }
    }
}

fn is_io(failure: &tokio_postgres::Error) -> bool {
    failure
        .source()
        .is_some_and(|source| source.is::<io::Error>())
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refusal) => postgres::failure(&refusal.code, refusal.text),
            Failure::Unreachable(message, told) => Self::unavailable(message, told),
            Failure::Unconfigured(message) => Self::unavailable(message, "no password"),
            Failure::Unsent(told) => Self::internal(told),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_and_missing_passwords_are_not_tried_again() {
        let refused = |code: &str| {
            Failure::Refused(Box::new(Refusal {
                severity: "FATAL".to_owned(),
                code: code.to_owned(),
                message: "login".to_owned(),
                detail: None,
                text: "FATAL: login".to_owned(),
            }))
        };
        for (failure, expected) in [
            (refused("28000"), true),
            (refused("28P01"), true),
            (refused("3D000"), false),
            (refused("57P03"), false),
            (Failure::Unreachable("no login", "login".to_owned()), false),
            (Failure::Unconfigured("no password".to_owned()), true),
        ] {
            assert_eq!(failure.is_lasting(), expected, "{failure:?}");
        }
    }
}
