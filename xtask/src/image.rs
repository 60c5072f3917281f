//! `cargo xtask image`: the image's binary as the Dockerfile makes it, static, and the tests of its root folder with it.
//! For machines without a container engine; with one, `docker build .` does the same in a clean room.

use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use crate::{
    cargo::{self, Workspace},
    term, tools,
};

/// Most bytes that the image may have when it is transferred.
const LARGEST: u64 = 20_000_000;

pub(crate) fn image(workspace: &Workspace) -> Result<()> {
    let triple = format!("{}-unknown-linux-musl", env::consts::ARCH);
    ensure!(
        tools::has("musl-gcc"),
        "the static binary needs a C compiler for musl; Debian has it in the package `musl-tools`"
    );
    let mut add = Command::new("rustup");
    cargo::run(
        add.current_dir(&workspace.root)
            .args(["target", "add", &triple]),
    )?;
    // This program once more: all it builds is then for that target, in a folder of its own, because a component that was
    // compiled ahead of time is for one C library.
    let target = workspace.target.join("image");
    let mut build = Command::new(env::current_exe()?);
    build
        .args(["build", "--release"])
        .env("CARGO_BUILD_TARGET", &triple)
        .env("CARGO_TARGET_DIR", &target)
        .env(format!("CC_{}", triple.replace('-', "_")), "musl-gcc");
    cargo::run(&mut build)?;
    let binary = target.join(&triple).join("release/cairn");
    weigh(workspace, &binary, &target)?;
    let mut test = workspace.cargo();
    test.args([
        "test",
        "--package",
        "cairn-tests",
        "--test",
        "deploy",
        "image::",
        "--",
        "--show-output",
    ])
    .env("CAIRN_BIN", binary)
    .env("CAIRN_TOOLS", tools::cluster::folder(&workspace.target));
    cargo::run(&mut test)
}

/// The root folder, as the Dockerfile makes it, packed as registries pack it.
fn weigh(workspace: &Workspace, binary: &Path, target: &Path) -> Result<()> {
    let folder = target.join("root");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let mut script = Command::new(workspace.root.join("deploy/image/root.sh"));
    script
        .arg(&folder)
        .arg(binary)
        .arg("/etc/ssl/certs/ca-certificates.crt");
    cargo::run(&mut script)?;
    let packed = target.join("image.tar.gz");
    let mut pack = Command::new("tar");
    pack.arg("-czf")
        .arg(&packed)
        .arg("-C")
        .arg(&folder)
        .arg(".");
    cargo::run(pack.stdin(Stdio::null()))?;
    let bytes = fs::metadata(&packed).context("no packed image")?.len();
    term::result(&format!(
        "image: {} of at most {}",
        term::size(bytes),
        term::size(LARGEST)
    ));
    ensure!(bytes <= LARGEST, "the image is too large");
    Ok(())
}
