//! The workspace, and cargo as a child. A child sees the environment the user has, not what `cargo run` has added to it
//! for this program: some build scripts watch those variables and would run again.

use std::{
    env,
    ffi::OsString,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Set by `cargo run` for the program it starts.
const OURS: [&str; 4] = [
    "CARGO_PKG_",
    "CARGO_MANIFEST_",
    "CARGO_BIN_",
    "CARGO_CRATE_",
];

/// The folder of real records, for tests and measurements; they are no part of the project.
pub(crate) const REAL: &str = "CAIRN_TEST_DATA";

/// Where real records are looked for when the user names no folder, from the root.
const BESIDE: &str = "../shared/data";

/// Where things lie, and what the workspace consists of.
pub(crate) struct Workspace {
    /// The folder of the workspace's `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// The target folder, wherever the user wants it.
    pub(crate) target: PathBuf,
    packages: Vec<Value>,
}

impl Workspace {
    /// Asks cargo, from where the user stands: a relative `CARGO_TARGET_DIR` counts from there.
    pub(crate) fn find() -> Result<Self> {
        let here = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
        let output = cargo()
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .arg("--manifest-path")
            .arg(here.join("Cargo.toml"))
            .stderr(Stdio::inherit())
            .output()
            .context("cargo does not start")?;
        let metadata: Value = serde_json::from_slice(&output.stdout)
            .context("cargo metadata does not describe the workspace")?;
        Ok(Self {
            root: path(&metadata, "workspace_root")?,
            target: path(&metadata, "target_directory")?,
            packages: list(&metadata, "packages").cloned().collect(),
        })
    }

    /// `cargo`, at the root and with the user's target folder.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = cargo();
        command
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", &self.target);
        command
    }

    /// Tells a program where real records are: where the user says, else beside the project, else nowhere.
    pub(crate) fn tell_records(&self, command: &mut Command) {
        let beside = self.root.join(BESIDE);
        if env::var_os(REAL).is_none() && beside.is_dir() {
            command.env(REAL, beside);
        }
    }

    /// Names of the integration tests, each with the package it belongs to.
    pub(crate) fn integration_tests(&self) -> impl Iterator<Item = (&str, &str)> {
        self.packages.iter().flat_map(|package| {
            let name = text(package, "name");
            list(package, "targets")
                .filter(|target| list(target, "kind").any(|kind| kind == "test"))
                .map(move |target| (name, text(target, "name")))
        })
    }
}

/// The cargo that runs this program, with the user's environment.
fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os().filter(|(name, _)| is_ours(name)) {
        command.env_remove(name);
    }
    command
}

fn is_ours(name: &OsString) -> bool {
    name.to_str()
        .is_some_and(|name| OURS.iter().any(|prefix| name.starts_with(prefix)))
}

/// Runs a program to its end; its output is the user's to see.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("{} does not start", line(command)))?;
    if !status.success() {
        bail!("`{}` failed ({status})", line(command));
    }
    Ok(())
}

/// Runs `cargo build` and finds the file that it made for `target`, by its extension (none for a binary). Cargo itself
/// says where: a configured target triple or profile moves it.
pub(crate) fn artifact(command: &mut Command, target: &str, extension: &str) -> Result<PathBuf> {
    let mut child = command
        .arg("--message-format=json-render-diagnostics")
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{} does not start", line(command)))?;
    let mut found = None;
    if let Some(stdout) = child.stdout.take() {
        for message in BufReader::new(stdout).lines() {
            let message: Value = serde_json::from_str(&message?).unwrap_or_default();
            found = made(&message, target, extension).or(found);
        }
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("`{}` failed ({status})", line(command));
    }
    found.with_context(|| format!("`{}` made no {target}", line(command)))
}

/// The file, if the message tells that it was made.
fn made(message: &Value, target: &str, extension: &str) -> Option<PathBuf> {
    let files = list(message, "filenames").filter_map(Value::as_str);
    (text(message, "reason") == "compiler-artifact"
        && text(message.get("target")?, "name") == target)
        .then(|| {
            files
                .map(PathBuf::from)
                .find(|file| file.extension().unwrap_or_default() == extension)
        })?
}

/// A command as one would type it.
fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    command
        .get_args()
        .fold(name.into_owned(), |line, argument| {
            format!("{line} {}", argument.to_string_lossy())
        })
}

fn path(value: &Value, member: &str) -> Result<PathBuf> {
    let text = value.get(member).and_then(Value::as_str);
    text.map(PathBuf::from)
        .with_context(|| format!("cargo metadata names no {member}"))
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value
        .get(member)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn list<'a>(value: &'a Value, member: &str) -> impl Iterator<Item = &'a Value> {
    value
        .get(member)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_build_says_which_file_it_made() {
        let library = json!({"reason": "compiler-artifact", "target": {"name": "a_lib"},
            "filenames": ["/t/a_lib.wasm", "/t/liba_lib.rlib"]});
        let binary = json!({"reason": "compiler-artifact", "target": {"name": "cairn"}, "filenames": ["/t/cairn"]});
        let other = json!({"reason": "build-finished", "success": true});
        for (message, target, extension, file) in [
            (&library, "a_lib", "wasm", Some("/t/a_lib.wasm")),
            (&library, "a_lib", "", None),
            (&library, "cairn", "wasm", None),
            (&binary, "cairn", "", Some("/t/cairn")),
            (&other, "cairn", "", None),
        ] {
            assert_eq!(made(message, target, extension), file.map(PathBuf::from));
        }
    }

    #[test]
    fn a_child_does_not_see_what_cargo_run_added() {
        for (name, ours) in [
            ("CARGO_MANIFEST_DIR", true),
            ("CARGO_PKG_VERSION_MAJOR", true),
            ("CARGO_TARGET_DIR", false),
            ("CARGO_HOME", false),
            ("RUSTUP_TOOLCHAIN", false),
        ] {
            assert_eq!(is_ours(&name.into()), ours, "{name}");
        }
    }
}
