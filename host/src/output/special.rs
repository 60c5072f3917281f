//! Devices and FIFOs, which are written to where they are.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{FileTypeExt, OpenOptionsExt},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use rustix::{
    fs::{OFlags, fcntl_setfl},
    io::Errno,
};

/// Longest wait for a process that reads a FIFO.
const READER: Duration = Duration::from_secs(20);

/// Wait after which the operator learns of it.
const SILENCE: Duration = Duration::from_secs(2);

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(50);

/// Opens a device or a FIFO for writing. A FIFO without a reader is waited for a while, and then refused.
pub(super) fn open(place: &Path) -> Result<File> {
    let begun = Instant::now();
    let mut silent = true;
    loop {
        // Without the flag the call blocks until a reader comes.
        let flags = OFlags::NONBLOCK.bits().cast_signed();
        let opened = OpenOptions::new()
            .write(true)
            .custom_flags(flags)
            .open(place);
        match opened {
            Ok(file) => {
                fcntl_setfl(&file, OFlags::empty())?;
                return Ok(file);
            }
            Err(error) if is_unread(place, &error) => {
                let waited = begun.elapsed();
                ensure!(
                    waited < READER,
                    "{} is a pipe that no process reads: start its reader, then repeat the command",
                    place.display()
                );
                if silent && waited > SILENCE {
                    silent = false;
                    let _ = writeln!(
                        io::stderr(),
                        "waiting for a process that reads {}",
                        place.display()
                    );
                }
                thread::sleep(PAUSE);
            }
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("{} cannot be written", place.display()));
            }
        }
    }
}

/// Returns true if a FIFO has no reader yet.
fn is_unread(place: &Path, error: &io::Error) -> bool {
    let is_fifo = || {
        place
            .metadata()
            .is_ok_and(|found| found.file_type().is_fifo())
    };
    error.raw_os_error() == Some(Errno::NXIO.raw_os_error()) && is_fifo()
}
