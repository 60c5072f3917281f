//! Outputs of commands. A regular file is written beside its place and renamed over it when it is whole; a device, a pipe or
//! an inherited descriptor is written to directly. Commands open no output in another way.

mod place;
mod protected;
mod special;
mod staged;

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::{fd::AsFd, unix::fs::FileTypeExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};

use self::place::Place;
pub use self::{
    protected::Protected,
    staged::{Access, Staged},
};

/// Rule for a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replace {
    /// Only an empty file is replaced.
    No,
    Yes,
}

impl Replace {
    /// As a flag `--force` says it.
    #[must_use]
    pub fn forced(force: bool) -> Self {
        if force { Self::Yes } else { Self::No }
    }
}

/// An output that is being written.
pub struct Output {
    sink: Sink,
    name: String,
    is_stdout: bool,
}

enum Sink {
    Staged(Staged),
    Direct(File),
}

impl Output {
    /// Opens an output for data, readable for its owner only; `-` is standard output.
    pub fn open(path: &Path, replace: Replace, protected: &Protected) -> Result<Self> {
        Self::with_access(path, replace, Access::Owner, protected)
    }

    /// Opens an output of that access; `-` is standard output.
    pub fn with_access(
        path: &Path,
        replace: Replace,
        access: Access,
        protected: &Protected,
    ) -> Result<Self> {
        let place = place_of(path)?;
        let is_stdout = matches!(place, Place::Descriptor(1));
        let sink = match place {
            Place::Regular(place) => {
                protected.refuse(&place)?;
                Sink::Staged(Staged::beside(&place, replace, access)?)
            }
            Place::Special(place) => {
                require_force(&place, replace)?;
                Sink::Direct(special::open(&place)?)
            }
            Place::Descriptor(number) => Sink::Direct(inherited(number)?),
        };
        if let Sink::Direct(file) = &sink {
            protected.refuse_open(file, &path.display().to_string())?;
        }
        Ok(Self {
            sink,
            name: path.display().to_string(),
            is_stdout,
        })
    }

    /// Returns true if the output is standard output, so that messages belong elsewhere.
    #[must_use]
    pub fn is_stdout(&self) -> bool {
        self.is_stdout
    }

    /// The name that the operator gave.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file that becomes the output, if the output is a regular file.
    #[must_use]
    pub fn staged(&self) -> Option<&Path> {
        match &self.sink {
            Sink::Staged(staged) => Some(staged.path()),
            Sink::Direct(_) => None,
        }
    }

    /// Completes the output after its bytes have reached the disk. An output that is dropped instead leaves no file.
    pub fn finish(self) -> Result<()> {
        match self.sink {
            Sink::Staged(staged) => staged.finish(),
            Sink::Direct(file) => match file.sync_all() {
                Err(error) if !is_without_disk(&error) => Err(error).context(self.name),
                _ => Ok(()),
            },
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.sink {
            Sink::Staged(staged) => staged.file().write(bytes),
            Sink::Direct(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns true if both paths lead to the same file, by device and inode.
#[must_use]
pub fn is_same_file(one: &Path, other: &Path) -> bool {
    protected::is_same_file(one, other)
}

/// The file that a path leads to, links resolved; it may be absent.
pub fn resolved(path: &Path) -> Result<PathBuf> {
    match place::resolve(path)? {
        Place::Regular(path) => Ok(path),
        Place::Special(_) | Place::Descriptor(_) => {
            bail!("{} is not a regular file", path.display())
        }
    }
}

fn place_of(path: &Path) -> Result<Place> {
    if path.as_os_str() == "-" {
        return Ok(Place::Descriptor(1));
    }
    place::resolve(path)
}

/// Writing to a disk loses all its files.
fn require_force(place: &Path, replace: Replace) -> Result<()> {
    let found = place.metadata().map(|found| found.file_type());
    ensure!(
        replace == Replace::Yes || !found.is_ok_and(|kind| kind.is_block_device()),
        "{} is a block device, whose content would be lost: name a file, or write to it with --force",
        place.display()
    );
    Ok(())
}

/// A descriptor that the process was started with, at its own offset.
fn inherited(number: u32) -> Result<File> {
    let copied = match number {
        1 => io::stdout().as_fd().try_clone_to_owned(),
        2 => io::stderr().as_fd().try_clone_to_owned(),
        // A reopened file begins at offset 0; appending keeps what the caller has written before.
        _ => {
            let path = PathBuf::from(format!("/proc/self/fd/{number}"));
            OpenOptions::new().append(true).open(path).map(Into::into)
        }
    };
    let copied = copied.with_context(|| format!("descriptor {number} cannot be written"))?;
    Ok(copied.into())
}

/// Pipes, terminals and many devices have nothing to synchronize.
fn is_without_disk(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidInput
            | io::ErrorKind::Unsupported
            | io::ErrorKind::ReadOnlyFilesystem
    )
}

#[cfg(test)]
mod tests;
