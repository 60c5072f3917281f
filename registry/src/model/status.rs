//! The life cycle of a version.

use crate::{Error, Result};

/// As the MCP registry names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Active,
    /// Still served, not recommended.
    Deprecated,
    /// Hidden unless asked for.
    Deleted,
}

impl Status {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deprecated => "deprecated",
            Self::Deleted => "deleted",
        }
    }

    /// The status a record names, in any case; `None` for a word that is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Deprecated, Self::Deleted]
            .into_iter()
            .find(|status| status.as_str().eq_ignore_ascii_case(text))
    }

    pub(crate) fn from_row(text: &str) -> Result<Self> {
        Self::parse(text).ok_or_else(|| Error::internal(format!("stored status {text:?}")))
    }
}
