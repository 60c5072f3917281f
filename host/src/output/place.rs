//! The file that an output path leads to. Links are followed one by one, because the last one may lead to a file that is not
//! there yet.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};

/// Links that are followed; as many as Linux follows.
const LINKS: usize = 40;

/// Target of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A regular file, or a file that is not there yet.
    Regular(PathBuf),
    /// A device, a pipe or a socket.
    Special(PathBuf),
    /// A descriptor of this process, as `/dev/stdout` and `/dev/fd/3` are.
    Descriptor(u32),
}

pub(super) fn resolve(path: &Path) -> Result<Place> {
    let given = path.display();
    ensure!(
        !path.as_os_str().is_empty(),
        "an output has no name: name a file"
    );
    let mut path = std::path::absolute(path)?;
    for _ in 0..LINKS {
        if let Some(number) = descriptor(&path) {
            return Ok(Place::Descriptor(number));
        }
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_symlink() => {
                let next = behind(&path)?;
                // A link of another process' descriptors has a name of no file behind it.
                if fs::symlink_metadata(&next).is_err() && is_special(&path) {
                    return Ok(Place::Special(path));
                }
                path = next;
            }
            Ok(found) if found.is_dir() => bail!("{given} is a folder: name a file in it"),
            Ok(found) if !found.is_file() => return Ok(Place::Special(path)),
            Ok(_) => return Ok(Place::Regular(path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Place::Regular(path));
            }
            Err(error) => return Err(error).context(path.display().to_string()),
        }
    }
    bail!("{given} is a link that leads through more than {LINKS} links: name the file itself")
}

fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir())
}

fn behind(link: &Path) -> Result<PathBuf> {
    let target = fs::read_link(link).with_context(|| link.display().to_string())?;
    Ok(match link.parent() {
        Some(folder) => folder.join(target),
        None => target,
    })
}

/// The number of a descriptor, if the path names one of this process.
fn descriptor(path: &Path) -> Option<u32> {
    let number = path.file_name()?.to_str()?.parse().ok()?;
    let own = Path::new("/proc/self/fd").canonicalize().ok()?;
    (path.parent()?.canonicalize().ok()? == own).then_some(number)
}
