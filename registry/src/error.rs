//! The one error of the domain. It knows no protocol: each surface maps [`Kind`] in one exhaustive match.

use std::fmt;

/// Result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, for a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The thing asked for is not there, or may not be known to be there.
    NotFound(What),
    /// A value the caller gave is wrong; [`Error::field`] names it.
    Invalid,
    /// Somebody else was faster: an expected state no longer holds. Read again, then retry.
    Stale,
    /// The store has no room left.
    Full,
    /// The store may be read only.
    ReadOnly,
    /// The store cannot answer now.
    Unavailable,
    /// A defect of ours.
    Internal,
}

/// The noun that was not found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Registry,
    Server,
    Version,
    Route,
    Source,
}

/// An error with a public half and a private half. `message` may be shown to anybody; `cause` goes to the log only.
#[derive(Debug, Clone)]
pub struct Error(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    kind: Kind,
    message: String,
    field: Option<&'static str>,
    value: Option<String>,
    cause: Option<String>,
}

impl Error {
    fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            field: None,
            value: None,
            cause: None,
        }))
    }

    /// `what` named by the caller is not there.
    #[must_use]
    pub fn not_found(what: What, message: impl Into<String>) -> Self {
        Self::new(Kind::NotFound(what), message)
    }

    /// The value given for `field` is wrong; `message` says why and what to give instead.
    #[must_use]
    pub fn invalid(
        field: &'static str,
        value: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        let mut error = Self::new(Kind::Invalid, message);
        error.0.field = Some(field);
        error.0.value = Some(value.into());
        error
    }

    /// An expected state no longer holds.
    #[must_use]
    pub fn stale(message: impl Into<String>) -> Self {
        Self::new(Kind::Stale, message)
    }

    /// The store has no room left.
    #[must_use]
    pub fn full(cause: impl Into<String>) -> Self {
        Self::new(Kind::Full, "the database has no room left").because(cause)
    }

    /// The database takes no writes.
    #[must_use]
    pub fn read_only(cause: impl Into<String>) -> Self {
        Self::new(
            Kind::ReadOnly,
            "the database takes no writes: it is read-only, see `cairn doctor`",
        )
        .because(cause)
    }

    /// The store cannot answer; `message` names the remedy where there is one.
    #[must_use]
    pub fn unavailable(message: impl Into<String>, cause: impl Into<String>) -> Self {
        Self::new(Kind::Unavailable, message).because(cause)
    }

    /// A defect of ours; the caller learns nothing but that.
    #[must_use]
    pub fn internal(cause: impl Into<String>) -> Self {
        Self::new(Kind::Internal, "internal error").because(cause)
    }

    /// Adds the private half.
    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// For anybody to read.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The parameter or field at fault.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        self.0.field
    }

    /// What the caller gave for [`Self::field`].
    #[must_use]
    pub fn value(&self) -> Option<&str> {
        self.0.value.as_deref()
    }

    /// For the log only, never for a response.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        match &self.0.cause {
            Some(cause) => write!(f, " ({cause})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}
