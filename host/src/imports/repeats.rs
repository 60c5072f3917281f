//! Lines that come again and again: one stands for all of them for a while. A database that is down fails every request
//! with the same words.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Time for which a line stands for those that are like it.
const QUIET: Duration = Duration::from_secs(60);

/// Most lines that are remembered.
const MOST: usize = 64;

/// Decision on a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Log it; so many like it were left out since the last one.
    Log(u64),
    LeaveOut,
}

#[derive(Debug, Default)]
struct Lines(HashMap<String, (Instant, u64)>);

static LINES: LazyLock<Mutex<Lines>> = LazyLock::new(Mutex::default);

/// Decides on a line. Lines that differ in the id of their request are alike.
pub(super) fn turn(line: &str) -> Turn {
    let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    lines.turn(line, Instant::now())
}

impl Lines {
    fn turn(&mut self, line: &str, now: Instant) -> Turn {
        let line = line.split(" request_id=").next().unwrap_or(line);
        if let Some((since, left_out)) = self.0.get_mut(line) {
            if now.saturating_duration_since(*since) < QUIET {
                *left_out += 1;
                return Turn::LeaveOut;
            }
            *since = now;
            return Turn::Log(std::mem::take(left_out));
        }
        if self.0.len() >= MOST {
            self.0
                .retain(|_, (since, _)| now.saturating_duration_since(*since) < QUIET);
        }
        if self.0.len() < MOST {
            self.0.insert(line.to_owned(), (now, 0));
        }
        Turn::Log(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stands_for_those_like_it() {
        let begun = Instant::now();
        let mut lines = Lines::default();
        let mut at = |seconds, line: &str| lines.turn(line, begun + Duration::from_secs(seconds));
        assert_eq!(at(0, "503: down request_id=1"), Turn::Log(0));
        assert_eq!(at(1, "503: down request_id=2"), Turn::LeaveOut);
        assert_eq!(at(1, "503: full request_id=3"), Turn::Log(0));
        assert_eq!(at(59, "503: down"), Turn::LeaveOut);
        assert_eq!(at(60, "503: down request_id=4"), Turn::Log(2));
        assert_eq!(at(61, "503: down request_id=5"), Turn::LeaveOut);
        for number in 0..1000 {
            at(62, &number.to_string());
        }
        assert!(lines.0.len() <= MOST);
    }
}
