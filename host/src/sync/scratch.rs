//! The folder for files that live as long as a pass: one per process, made when it is needed and made again when it is gone. A
//! lock on it says that its process lives, so that another one removes only what killed processes left.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

const PREFIX: &str = "scratch-";

/// Attempts to make a folder that another process removes before it is locked.
const MOST_TRIES: usize = 10;

/// The folder of this process; it is removed with the value.
pub(super) struct Scratch {
    path: PathBuf,
    /// Holds the lock.
    folder: Mutex<Option<File>>,
}

impl Scratch {
    /// A place below the data directory, where nothing is yet.
    pub(super) fn new(data_dir: &Path) -> Self {
        let name = format!("{PREFIX}{}-{:08x}", std::process::id(), fastrand::u32(..));
        Self {
            path: data_dir.join(name),
            folder: Mutex::default(),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the folder, unless it is there.
    pub(super) fn make(&self) -> io::Result<()> {
        let mut held = self.folder.lock().unwrap_or_else(PoisonError::into_inner);
        if held
            .as_ref()
            .is_some_and(|folder| is_at(folder, &self.path))
        {
            return Ok(());
        }
        for _ in 0..MOST_TRIES {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&self.path)?;
            let Ok(folder) = File::open(&self.path) else {
                continue;
            };
            // A file system without locks leaves the folder to whoever cleans up there; it is made again then.
            let _ = folder.lock();
            if is_at(&folder, &self.path) {
                *held = Some(folder);
                return Ok(());
            }
        }
        Err(io::Error::other("another process removes the folder"))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let held = self
            .folder
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        if held.is_some() {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// Returns true if an open folder is still the one under that path.
fn is_at(folder: &File, path: &Path) -> bool {
    let inode =
        |found: io::Result<fs::Metadata>| found.map(|found| (found.dev(), found.ino())).ok();
    let open = inode(folder.metadata());
    open.is_some() && open == inode(fs::metadata(path))
}

/// Removes the folders of processes that are gone.
pub(super) fn sweep(data_dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(data_dir)? {
        let entry = entry?;
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if ours && entry.file_type()?.is_dir() {
            remove_unlocked(&entry.path());
        }
    }
    Ok(())
}

/// Another process may be doing the same.
fn remove_unlocked(path: &Path) {
    if let Ok(folder) = File::open(path)
        && folder.try_lock().is_ok()
    {
        let _ = fs::remove_dir_all(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_living_processes_stay_and_leftovers_go() {
        let data = tempfile::tempdir().expect("a folder");
        let living = Scratch::new(data.path());
        living.make().expect("a folder");
        let leftover = data.path().join("scratch-left");
        fs::create_dir(&leftover).expect("a folder");
        fs::write(leftover.join("file"), "x").expect("a file");
        let other = data.path().join("other");
        fs::create_dir(&other).expect("a folder");
        sweep(data.path()).expect("a sweep");
        assert!(living.path().is_dir() && other.is_dir());
        assert!(!leftover.exists());
        let path = living.path().to_owned();
        drop(living);
        assert!(!path.exists());
    }

    #[test]
    fn folders_that_vanish_are_made_again() {
        let data = tempfile::tempdir().expect("a folder");
        let scratch = Scratch::new(data.path());
        for _ in 0..3 {
            scratch.make().expect("a folder");
            scratch.make().expect("the same folder");
            sweep(data.path()).expect("a sweep");
            assert!(scratch.path().is_dir());
            fs::remove_dir_all(scratch.path()).expect("a removal");
        }
    }
}
