//! What the test runner says, counted while it is passed on.

use std::{
    io::{BufRead, BufReader, Read, Write},
    ops::Add,
};

/// Tests that passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) passed: u64,
    pub(super) failed: u64,
}

impl Counts {
    /// As it stands in the table: nothing, if nothing was counted.
    pub(super) fn told(self) -> String {
        match self {
            Self {
                passed: 0,
                failed: 0,
            } => String::new(),
            Self { passed, failed: 0 } => format!("{passed} passed"),
            Self { passed, failed } => format!("{passed} passed, {failed} failed"),
        }
    }
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
        }
    }
}

/// Passes the output on line by line. Returns the sum of all results, and what tests say they could not check.
pub(super) fn follow(output: impl Read, mut to: impl Write) -> (Counts, Vec<String>) {
    let (mut sum, mut not_checked) = (Counts::default(), Vec::new());
    for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        // A reader that has gone away does not change the result.
        drop(writeln!(to, "{line}"));
        sum = sum + result(&line).unwrap_or_default();
        not_checked.extend(line.strip_prefix("not checked: ").map(str::to_owned));
    }
    (sum, not_checked)
}

/// The counts of a line like `test result: ok. 12 passed; 0 failed; 0 ignored; …`.
fn result(line: &str) -> Option<Counts> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let number = |word: &str| {
        counts
            .split("; ")
            .find_map(|part| part.strip_suffix(word)?.trim_end().parse().ok())
    };
    Some(Counts {
        passed: number("passed")?,
        failed: number("failed")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_results_of_all_binaries_are_summed() {
        let output = "running 2 tests\n\
            test one ... ok\n\
            test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 7 filtered out; finished in 0.01s\n\
            not checked: no data here\n\
            test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 0 filtered out; finished in 1.00s\n\
            test result: unreadable\n\
            the text test result: ok. 9 passed; 0 failed; is not a result\n";
        let mut passed_on = Vec::new();
        let (sum, not_checked) = follow(output.as_bytes(), &mut passed_on);
        assert_eq!(passed_on, output.as_bytes());
        assert_eq!(
            sum,
            Counts {
                passed: 14,
                failed: 3
            }
        );
        assert_eq!(not_checked, ["no data here"]);
    }
}
