//! The operators' programs that tests of `deploy/` start, and the schemas of Kubernetes and of operators: at pinned
//! versions, from Go's and Python's package registries, into a folder of the target directory. Nothing is installed outside
//! of it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result};

use super::{crds, has};
use crate::{cargo, term};

/// Program, its package for `go install`, its version.
const PROGRAMS: [(&str, &str, &str); 5] = [
    ("helm", "helm.sh/helm/v3/cmd/helm", "v3.21.4"),
    ("kustomize", "sigs.k8s.io/kustomize/kustomize/v5", "v5.8.2"),
    (
        "kubeconform",
        "github.com/yannh/kubeconform/cmd/kubeconform",
        "v0.8.0",
    ),
    (
        "actionlint",
        "github.com/rhysd/actionlint/cmd/actionlint",
        "v1.7.12",
    ),
    (
        "hclfmt",
        "github.com/hashicorp/hcl/v2/cmd/hclfmt",
        "v2.24.0",
    ),
];

/// Version of Kubernetes, and the release of a Python package that carries its schemas.
const SCHEMAS: [(&str, &str); 3] = [
    ("1.24.0", "kubernetes-validate==1.24.1"),
    ("1.28.0", "kubernetes-validate==1.37.0"),
    ("1.37.0", "kubernetes-validate==1.37.0"),
];

/// Where tests find them, below the target folder.
pub(crate) fn folder(target: &Path) -> PathBuf {
    target.join("tools")
}

/// Makes them available; what could not be had is told by name.
pub(crate) fn missing(target: &Path) -> Vec<String> {
    let folder = folder(target);
    let mut missing = Vec::new();
    for (name, package, version) in PROGRAMS {
        if let Err(why) = program(&folder, name, package, version) {
            missing.push(format!("tests of deploy/ with {name} {version}: {why:#}"));
        }
    }
    for (version, package) in SCHEMAS {
        if let Err(why) = schemas(
            &folder.join("schemas").join(format!("v{version}")),
            version,
            package,
        ) {
            missing.push(format!("manifests against Kubernetes {version}: {why:#}"));
        }
    }
    missing.append(&mut crds::missing(&folder));
    missing
}

fn program(folder: &Path, name: &str, package: &str, version: &str) -> Result<()> {
    // The version is part of the mark, so that another one is installed over it.
    let mark = folder.join(format!("{name}-{version}"));
    if mark.is_file() {
        return Ok(());
    }
    anyhow::ensure!(has("go"), "there is no `go` to install it with");
    term::step(&format!("{name} {version} (about 2 min from nothing)"));
    let mut install = Command::new("go");
    install
        .args(["install", &format!("{package}@{version}")])
        .env("GOBIN", folder)
        .stdin(Stdio::null());
    cargo::run(&mut install)?;
    Ok(fs::write(mark, "")?)
}

/// Downloads the package and keeps the strict schemas of one version.
fn schemas(to: &Path, version: &str, package: &str) -> Result<()> {
    if to.is_dir() {
        return Ok(());
    }
    anyhow::ensure!(
        has("python3"),
        "there is no `python3` to load its schemas with"
    );
    let unfinished = to.with_extension("unfinished");
    fs::create_dir_all(&unfinished)?;
    term::step(&format!("schemas of Kubernetes {version}"));
    let mut download = Command::new("python3");
    download
        .args(["-m", "pip", "download", "--quiet", "--no-deps", "--dest"])
        .arg(&unfinished)
        .arg(package)
        .stdin(Stdio::null());
    cargo::run(&mut download)?;
    let archive = entries(&unfinished)?
        .into_iter()
        .find(|path| path.is_file())
        .context("nothing was loaded")?;
    // Knows both kinds of archive that Python packages come in.
    let mut unpack = Command::new("python3");
    unpack
        .args([
            "-c",
            "import shutil, sys; shutil.unpack_archive(sys.argv[1], sys.argv[2], sys.argv[3])",
        ])
        .args([&archive, &unfinished])
        .arg(
            if archive.extension().is_some_and(|ending| ending == "whl") {
                "zip"
            } else {
                "gztar"
            },
        );
    cargo::run(&mut unpack)?;
    let found = find(&unfinished, &format!("v{version}-local-strict"))?;
    let found = found.with_context(|| format!("{package} has no schemas of {version}"))?;
    for file in entries(&found)? {
        fs::write(&file, standalone(&fs::read_to_string(&file)?))?;
    }
    fs::rename(found, to)?;
    Ok(fs::remove_dir_all(unfinished)?)
}

/// Newer ones refer to each other by absolute addresses, which a validator would ask the Internet for.
fn standalone(schema: &str) -> String {
    let lines = schema.replace("\"/api/_definitions.json", "\"_definitions.json");
    let (mut kept, mut rest) = (String::new(), lines.as_str());
    while let Some((before, after)) = rest.split_once("\"$id\": \"https://kubernetes.io/api/") {
        kept += before.trim_end().trim_end_matches(',');
        rest = after.split_once('"').map_or("", |(_, after)| after);
    }
    kept + rest
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    Ok(entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?)
}

/// A folder of this name, at any depth.
fn find(folder: &Path, name: &str) -> Result<Option<PathBuf>> {
    for path in entries(folder)?.into_iter().filter(|path| path.is_dir()) {
        if path.file_name().is_some_and(|found| found == name) {
            return Ok(Some(path));
        }
        if let Some(found) = find(&path, name)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_refer_to_their_neighbours_only() {
        for (schema, expected) in [
            (
                r#"{"$ref": "/api/_definitions.json#/$defs/x"}"#,
                r#"{"$ref": "_definitions.json#/$defs/x"}"#,
            ),
            (
                "{\"a\": 1,\n  \"$id\": \"https://kubernetes.io/api/pod/v1\"\n}",
                "{\"a\": 1\n}",
            ),
            (
                r#"{"$id": "https://example.com/x"}"#,
                r#"{"$id": "https://example.com/x"}"#,
            ),
        ] {
            assert_eq!(standalone(schema), expected);
        }
    }
}
