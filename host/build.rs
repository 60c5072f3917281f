//! Puts the component into the binary when `CAIRN_COMPONENT` names one that was compiled ahead of time, and says what
//! the binary was built with. It builds nothing itself: a build inside a build that shares its target folder can wait
//! for itself.

use std::{
    env,
    error::Error,
    path::{Path, PathBuf},
    process::Command,
};

fn main() -> Result<(), Box<dyn Error>> {
    component()?;
    commit();
    let rustc = Command::new(env::var("RUSTC")?).arg("--version").output()?;
    let version = String::from_utf8(rustc.stdout)?;
    println!(
        "cargo::rustc-env=CAIRN_RUST_VERSION={}",
        version.split_whitespace().nth(1).unwrap_or("unknown")
    );
    let (os, arch) = (
        env::var("CARGO_CFG_TARGET_OS")?,
        env::var("CARGO_CFG_TARGET_ARCH")?,
    );
    println!("cargo::rustc-env=CAIRN_PLATFORM={os}/{arch}");
    if packs_relocations(&os) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    Ok(())
}

/// Whether the binary may hold its relocations in packed form, which is two megabytes less: glibc reads that from 2.36
/// on, and an older one would refuse the binary.
fn packs_relocations(os: &str) -> bool {
    let native = env::var("TARGET").ok() == env::var("HOST").ok();
    if os != "linux" || !native || env::var("CARGO_CFG_TARGET_ENV").as_deref() != Ok("gnu") {
        return false;
    }
    let told = Command::new("getconf").arg("GNU_LIBC_VERSION").output();
    let told = told.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let version = told.ok().and_then(|told| {
        let (major, minor) = told.split_whitespace().nth(1)?.split_once('.')?;
        Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?))
    });
    version.is_some_and(|version| version >= (2, 36))
}

/// The commit of the checkout that this is built in, unless the build was given one.
fn commit() {
    println!("cargo::rerun-if-env-changed=CAIRN_COMMIT");
    if env::var_os("CAIRN_COMMIT").is_some() {
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let git = |args: &[&str]| {
        let told = Command::new("git")
            .current_dir(&root)
            .args(args)
            .output()
            .ok()?;
        let text = String::from_utf8(told.stdout).ok()?;
        told.status.success().then(|| text.trim().to_owned())
    };
    // Sources may lie unpacked in a checkout of something else.
    let top = git(&["rev-parse", "--show-toplevel"]).map(PathBuf::from);
    if top.and_then(|top| top.canonicalize().ok()) != root.canonicalize().ok() {
        return;
    }
    let (Some(commit), Some(log)) = (
        git(&["rev-parse", "HEAD"]),
        git(&["rev-parse", "--git-path", "logs/HEAD"]),
    ) else {
        return;
    };
    println!("cargo::rustc-env=CAIRN_COMMIT={commit}");
    // It grows with each commit and each switch of branches.
    let log = root.join(log);
    if log.is_file() {
        println!("cargo::rerun-if-changed={}", log.display());
    }
}

fn component() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=CAIRN_COMPONENT");
    println!("cargo::rustc-check-cfg=cfg(embedded_component)");
    if let Some(component) = env::var_os("CAIRN_COMPONENT").map(PathBuf::from) {
        let kept = PathBuf::from(env::var("OUT_DIR")?).join("component.cwasm");
        std::fs::copy(&component, kept)
            .map_err(|error| format!("CAIRN_COMPONENT {}: {error}", component.display()))?;
        println!("cargo::rerun-if-changed={}", component.display());
        println!("cargo::rustc-cfg=embedded_component");
    }
    Ok(())
}
