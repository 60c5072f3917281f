//! What is written to a person or a script.

use std::{
    fmt::Display,
    io::{self, ErrorKind, IsTerminal, Write},
    process::ExitCode,
    sync::OnceLock,
};

use serde_json::Value;

use crate::telemetry::log;

/// The first failure of standard output.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// Writes one line to stdout. What cannot be written fails the command at its [end](ended).
pub(super) fn line(text: impl Display) {
    note(writeln!(io::stdout(), "{text}"));
}

/// Writes what a command has done: to stderr when stdout has its output.
pub(super) fn done(is_stdout_taken: bool, text: impl Display) {
    if is_stdout_taken {
        let _ = writeln!(io::stderr(), "{text}");
    } else {
        line(text);
    }
}

/// A closed pipe is no failure: its reader has had enough.
pub(super) fn note(written: io::Result<()>) {
    if let Err(error) = written
        && error.kind() != ErrorKind::BrokenPipe
    {
        let _ = LOST.set(error);
    }
}

/// The exit code of a command whose answers may have been lost on their way, to a full disk for example.
pub(super) fn ended(code: ExitCode) -> ExitCode {
    note(io::stdout().flush());
    match LOST.get() {
        None => code,
        Some(lost) => {
            problem(&format!("standard output cannot be written: {lost}"));
            ExitCode::FAILURE
        }
    }
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
    let wanted = log::wants_colour(|name| std::env::var_os(name));
    if wanted && io::stdout().is_terminal() && io::stderr().is_terminal() {
        format!("\u{1b}[{colour}m{word}\u{1b}[0m")
    } else {
        word.to_owned()
    }
}
