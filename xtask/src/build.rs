//! `cargo xtask build`: the component, compiled ahead of time by the very binary it is then put into.
//!
//! The binary embeds the artifact that is there, compiles the component with itself, and is built once more only if that
//! gave another artifact. So nothing is compiled twice when nothing changed, and no artifact of an older engine stays in.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::SystemTime,
};

use anyhow::{Context, Result, ensure};

use crate::{
    cargo::{self, Workspace},
    postgres, term,
};

/// Most bytes the component may have.
const LARGEST_COMPONENT: u64 = 3_000_000;
pub(crate) const WASM: &str = "wasm32-wasip2";
/// Where spin.toml looks for the component, below the root.
const SPIN_SOURCE: &str = "target/component/wasm32-wasip2/release/cairn_component.wasm";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only this part
    part: Option<Part>,
    /// Optimise the host; the component always is
    #[arg(long)]
    release: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// The WASI component alone, for Spin or `cairn serve --component`
    Component,
}

/// How the host is compiled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// For tests: optimised dependencies, our own code as it is.
    Dev,
    /// For use.
    Release,
}

impl Profile {
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Release => "release",
        }
    }

    /// What is selected decides which features the dependencies get. For tests it is what `cargo test --workspace`
    /// selects, one small test included, so that wasmtime is not built a second time with others.
    fn selection(self) -> &'static [&'static str] {
        match self {
            Self::Dev => &["--workspace", "--bin", "cairn", "--test", "tidy"],
            Self::Release => &["--release", "--package", "cairn", "--bin", "cairn"],
        }
    }
}

pub(crate) fn build(workspace: &Workspace, args: &Args) -> Result<()> {
    let wasm = component(workspace)?;
    let made = match args.part {
        Some(Part::Component) => for_spin(workspace, wasm)?,
        None => host(workspace, profile(args), &wasm)?,
    };
    let bytes = fs::metadata(&made)?.len();
    term::result(&format!("{} ({})", made.display(), term::size(bytes)));
    Ok(())
}

fn profile(args: &Args) -> Profile {
    if args.release {
        Profile::Release
    } else {
        Profile::Dev
    }
}

/// Builds the component and returns its file.
pub(crate) fn component(workspace: &Workspace) -> Result<PathBuf> {
    ensure_target(workspace)?;
    let folder = workspace.target.join("component");
    let before = folder.join(WASM).join("release/cairn_component.wasm");
    term::step(&format!("component for {WASM}{}", first(&before, 3)));
    let mut build = workspace.cargo();
    build
        .args(["build", "--release", "--package", "cairn-component"])
        .args(["--target", WASM, "--target-dir"])
        .arg(folder);
    let wasm = cargo::artifact(&mut build, "cairn_component", "wasm")?;
    let bytes = fs::metadata(&wasm)?.len();
    ensure!(
        bytes <= LARGEST_COMPONENT,
        "the component has {}, more than the {} it may have",
        term::size(bytes),
        term::size(LARGEST_COMPONENT)
    );
    term::note(&format!(
        "{} of at most {}",
        term::size(bytes),
        term::size(LARGEST_COMPONENT)
    ));
    Ok(wasm)
}

/// Puts a copy where spin.toml looks, if the target folder lies elsewhere.
pub(crate) fn for_spin(workspace: &Workspace, wasm: PathBuf) -> Result<PathBuf> {
    let expected = workspace.root.join(SPIN_SOURCE);
    if expected == wasm {
        return Ok(wasm);
    }
    if let Some(folder) = expected.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::copy(&wasm, &expected).with_context(|| format!("no copy to {}", expected.display()))?;
    Ok(expected)
}

/// Adds the target to the toolchain, if it is not there.
pub(crate) fn ensure_target(workspace: &Workspace) -> Result<()> {
    if has_target(workspace) {
        return Ok(());
    }
    term::step(&format!("adding {WASM} to the toolchain (60 MB to load)"));
    let mut add = Command::new("rustup");
    add.current_dir(&workspace.root)
        .args(["target", "add", WASM]);
    cargo::run(&mut add).with_context(|| {
        format!(
            "the toolchain has no target {WASM} and it could not be added. With rustup (https://rustup.rs) and a \
             network, `rustup target add {WASM}` adds it; a toolchain from elsewhere needs its package for {WASM}"
        )
    })
}

fn has_target(workspace: &Workspace) -> bool {
    let answer = Command::new("rustc")
        .current_dir(&workspace.root)
        .args(["--print", "target-libdir", "--target", WASM])
        .stderr(Stdio::null())
        .output();
    answer.is_ok_and(|answer| Path::new(String::from_utf8_lossy(&answer.stdout).trim()).is_dir())
}

/// Builds the native host with the component inside and returns the binary.
pub(crate) fn host(workspace: &Workspace, profile: Profile, wasm: &Path) -> Result<PathBuf> {
    let artifact = artifact(workspace, profile);
    let binary = host_as_it_is(workspace, profile)?;
    if is_stamped(&artifact, wasm, &binary) {
        return Ok(binary);
    }
    if precompile(&binary, wasm, &artifact)? == Precompiled::Changed {
        term::step("native host with the component inside");
        host_once(workspace, profile)?;
    }
    stamp(&artifact, wasm, &binary)?;
    Ok(binary)
}

/// Builds the native host with whatever component was compiled for it last, and with none the first time.
pub(crate) fn host_as_it_is(workspace: &Workspace, profile: Profile) -> Result<PathBuf> {
    let folder = profile.folder();
    let before = workspace.target.join(folder).join("cairn");
    term::step(&format!("native host, {folder}{}", first(&before, 18)));
    host_once(workspace, profile)
}

fn host_once(workspace: &Workspace, profile: Profile) -> Result<PathBuf> {
    let mut build = workspace.cargo();
    build.arg("build").args(profile.selection());
    embed(&mut build, &artifact(workspace, profile));
    cargo::artifact(&mut build, "cairn", "")
}

/// The component, compiled ahead of time for binaries of this profile.
pub(crate) fn artifact(workspace: &Workspace, profile: Profile) -> PathBuf {
    let folder = workspace.target.join("component").join(profile.folder());
    folder.join("cairn.cwasm")
}

/// Tells the host's build script about the artifact, if there is one. Every build of a profile has to say the same:
/// the build script watches the variable.
pub(crate) fn embed(command: &mut Command, artifact: &Path) {
    if artifact.is_file() {
        command.env("CAIRN_COMPONENT", artifact);
    } else {
        command.env_remove("CAIRN_COMPONENT");
    }
}

/// What the environment tells builds and tests. A server would take it for its own, or for a misspelt setting.
const NOT_FOR_SERVERS: [&str; 3] = ["CAIRN_COMPONENT", cargo::REAL, postgres::URL];

/// A command of the server, whatever the user's shell has for builds and tests.
pub(crate) fn unspoken(server: &mut Command) -> &mut Command {
    for name in NOT_FOR_SERVERS {
        server.env_remove(name);
    }
    server
}

#[derive(PartialEq, Eq)]
enum Precompiled {
    Changed,
    Same,
}

/// Compiles the component with the binary's own engine. An artifact that did not change is left alone, time and all.
fn precompile(binary: &Path, wasm: &Path, artifact: &Path) -> Result<Precompiled> {
    let fresh = artifact.with_extension("fresh");
    if let Some(folder) = artifact.parent() {
        fs::create_dir_all(folder)?;
    }
    term::step("compiling the component ahead of time");
    let mut compile = Command::new(binary);
    compile.arg("compile").arg(wasm).arg(&fresh);
    cargo::run(compile.stdout(Stdio::null()))?;
    let same = fs::read(artifact).is_ok_and(|old| fs::read(&fresh).is_ok_and(|new| new == old));
    if same {
        fs::remove_file(&fresh)?;
        return Ok(Precompiled::Same);
    }
    fs::rename(&fresh, artifact)?;
    Ok(Precompiled::Changed)
}

/// Whether the artifact was made of this component by this binary, neither touched since.
fn is_stamped(artifact: &Path, wasm: &Path, binary: &Path) -> bool {
    fs::read_to_string(artifact.with_extension("stamp"))
        .is_ok_and(|stamp| stamp_of(&[artifact, wasm, binary]).is_ok_and(|now| now == stamp))
}

fn stamp(artifact: &Path, wasm: &Path, binary: &Path) -> Result<()> {
    let stamp = stamp_of(&[artifact, wasm, binary])?;
    Ok(fs::write(artifact.with_extension("stamp"), stamp)?)
}

fn stamp_of(files: &[&Path]) -> Result<String> {
    let mut stamp = String::new();
    for file in files {
        let metadata = fs::metadata(file)?;
        let age = metadata
            .modified()?
            .duration_since(SystemTime::UNIX_EPOCH)?;
        stamp += &format!("{} {}\n", metadata.len(), age.as_nanos());
    }
    Ok(stamp)
}

/// What to add to a step that takes long while there is nothing from before.
fn first(before: &Path, core_minutes: usize) -> String {
    if before.exists() {
        String::new()
    } else {
        format!(" ({} from nothing)", about(core_minutes))
    }
}

/// How long work takes here, given the minutes it takes one core.
pub(crate) fn about(core_minutes: usize) -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // Beyond eight cores the longest chain of crates decides.
    format!("about {} min", core_minutes.div_ceil(cores.min(8)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_holds_until_one_of_its_files_changes() {
        let folder = std::env::temp_dir().join(format!("xtask-stamp-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let [artifact, wasm, binary] = ["a.cwasm", "a.wasm", "a"].map(|name| folder.join(name));
        for file in [&artifact, &wasm, &binary] {
            fs::write(file, "one").unwrap();
        }
        assert!(
            !is_stamped(&artifact, &wasm, &binary),
            "nothing was stamped yet"
        );
        stamp(&artifact, &wasm, &binary).unwrap();
        assert!(is_stamped(&artifact, &wasm, &binary));
        fs::write(&wasm, "other").unwrap();
        assert!(!is_stamped(&artifact, &wasm, &binary));
        fs::remove_dir_all(folder).unwrap();
    }
}
