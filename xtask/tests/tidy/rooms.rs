//! What each room may know of the others: by what it links, and by what its code names.

use std::collections::BTreeSet;

use super::{File, none, output, rust};

/// What gives the registry a thread, a socket or a file.
const RUNTIMES: [&str; 14] = [
    "async-std",
    "axum",
    "gix",
    "hyper",
    "libsql",
    "reqwest",
    "rusqlite",
    "rustls",
    "smol",
    "spin-sdk",
    "sqlx",
    "tokio",
    "tokio-postgres",
    "wasmtime",
];

/// Names of what is linked into a package, itself left out.
fn dependencies(package: &str, more: &[&str]) -> BTreeSet<String> {
    let mut arguments = vec!["tree", "--locked", "--prefix", "none", "--package", package];
    arguments.extend(["--edges", "normal"]);
    arguments.extend(more);
    let tree = output(env!("CARGO"), &arguments);
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    let names: BTreeSet<String> = names.map(str::to_owned).collect();
    assert!(
        names.contains(package),
        "cargo tree does not know {package}"
    );
    names.into_iter().filter(|name| name != package).collect()
}

#[test]
fn rooms_know_only_what_they_may_know() {
    let wasm = ["--target", "wasm32-wasip2"];
    for (package, more, forbidden) in [
        ("cairn-registry", &[][..], &RUNTIMES[..]),
        ("cairn-registry", &wasm, &RUNTIMES),
        (
            "cairn-component",
            &[],
            &["cairn", "tokio", "libsql", "rusqlite", "wasmtime"],
        ),
        (
            "cairn-component",
            &wasm,
            &["cairn", "tokio", "libsql", "rusqlite", "wasmtime"],
        ),
        (
            "cairn-tests",
            &[],
            &["cairn", "cairn-component", "cairn-registry"],
        ),
        (
            "xtask",
            &[],
            &["cairn", "cairn-component", "cairn-registry"],
        ),
        // One SQLite and one provider of TLS in a process.
        (
            "cairn",
            &[],
            &["rusqlite", "aws-lc-rs", "openssl", "native-tls"],
        ),
    ] {
        let known = dependencies(package, more);
        let findings = forbidden.iter().filter(|name| known.contains(**name));
        none(
            &format!("{package} must not link"),
            findings.map(|name| (*name).to_owned()),
        );
    }
}

/// Lines that are not comments, with the place to report.
fn code(file: &File) -> impl Iterator<Item = (String, &str)> {
    let lines = file.text.lines().enumerate();
    lines
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(number, line)| (format!("{}:{}", file.path, number + 1), line))
}

/// Files below a folder, and the findings in their code.
fn in_code(folder: &str, except: &[&str], is_wrong: impl Fn(&str) -> bool) -> Vec<String> {
    let mut findings = Vec::new();
    let mut seen = 0;
    for file in rust().filter(|file| file.path.starts_with(folder)) {
        if except.iter().any(|path| file.path.starts_with(path)) {
            continue;
        }
        seen += 1;
        findings.extend(
            code(&file)
                .filter(|(_, line)| is_wrong(line))
                .map(|(place, line)| format!("{place}: {}", line.trim())),
        );
    }
    assert!(seen > 0, "no files in {folder}");
    findings
}

#[test]
fn only_the_engines_and_the_export_know_spin() {
    let except = ["component/src/db/", "component/src/wasi.rs"];
    let findings = in_code("component/src/", &except, |line| line.contains("spin_sdk"));
    none("spin_sdk is for component/src/db and wasi.rs", findings);
}

/// A surface hands the store's port on to `ops`, by the trait's name, and knows nothing else of the store.
fn names_the_store(line: &str) -> bool {
    line.match_indices("store::").any(|(at, path)| {
        let after = line.get(at + path.len()..).unwrap_or_default();
        let name = after
            .split(|c: char| !c.is_alphanumeric() && c != '_' && c != '{')
            .next();
        name != Some("Db")
    })
}

#[test]
fn surfaces_know_of_the_store_only_that_there_is_one() {
    for (line, expected) in [
        ("    store::Db,", false),
        ("use cairn_registry::store::Db;", false),
        ("use cairn_registry::store::{Db, Row};", true),
        ("    store::entry::find(db)", true),
        ("    store::Dbs,", true),
        ("let restored = 1;", false),
    ] {
        assert_eq!(names_the_store(line), expected, "{line}");
    }
    let findings = in_code("component/src/", &["component/src/db/"], names_the_store);
    none("surfaces use ops, never the store", findings);
}

#[test]
fn values_and_kinds_are_synchronous_and_know_no_store() {
    let is_wrong = |line: &str| {
        ["async ", ".await", "crate::store", "crate::ops"]
            .iter()
            .any(|word| line.contains(word))
    };
    for folder in ["registry/src/model/", "registry/src/kinds/"] {
        none(
            "model and kinds are synchronous",
            in_code(folder, &[], is_wrong),
        );
    }
}
