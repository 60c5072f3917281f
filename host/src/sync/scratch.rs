//! The folder for files that live as long as a pass: one per process, and no leftovers of those that were killed.

use std::{fs, io, path::Path, time::Duration};

use tempfile::TempDir;

const PREFIX: &str = "scratch-";

/// Older than any pass: whoever made it is gone.
const LEFTOVER: Duration = Duration::from_secs(24 * 60 * 60);

/// A new folder below the data directory.
pub(super) fn make(data_dir: &Path) -> io::Result<TempDir> {
    fs::create_dir_all(data_dir)?;
    sweep(data_dir)?;
    tempfile::Builder::new().prefix(PREFIX).tempdir_in(data_dir)
}

fn sweep(data_dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(data_dir)? {
        let entry = entry?;
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let old = |time: std::time::SystemTime| time.elapsed().is_ok_and(|age| age > LEFTOVER);
        if ours && entry.metadata()?.modified().is_ok_and(old) {
            // Another process may be sweeping too.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}
