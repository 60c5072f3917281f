//! Little memory: an allocator that keeps little, and what is needed no more is given back, first of all what only the
//! start needed.
//!
//! Starting runs through most of a large program once, and the kernel maps whole neighbourhoods of every page touched:
//! most of an idle server's resident memory would be code that never runs again. Given back, it stays in the page cache,
//! and what is needed after all is mapped again within a microsecond.

use std::time::Duration;

/// After this the start is over.
const STARTED: Duration = Duration::from_secs(1);

/// How often what lies free is given back: pages of many sizes leave gaps between them, which under load add up.
const PAUSE: Duration = Duration::from_secs(2);

/// Bytes from which on an allocation is a mapping of its own, and goes back to the system when it is freed: buffers of
/// compressors, not those of pages.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE: i32 = 256 << 10;

/// Threads that live as long as the process, beyond two for each processor (one that serves, one of the daemon's runtime):
/// the first one, the writer's, the one of the access log, the one that counts ticks.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const OTHER_THREADS: usize = 4;

/// An arena of the C library's allocator for each thread that lives as long as the process. With fewer, two threads that
/// serve may be dealt the same one and wait for each other at every buffer; with its own number, eight for each processor,
/// threads that come and go would have them too, and each keeps what its busiest moment needed. Large buffers are kept by
/// none. To be called before there are threads.
pub(crate) fn sparing_allocator() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let arenas = 2 * processors + OTHER_THREADS;
        set(libc::M_ARENA_MAX, i32::try_from(arenas).unwrap_or(i32::MAX));
        set(libc::M_MMAP_THRESHOLD, LARGE);
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "a setting of the C library")]
fn set(parameter: i32, value: i32) {
    // SAFETY: it takes two numbers and changes how memory is taken from the system from now on.
    unsafe { libc::mallopt(parameter, value) };
}

/// The allocator of a static binary, SQLite's too.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Gives back what lies free between what is still used. To be called now and then by what needs much for a short time, as
/// a batch of a sync does: else what is left between many such needs adds up.
pub(crate) fn trim() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[expect(unsafe_code, reason = "an order to the C library")]
    // SAFETY: it takes a number and touches free memory only.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Waits for the start to be over and unmaps what this program's file holds unchanged (on systems without `/proc` nothing
/// happens); from then on gives back, now and then, what lies free.
pub(crate) async fn give_back() {
    tokio::time::sleep(STARTED).await;
    #[cfg(target_os = "linux")]
    release_all();
    loop {
        tokio::time::sleep(PAUSE).await;
        trim();
    }
}

#[cfg(target_os = "linux")]
fn release_all() {
    for (start, length) in unchanged().unwrap_or_default() {
        release(start, length);
    }
}

/// Address and length of the mappings of this program's file that cannot be written to and were not: code and constants.
#[cfg(target_os = "linux")]
fn unchanged() -> std::io::Result<Vec<(usize, usize)>> {
    let program = std::fs::read_link("/proc/self/exe")?;
    let program = program.to_string_lossy();
    let mappings = std::fs::read_to_string("/proc/self/smaps")?;
    let (mut mapping, mut found) = (None, Vec::new());
    for line in mappings.lines() {
        if let Some(head) = head(line, &program) {
            mapping = head;
        } else if let Some(anonymous) = line.strip_prefix("Anonymous:") {
            // Pages that were written before the mapping was closed for writing are anonymous: relocated addresses.
            found.extend(mapping.take().filter(|_| anonymous.trim() == "0 kB"));
        }
    }
    Ok(found)
}

/// `None` for a line that begins no mapping, `Some(None)` for a mapping that is not ours to give back.
#[cfg(target_os = "linux")]
fn head(line: &str, program: &str) -> Option<Option<(usize, usize)>> {
    let (range, rest) = line.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    let start = usize::from_str_radix(start, 16).ok()?;
    let length = usize::from_str_radix(end, 16).ok()?.checked_sub(start)?;
    let ours = line.ends_with(program) && (rest.starts_with("r-x") || rest.starts_with("r--"));
    Some(ours.then_some((start, length)))
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

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_runs_on_without_its_resident_code() {
        let found = unchanged().unwrap();
        assert!(
            found.iter().any(|(_, length)| *length > 1 << 20),
            "{found:?}"
        );
        release_all();
        assert_eq!(unchanged().unwrap(), found);
    }
}
