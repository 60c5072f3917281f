//! What tests need beyond the toolchain. It is installed where that is ours to do, as root on Debian; else the user is
//! told what to install.

pub(crate) mod cluster;
mod crds;
pub(crate) mod servers;

use std::{
    env,
    ffi::OsStr,
    fs,
    path::Path,
    process::{Command, Stdio},
};

use crate::{cargo, postgres, term};

/// A program that some tests start.
struct Tool {
    /// What it is, for people.
    name: &'static str,
    /// Debian's package.
    package: &'static str,
    /// What cannot be checked without it.
    needed_for: &'static str,
    is_there: fn() -> bool,
}

const TOOLS: [Tool; 4] = [
    Tool {
        name: "git http-backend",
        package: "git",
        needed_for: "the tests of git sources",
        is_there: has_git_server,
    },
    Tool {
        name: "postgres",
        package: "postgresql",
        needed_for: "everything on Postgres",
        is_there: postgres::can_be_had,
    },
    Tool {
        name: "promtool",
        package: "prometheus",
        needed_for: "the tests of alerts and dashboard",
        is_there: || has("promtool"),
    },
    Tool {
        name: "busybox",
        package: "busybox-static",
        needed_for: "the tests of the debug image",
        is_there: || has("busybox"),
    },
];

fn has_git_server() -> bool {
    let output = Command::new("git").arg("--exec-path").output();
    output.is_ok_and(|output| {
        let folder = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Path::new(&folder).join("git-http-backend").is_file()
    })
}

/// Makes the tools available and tells, by name, which ones are not.
pub(crate) fn missing() -> Vec<String> {
    let is_missing = |tool: &&Tool| !(tool.is_there)();
    let packages: Vec<&str> = TOOLS
        .iter()
        .filter(is_missing)
        .map(|tool| tool.package)
        .collect();
    if !packages.is_empty() && is_root_on_debian() {
        install(&packages);
    }
    TOOLS.iter().filter(is_missing).map(complaint).collect()
}

fn complaint(tool: &Tool) -> String {
    let Tool {
        name,
        package,
        needed_for,
        ..
    } = tool;
    format!("{needed_for}: no `{name}` here; Debian has it in the package `{package}`")
}

fn is_root_on_debian() -> bool {
    let id = Command::new("id").arg("-u").output();
    let root = id.is_ok_and(|id| id.stdout.trim_ascii() == b"0");
    root && fs::exists("/etc/debian_version").unwrap_or(false) && has("apt-get")
}

/// A failure shows by the tool's absence, with apt-get's own words above it.
fn install(packages: &[&str]) {
    term::step(&format!("installing {}", packages.join(", ")));
    for arguments in [
        &["update", "-q"][..],
        &["install", "-q", "-y", "--no-install-recommends"],
    ] {
        let mut apt = Command::new("apt-get");
        apt.args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null());
        if arguments.first() == Some(&"install") {
            apt.args(packages);
        }
        if let Err(error) = cargo::run(&mut apt) {
            return term::error(&error);
        }
    }
}

/// Whether a program of this name is on the `PATH`.
pub(crate) fn has(program: &str) -> bool {
    has_in(program, &env::var_os("PATH").unwrap_or_default())
}

fn has_in(program: &str, path: &OsStr) -> bool {
    env::split_paths(path).any(|folder| folder.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_looked_for_in_each_folder_of_the_path() {
        let manifest = env!("CARGO_MANIFEST_DIR");
        for (program, path, found) in [
            ("Cargo.toml", format!("/nowhere:{manifest}"), true),
            ("Cargo.toml", "/nowhere".to_owned(), false),
            ("src", manifest.to_owned(), false),
        ] {
            assert_eq!(
                has_in(program, OsStr::new(&path)),
                found,
                "{program} in {path}"
            );
        }
    }
}
