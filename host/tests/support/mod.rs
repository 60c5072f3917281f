//! What the host's tests share: the test guest, built once, and limits to put it under.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses its own part"
)]

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::Duration,
};

use cairn::{config::model::Limits, guest};

/// The test guest, compiled for this engine. Built in a target folder of its own, as the component is.
pub fn component() -> guest::Source {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    guest::Source::File(BUILT.get_or_init(build).clone())
}

fn build() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let target = target.join("component");
    let built = Command::new(env!("CARGO"))
        .current_dir(root)
        .args([
            "build",
            "--quiet",
            "--release",
            "--package",
            "cairn-test-guest",
        ])
        .args(["--target", "wasm32-wasip2", "--target-dir"])
        .arg(&target)
        .status()
        .unwrap();
    assert!(
        built.success(),
        "the test guest does not build; is the target wasm32-wasip2 installed?"
    );
    let wasm = target.join("wasm32-wasip2/release/cairn_test_guest.wasm");
    // Test binaries may run at the same time: each sees a whole file, made by whichever came last.
    let artifact = target.join("cairn_test_guest.cwasm");
    let unfinished = tempfile::NamedTempFile::new_in(&target)
        .unwrap()
        .into_temp_path();
    guest::precompile(&wasm, &unfinished).unwrap();
    unfinished.persist(&artifact).unwrap();
    artifact
}

/// Limits small enough to be reached.
pub fn limits() -> Limits {
    Limits {
        connections: 64,
        requests: 64,
        header_size: 16 * 1024,
        body_size: 64 * 1024,
        header_timeout: Duration::from_millis(500),
        request_timeout: Duration::from_secs(4),
        drain_timeout: Duration::from_secs(5),
        instances: 4,
        concurrent_per_instance: 8,
        requests_per_instance: 1000,
        instance_memory: 16 << 20,
    }
}
