//! How far a command is, told to whoever waits for it: nothing in the first two seconds, then a line every two.

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

const PAUSE: Duration = Duration::from_secs(2);

pub(super) struct Progress {
    last: Instant,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self {
            last: Instant::now(),
        }
    }

    /// Tells it when it is time to.
    pub(super) fn tell(&mut self, how_far: impl FnOnce() -> String) {
        if self.last.elapsed() >= PAUSE {
            self.last = Instant::now();
            // Nobody is there to read it: the work goes on.
            let _ = writeln!(io::stderr(), "{}", how_far());
        }
    }
}

/// Bytes, for a person.
pub(super) fn size(bytes: u64) -> String {
    let kibibytes = bytes.div_ceil(1024);
    match kibibytes {
        0..1024 => format!("{kibibytes} KiB"),
        _ => format!("{}.{} MiB", kibibytes / 1024, kibibytes % 1024 * 10 / 1024),
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_rounded_for_people() {
        for (bytes, expected) in [
            (0, "0 KiB"),
            (1, "1 KiB"),
            (1024 * 1024, "1.0 MiB"),
            (1024 * 1536, "1.5 MiB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }
}
