//! The built component and the manifest that Spin runs it by: what it imports, and that it is granted exactly that.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use toml::{Table, Value};
use wasmparser::{Parser, Payload};

/// Where both hosts have it from, below the workspace.
const SOURCE: &str = "target/component/wasm32-wasip2/release/cairn_component.wasm";

/// Most bytes it may have.
const LARGEST: usize = 3_000_000;

/// What Spin's HTTP world offers besides WASI.
const ALLOWED: [&str; 5] = [
    "spin:sqlite/sqlite@3.1.0",
    "spin:postgres/postgres@4.2.0",
    "spin:variables/variables@3.0.0",
    "spin:key-value/key-value@3.0.0",
    "fermyon:spin/llm@2.0.0",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The component as it was built last; `None`, said aloud, where it was not.
fn component() -> Option<Vec<u8>> {
    let path =
        env::var_os("CAIRN_COMPONENT_WASM").map_or_else(|| root().join(SOURCE), PathBuf::from);
    let bytes = fs::read(&path).ok();
    if bytes.is_none() {
        eprintln!("not checked: there is no component at {}", path.display());
    }
    bytes
}

/// Names of what the outermost component imports and exports.
fn interfaces(bytes: &[u8]) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut imports, mut exports) = (BTreeSet::new(), BTreeSet::new());
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.expect("a valid component") {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 0 => {
                let names = section
                    .into_iter()
                    .map(|import| import.expect("an import").name.0.to_owned());
                imports.extend(names);
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                let names = section
                    .into_iter()
                    .map(|export| export.expect("an export").name.0.to_owned());
                exports.extend(names);
            }
            _ => {}
        }
    }
    (imports, exports)
}

fn is_allowed(import: &str) -> bool {
    let offered = |wasi: &str| wasi.contains("@0.2.") || wasi.ends_with("@0.3.0");
    ALLOWED.contains(&import) || import.strip_prefix("wasi:").is_some_and(offered)
}

#[test]
fn imports_are_judged_by_interface_and_version() {
    let check = |import, expected| assert_eq!(is_allowed(import), expected, "{import}");
    check("wasi:http/types@0.3.0", true);
    check("wasi:clocks/monotonic-clock@0.2.9", true);
    check("spin:sqlite/sqlite@3.1.0", true);
    check("wasi:http/types@0.3.0-rc-2026", false);
    check("wasi:http/types@0.4.0", false);
    check("spin:sqlite/sqlite@4.0.0", false);
    check("fermyon:spin/sqlite@2.0.0", false);
    check("cairn:host/cache@1.0.0", false);
    check("env", false);
}

#[test]
fn the_component_imports_only_what_spin_offers() {
    let Some(bytes) = component() else {
        return;
    };
    let (imports, exports) = interfaces(&bytes);
    let refused: Vec<_> = imports
        .iter()
        .filter(|import| !is_allowed(import))
        .collect();
    assert!(refused.is_empty(), "{refused:?}");
    for engine in ["spin:sqlite/sqlite@3.1.0", "spin:postgres/postgres@4.2.0"] {
        assert!(imports.contains(engine), "{imports:?}");
    }
    assert!(exports.contains("wasi:http/handler@0.3.0"), "{exports:?}");
    assert!(bytes.len() <= LARGEST, "{} bytes", bytes.len());
}

#[test]
fn the_manifest_grants_what_the_component_imports_and_no_more() {
    let Some(bytes) = component() else {
        return;
    };
    let (imports, _) = interfaces(&bytes);
    let uses = |interface: &str| imports.iter().any(|import| import.starts_with(interface));
    let manifest = manifest();
    let component = &manifest["component"]["cairn"];
    let grants = |key: &str| {
        component
            .get(key)
            .and_then(Value::as_array)
            .map_or(0, Vec::len)
    };
    assert_eq!(grants("sqlite_databases") > 0, uses("spin:sqlite/"));
    assert_eq!(grants("key_value_stores") > 0, uses("spin:key-value/"));
    assert_eq!(grants("ai_models") > 0, uses("fermyon:spin/llm"));
    let outbound = uses("wasi:http/client") || uses("spin:postgres/");
    assert_eq!(grants("allowed_outbound_hosts") > 0, outbound);
    assert_eq!(
        component.get("variables").is_some(),
        uses("spin:variables/")
    );
}

#[test]
fn the_manifest_builds_the_file_it_runs_and_takes_every_request() {
    let manifest = manifest();
    assert_eq!(manifest["spin_manifest_version"].as_integer(), Some(2));
    assert_eq!(
        manifest["application"]["version"].as_str(),
        Some(env!("CARGO_PKG_VERSION"))
    );
    let triggers = manifest["trigger"]["http"].as_array().expect("triggers");
    assert_eq!(triggers.len(), 1);
    assert_eq!(triggers[0]["route"].as_str(), Some("/..."));
    assert_eq!(triggers[0]["component"].as_str(), Some("cairn"));
    let component = &manifest["component"]["cairn"];
    assert_eq!(component["source"].as_str(), Some(SOURCE));
    assert_eq!(
        component["build"]["command"].as_str(),
        Some("cargo xtask build component")
    );
    let databases = component["sqlite_databases"].as_array().expect("databases");
    assert_eq!(databases.as_slice(), [Value::from("default")]);
}

fn manifest() -> Table {
    let text = fs::read_to_string(root().join("spin.toml")).expect("spin.toml");
    text.parse().expect("valid TOML")
}
