//! The remedy in the message of a failed source. Messages are written as `what happened; what helps`.

/// The remedy for a failure that names none.
const GENERAL: &str = "see what the message names; it is tried again by itself";

/// Splits the message of a failed source, as it is stored with the source, into what happened and the remedy.
#[must_use]
pub fn remedy(message: &str) -> (&str, &str) {
    message.rsplit_once("; ").unwrap_or((message, GENERAL))
}

#[cfg(test)]
mod tests {
    use super::{GENERAL, remedy};

    #[test]
    fn messages_are_split_into_what_happened_and_the_remedy() {
        for (message, expected) in [
            (
                "https://r.example/: HTTP 401: access is refused; check the token",
                (
                    "https://r.example/: HTTP 401: access is refused",
                    "check the token",
                ),
            ),
            ("a; b; c", ("a; b", "c")),
            ("the disk is full", ("the disk is full", GENERAL)),
        ] {
            assert_eq!(remedy(message), expected, "{message}");
        }
    }
}
