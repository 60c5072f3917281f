//! The configuration as an operator meets it: a file, an environment, flags, and what comes of them.

mod access;
mod database;
mod files;
mod forms;
mod layers;
mod output;
mod problems;
mod refusals;
mod telemetry;

use std::{collections::BTreeMap, io::Write};

use super::{Config, ConfigError, Overrides, load};

/// The older form, as the deployment guide has it.
const OLDER: &str = r#"registryName: my-registry
registries:
  - name: toolhive
    format: toolhive
    git:
      repository: https://github.com/stacklok/toolhive.git
      branch: main
      path: pkg/registry/data/registry.json
    syncPolicy:
      interval: "15m"
auth:
  mode: anonymous  # For development only!
"#;

/// Every key that a source or a registry of the current form has.
const CURRENT: &str = r#"sources:
  - name: tagged
    format: upstream
    git:
      repository: http://127.0.0.1:4000/catalog.git
      tag: 1.10
      auth:
        username: reader
        passwordFile: /run/secrets/git
    syncPolicy:
      interval: 1h30m
    filter:
      names:
        include: ["io.github.*", "com.example/*"]
        exclude: [io.github.bad/*]
      tags:
        include: [stable]
        exclude: [beta]
  - name: pinned
    git:
      repository: https://example.com/catalog
      commit: 0123456789012345678901234567890123456789
    syncPolicy: { interval: 500ms }
  - name: head
    git: { repository: https://example.com/catalog, path: data/all.json }
    syncPolicy: { interval: 1m }
  - name: upstream
    api: { endpoint: https://registry.example.com/registry/all, timeout: 5m }
    syncPolicy: { interval: 1m }
  - name: local
    format: mcp
    file: { path: ./servers.json }
    syncPolicy: { interval: 1m }
  - name: web
    file: { url: "https://example.com/raw?ref=main" }
    syncPolicy: { interval: 1m }
registries:
  - name: first
    sources: [tagged, pinned]
  - name: strict
    sources:
      - upstream
      - local
    validOnly: true
"#;

/// An environment of these variables.
fn env(variables: &[(&str, &str)]) -> BTreeMap<String, String> {
    variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// Loads `file` with these variables and no flags.
fn read(file: impl AsRef<[u8]>, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    read_with(file, variables, &Overrides::default())
}

fn read_with(
    file: impl AsRef<[u8]>,
    variables: &[(&str, &str)],
    flags: &Overrides,
) -> Result<Config, ConfigError> {
    let mut place = tempfile::NamedTempFile::new().expect("a file");
    place.write_all(file.as_ref()).expect("written");
    load(Some(place.path()), flags, &env(variables))
}

/// What was found wrong, one line each, `line or variable or flag: key: message`.
fn problems(result: Result<Config, ConfigError>) -> Vec<String> {
    let Err(error) = result else {
        return Vec::new();
    };
    let shown = error.to_string();
    let after_place = |line: &str| {
        let line = line.trim_start();
        line.rsplit_once("/.tmp")
            .and_then(|(_, rest)| rest.split_once(':'))
            .map_or(line, |(_, rest)| rest.trim_start())
            .to_owned()
    };
    shown.lines().skip(1).map(after_place).collect()
}

/// A source that loads, for the rows that are about something else.
const FINE: &str = "sources:
  - { name: a, file: { path: a.json }, syncPolicy: { interval: 1m } }
registries:
  - { name: r, sources: [a] }
";

/// What is wrong with a file in an empty environment.
fn check(file: &str, expected: &[&str]) {
    assert_eq!(problems(read(file, &[])), expected, "{file}");
}

/// A file with one source of these keys, which begin on line 4.
fn source(keys: &str) -> String {
    format!("registries: [{{ name: r, sources: [s] }}]\nsources:\n  - name: s\n{keys}")
}
