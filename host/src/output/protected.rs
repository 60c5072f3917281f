//! Files that no output replaces: the database with what lies beside it, the configuration, and the files it names. They are
//! told by device and inode, so that links of either kind lead to them too.

use std::{
    fs::{self, File, Metadata},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};

use super::place::{self, Place};
use crate::config::{self, Config};

/// Suffixes of the files beside a database that is in use.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Files with the words for each.
#[derive(Debug, Default)]
pub struct Protected(Vec<(PathBuf, &'static str)>);

impl Protected {
    /// One file.
    #[must_use]
    pub fn file(path: &Path, what: &'static str) -> Self {
        Self(vec![(at(path), what)])
    }

    /// The configuration file and the files that the configuration names, without the database.
    #[must_use]
    pub fn inputs(config: &Config, file: Option<&Path>) -> Self {
        let mut all = Self::default();
        all.0
            .extend(file.map(|file| (at(file), "the configuration")));
        let named = config::named_files(config).into_iter();
        all.0
            .extend(named.map(|file| (at(&file), "a file that the configuration names")));
        all
    }

    /// All files that a command must not write to.
    #[must_use]
    pub fn all(config: &Config, file: Option<&Path>) -> Self {
        let mut all = Self::inputs(config, file);
        let database = at(&config.database.path);
        for end in BESIDE {
            let mut name = database.as_os_str().to_owned();
            name.push(end);
            all.0.push((name.into(), "a part of the database"));
        }
        all.0.push((database, "the database itself"));
        all
    }

    /// Refuses a path that leads to one of the files, or to where one of them would be made.
    pub fn refuse(&self, path: &Path) -> Result<()> {
        let (found, at) = (fs::metadata(path).ok(), at(path));
        let is_it = |known: &Path| known == at || is_file(known, found.as_ref());
        self.refuse_any(is_it, &path.display().to_string())
    }

    /// Refuses an open file that is one of the files.
    pub fn refuse_open(&self, file: &File, name: &str) -> Result<()> {
        let found = file.metadata().ok();
        self.refuse_any(|known| is_file(known, found.as_ref()), name)
    }

    fn refuse_any(&self, is_it: impl Fn(&Path) -> bool, name: &str) -> Result<()> {
        match self.0.iter().find(|(known, _)| is_it(known)) {
            Some((_, what)) => {
                bail!("{name} is {what}, which is never replaced: name another file")
            }
            None => Ok(()),
        }
    }
}

/// Compares regular files only: a device such as `/dev/null` is written to, whatever else names it.
fn is_file(known: &Path, found: Option<&Metadata>) -> bool {
    let identity = |file: &Metadata| (file.dev(), file.ino());
    let known = fs::metadata(known).ok();
    match (known, found) {
        (Some(known), Some(found)) => found.is_file() && identity(&known) == identity(found),
        _ => false,
    }
}

pub(super) fn is_same_file(one: &Path, other: &Path) -> bool {
    is_file(one, fs::metadata(other).ok().as_ref())
}

/// Returns the path of a file that is or would be there, without links on the way.
fn at(path: &Path) -> PathBuf {
    let path = match place::resolve(path) {
        Ok(Place::Regular(path) | Place::Special(path)) => path,
        _ => path.to_owned(),
    };
    let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
    match (folder, path.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => path,
    }
}
