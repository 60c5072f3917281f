//! Variables that the host gives: which database there is, and how long an answer may take.

use cairn_registry::Error;
use spin_sdk::variables;

/// Seconds that a request may take; without a value the host limits it.
const LIMIT: &str = "request_timeout";

/// A variable that the host does not give, though it may have one: its provider fails.
#[derive(Debug, Clone)]
pub(crate) struct Unread {
    variable: &'static str,
    cause: String,
}

impl Unread {
    /// Of a request that needs none.
    pub(crate) const NOT_ASKED: Self = Self {
        variable: "database_url",
        cause: String::new(),
    };

    pub(super) fn error(&self) -> Error {
        let message = format!(
            "the variable {} cannot be read: check the provider of variables",
            self.variable
        );
        Error::unavailable(message, &*self.cause)
    }
}

/// A variable's value; one without a value, or that the host does not know, is none.
pub(super) async fn given(variable: &'static str) -> Result<Option<String>, Unread> {
    match variables::get(variable).await {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(variables::Error::Undefined(_)) => Ok(None),
        Err(error) => Err(Unread {
            variable,
            cause: error.to_string(),
        }),
    }
}

/// Seconds that a request may take.
pub(crate) async fn limit() -> Result<Option<u64>, Unread> {
    let Some(text) = given(LIMIT).await? else {
        return Ok(None);
    };
    let seconds = text.parse().map_err(|_| Unread {
        variable: LIMIT,
        cause: format!("{text:?} is not a number of seconds"),
    })?;
    Ok(Some(seconds).filter(|seconds| *seconds > 0))
}
