//! Gives back what only the start needed.
//!
//! Starting runs through most of a large program once, and the kernel maps whole neighbourhoods of every page touched:
//! two thirds of an idle server's resident memory would be code that never runs again. Given back, it stays in the page
//! cache, and what is needed after all is mapped again within a microsecond.

/// Unmaps this program's code. On systems without `/proc` nothing happens.
pub(super) fn give_back() {
    #[cfg(target_os = "linux")]
    for (start, length) in code().unwrap_or_default() {
        release(start, length);
    }
}

/// Address and length of what is mapped of this program to be run.
#[cfg(target_os = "linux")]
fn code() -> std::io::Result<Vec<(usize, usize)>> {
    let program = std::fs::read_link("/proc/self/exe")?;
    let maps = std::fs::read_to_string("/proc/self/maps")?;
    let mapped = |line: &str| {
        let (range, rest) = line.split_once(' ')?;
        // Execute, and no write: nothing in it can differ from the file.
        let is_code = rest.starts_with("r-xp") && line.ends_with(program.to_str()?);
        let (start, end) = range.split_once('-').filter(|_| is_code)?;
        let start = usize::from_str_radix(start, 16).ok()?;
        Some((start, usize::from_str_radix(end, 16).ok()? - start))
    };
    Ok(maps.lines().filter_map(mapped).collect())
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "advice about memory takes an address")]
fn release(start: usize, length: usize) {
    let address = std::ptr::with_exposed_provenance_mut(start);
    // SAFETY: the range is a whole mapping of this program's file that is never written to, so the kernel reads the same
    // bytes back from the file when they are needed. Nothing in it is freed.
    let advised =
        unsafe { rustix::mm::madvise(address, length, rustix::mm::Advice::LinuxDontNeed) };
    if let Err(error) = advised {
        tracing::debug!(%error, "the program's code stays resident");
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_program_runs_on_without_its_resident_code() {
        let found = code().unwrap();
        assert!(
            found.iter().any(|(_, length)| *length > 1 << 20),
            "{found:?}"
        );
        give_back();
        assert_eq!(code().unwrap(), found);
    }
}
