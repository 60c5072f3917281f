//! A file in the making. It is written beside its place, readable for its owner only, and gets its name when it is whole:
//! who looks sees the old file or the new one, and after a failure nothing new.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use tempfile::NamedTempFile;

/// What may lie where a file is to be put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replace {
    /// Nothing.
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

/// A file that has no name of its own yet. Dropping it removes it.
pub struct Unfinished {
    file: NamedTempFile,
    place: PathBuf,
    replace: Replace,
}

impl Unfinished {
    /// Begins a file, and its folder where there is none.
    pub fn beside(place: &Path, replace: Replace) -> Result<Self> {
        let place = std::path::absolute(place)?;
        if replace == Replace::No && place.metadata().is_ok_and(|there| there.len() > 0) {
            bail!(
                "{} is there already: name another file, or replace it with --force",
                place.display()
            );
        }
        let folder = place
            .parent()
            .with_context(|| format!("{} names no file", place.display()))?;
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let mut prefix = std::ffi::OsString::from(".");
        prefix.push(place.file_name().unwrap_or_default());
        prefix.push(".unfinished-");
        let file = tempfile::Builder::new()
            .prefix(&prefix)
            .tempfile_in(folder)
            .with_context(|| folder.display().to_string())?;
        Ok(Self {
            file,
            place,
            replace,
        })
    }

    /// Where it is now.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    pub fn file(&mut self) -> &mut File {
        self.file.as_file_mut()
    }

    /// Gives it its name, after its bytes have reached the disk.
    pub fn finish(self) -> Result<()> {
        let Self {
            file,
            place,
            replace,
        } = self;
        let put = || -> io::Result<()> {
            // Whoever wrote it may have had a handle of its own.
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
        };
        put().with_context(|| place.display().to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn a_file_is_there_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("new/file");
        let names = || -> Vec<_> {
            let files = fs::read_dir(folder.path().join("new")).unwrap();
            files.map(|file| file.unwrap().file_name()).collect()
        };
        drop(Unfinished::beside(&place, Replace::No).unwrap());
        assert_eq!(names().len(), 0, "what was given up");
        let mut file = Unfinished::beside(&place, Replace::No).unwrap();
        file.file().write_all(b"one").unwrap();
        assert!(!place.exists());
        file.finish().unwrap();
        assert_eq!(names(), ["file"]);
        assert_eq!(fs::read(&place).unwrap(), b"one");
        let mode = place.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        let refused = Unfinished::beside(&place, Replace::No).err().unwrap();
        assert!(refused.to_string().contains("--force"), "{refused}");
        let file = Unfinished::beside(&place, Replace::Yes).unwrap();
        file.finish().unwrap();
        assert_eq!(fs::read(&place).unwrap(), b"");
        let late = Unfinished::beside(&place, Replace::No).unwrap();
        fs::write(&place, b"faster").unwrap();
        late.finish().unwrap_err();
        assert_eq!(fs::read(&place).unwrap(), b"faster");
    }
}
