//! A file in the making. It is written beside its place and gets its name when it is whole: readers see the old file or the
//! new one, and after a failure nothing new.

use std::{
    ffi::{OsStr, OsString},
    fs::{File, Permissions},
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use tempfile::NamedTempFile;

use super::Replace;

/// Bytes of a name that leave room for more before and behind it.
const LONGEST: usize = 200;

/// Users that may read the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Its owner.
    Owner,
    /// Users that the umask of the process admits.
    Umask,
}

/// A file that has no name of its own yet. Dropping it removes it.
pub struct Staged {
    file: NamedTempFile,
    place: PathBuf,
    replace: Replace,
}

impl Staged {
    /// Begins a file in the folder of `place`, which has to be there.
    pub fn beside(place: &Path, replace: Replace, access: Access) -> Result<Self> {
        let shown = place.display();
        if replace == Replace::No && place.metadata().is_ok_and(|there| there.len() > 0) {
            bail!("{shown} is there already: name another file, or replace it with --force");
        }
        let (Some(folder), Some(name)) = (place.parent(), place.file_name()) else {
            bail!("{shown} names no file");
        };
        ensure!(
            folder.is_dir(),
            "{shown} cannot be made: there is no folder {}: make it, or name another one",
            folder.display()
        );
        let mode = match access {
            Access::Owner => 0o600,
            Access::Umask => 0o666,
        };
        let file = tempfile::Builder::new()
            .prefix(&prefix(name))
            .permissions(Permissions::from_mode(mode))
            .tempfile_in(folder)
            .with_context(|| format!("{shown} cannot be made"))?;
        Ok(Self {
            file,
            place: place.to_owned(),
            replace,
        })
    }

    /// Path of the unfinished file.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    pub fn file(&mut self) -> &mut File {
        self.file.as_file_mut()
    }

    /// Gives it its name, after its bytes have reached the disk.
    pub fn finish(self) -> Result<()> {
        let place = self.place.clone();
        self.put()
            .with_context(|| format!("{} cannot be made", place.display()))
    }

    fn put(self) -> io::Result<()> {
        let Self {
            file,
            place,
            replace,
        } = self;
        // It may have been written by a handle of its own.
        File::open(file.path())?.sync_all()?;
        match replace {
            Replace::Yes => file.persist(&place)?,
            // An empty file is as good as none.
            Replace::No if place.metadata().is_ok_and(|there| there.len() == 0) => {
                file.persist(&place)?
            }
            Replace::No => file.persist_noclobber(&place)?,
        };
        match place.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }
}

fn prefix(name: &OsStr) -> OsString {
    let mut prefix = OsString::from(".");
    if name.len() <= LONGEST {
        prefix.push(name);
    }
    prefix.push(".unfinished-");
    prefix
}
