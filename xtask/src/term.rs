//! What a person sees. Steps, notes and errors go to standard error, beside what cargo says; results go to standard
//! output. Colours appear on a terminal only.

use std::{
    io::{IsTerminal, Write, stderr, stdout},
    time::Duration,
};

/// Announces what starts now, and about how long it takes where that is worth knowing.
pub(crate) fn step(what: &str) {
    eprintln!("{} {what}", painted("1;32", "==>"));
}

/// A line under a step.
pub(crate) fn note(what: &str) {
    eprintln!("    {what}");
}

/// An error with its causes, in one line.
pub(crate) fn error(error: &anyhow::Error) {
    eprintln!("{} {error:#}", painted("1;31", "error:"));
}

/// A result. A reader that has gone away is no reason to fail.
pub(crate) fn result(line: &str) {
    drop(writeln!(stdout(), "{line}"));
}

fn painted(style: &str, text: &str) -> String {
    if stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        format!("\x1b[{style}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

/// A duration as people say it: `0.4 s`, `12 s`, `3 min 20 s`.
pub(crate) fn time(duration: Duration) -> String {
    match duration.as_secs() {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        10..60 => format!("{} s", duration.as_secs()),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

/// A size in decimal megabytes, as the limits are given: `0.62 MB`, `31 MB`.
pub(crate) fn size(bytes: u64) -> String {
    let hundredths = bytes / 10_000;
    if hundredths < 1000 {
        format!("{}.{:02} MB", hundredths / 100, hundredths % 100)
    } else {
        format!("{} MB", hundredths / 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_are_told_as_people_say_them() {
        for (milliseconds, told) in [
            (0, "0.0 s"),
            (440, "0.4 s"),
            (12_900, "12 s"),
            (60_000, "1 min 0 s"),
            (3_725_000, "62 min 5 s"),
        ] {
            assert_eq!(time(Duration::from_millis(milliseconds)), told);
        }
        for (bytes, told) in [
            (0, "0.00 MB"),
            (624_999, "0.62 MB"),
            (9_999_999, "9.99 MB"),
            (31_400_000, "31 MB"),
        ] {
            assert_eq!(size(bytes), told);
        }
    }
}
