//! Servers of other versions than the distribution's, the oldest and the newest that are supported: at pinned versions, from
//! npm, into a folder of the target directory. Nothing is installed outside of it.

use std::{
    env::consts,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Result, ensure};

use super::has;
use crate::{cargo, term};

/// A version of Postgres.
pub(crate) struct Version {
    pub(crate) number: &'static str,
    /// Of npm's package with its programs.
    release: &'static str,
}

/// SQL that it does not know is not used.
pub(crate) const OLDEST: Version = Version {
    number: "14",
    release: "14.23.0-beta.17",
};

pub(crate) const NEWEST: Version = Version {
    number: "18",
    release: "18.4.0-beta.17",
};

/// The folder of its programs: `postgres` and `initdb`.
pub(crate) fn programs(target: &Path, version: &Version) -> Result<PathBuf> {
    let Version { number, release } = version;
    let package = package()?;
    let folder = target.join("tools").join(format!("postgres-{release}"));
    let programs = folder
        .join("node_modules")
        .join(&package)
        .join("native/bin");
    if programs.join("initdb").is_file() {
        return Ok(programs);
    }
    ensure!(has("npm"), "there is no `npm` to install it with");
    term::step(&format!("Postgres {number} (24 MB to load)"));
    let unfinished = folder.with_extension("unfinished");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)?;
    }
    fs::create_dir_all(&unfinished)?;
    let mut install = Command::new("npm");
    install
        .args([
            "install",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
            "--prefix",
        ])
        .arg(&unfinished)
        .arg(format!("{package}@{release}"))
        .stdin(Stdio::null());
    cargo::run(&mut install)?;
    fs::rename(&unfinished, &folder)?;
    ensure!(
        programs.join("initdb").is_file(),
        "{package} has no `initdb`"
    );
    Ok(programs)
}

/// The package for this machine.
fn package() -> Result<String> {
    let system = match consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let processor = match consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => anyhow::bail!("there are no programs of it for {other}"),
    };
    Ok(format!("@embedded-postgres/{system}-{processor}"))
}
