//! Programs of operators: helm, kustomize, kubeconform, promtool and the like. `cargo xtask test` puts those it can have
//! into the folder `CAIRN_TOOLS`; the others are looked for on the PATH. One that is absent is said, by name.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The root of the project.
pub(crate) fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the project").to_owned()
}

/// A file below `deploy/`.
pub(crate) fn deploy(path: &str) -> PathBuf {
    root().join("deploy").join(path)
}

/// Where `cargo xtask test` puts tools.
pub(crate) fn folder() -> Option<PathBuf> {
    env::var_os("CAIRN_TOOLS").map(PathBuf::from)
}

/// The program's file, if there is one.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = folder().into_iter().chain(env::split_paths(&path));
    let mut files = folders.map(|folder| folder.join(name));
    files.find(|file| file.is_file())
}

/// The program, to be started at the project's root; without it a line says what is not checked.
pub(crate) fn tool(name: &str, for_what: &str) -> Option<Command> {
    let found = find(name);
    if found.is_none() {
        println!("not checked: {for_what}: there is no `{name}` here");
    }
    let mut command = Command::new(found?);
    command.current_dir(root()).stdin(Stdio::null());
    Some(command)
}

/// Runs a program that has to succeed; its output.
#[track_caller]
pub(crate) fn output(command: &mut Command) -> String {
    let (done, said) = ended(command);
    assert!(done, "{command:?}\n{said}");
    said
}

/// Runs a program: whether it succeeded, and its output — of a failure both streams.
pub(crate) fn ended(command: &mut Command) -> (bool, String) {
    let output = command.output().expect("the program");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut said = text(&output.stdout);
    if !output.status.success() {
        said += &text(&output.stderr);
    }
    (output.status.success(), said)
}

/// Runs a program for its output, with these arguments.
#[track_caller]
pub(crate) fn run(name: &str, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> String {
    output(Command::new(name).args(args))
}
