//! What is written to a person or a script.

use std::io::{self, IsTerminal, Write};

use serde_json::Value;

/// Writes one line to stdout. A closed pipe is no failure: whoever reads has had enough.
pub(super) fn line(text: impl std::fmt::Display) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// Facts as one line of JSON.
pub(super) fn json(facts: impl IntoIterator<Item = (&'static str, Value)>) -> String {
    let facts = facts.into_iter();
    Value::Object(facts.map(|(name, fact)| (name.to_owned(), fact)).collect()).to_string()
}

/// Writes an error with its causes to stderr.
pub(super) fn error(error: &anyhow::Error) {
    let word = paint("1;31", "error");
    let _ = writeln!(io::stderr(), "{word}: {error:#}");
}

/// Writes a line about something that went wrong, while the rest goes on.
pub(super) fn problem(text: &str) {
    let _ = writeln!(io::stderr(), "{}: {text}", paint("1;31", "error"));
}

/// A word in colour, on a terminal that wants it.
pub(super) fn paint(colour: &str, word: &str) -> String {
    let wanted = std::env::var_os("NO_COLOR").is_none();
    if wanted && io::stdout().is_terminal() && io::stderr().is_terminal() {
        format!("\u{1b}[{colour}m{word}\u{1b}[0m")
    } else {
        word.to_owned()
    }
}
