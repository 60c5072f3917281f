//! Puts the component into the binary when `CAIRN_COMPONENT` names one that was compiled ahead of time. It builds
//! nothing itself: a build inside a build that shares its target folder can wait for itself.

use std::{env, error::Error, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
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
