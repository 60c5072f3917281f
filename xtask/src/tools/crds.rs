//! Definitions of the kinds that operators bring (`CustomResourceDefinition`), for the tests of `deploy/`: files out of
//! the operators' own Go modules, at pinned versions, copied as they are.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::has;
use crate::term;

/// An operator's module, its version, the definitions in it. What two of them define is taken from the later one: an older
/// version stands first for what only it still serves.
const MODULES: [(&str, &str, &[&str]); 11] = [
    (
        "github.com/prometheus-operator/prometheus-operator",
        "v0.85.0",
        &[
            "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
            "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
        ],
    ),
    (
        "sigs.k8s.io/gateway-api",
        "v1.5.1",
        &["config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"],
    ),
    (
        "github.com/external-secrets/external-secrets",
        "v0.16.2",
        &["config/crds/bases/external-secrets.io_externalsecrets.yaml"],
    ),
    (
        "github.com/external-secrets/external-secrets",
        "v1.3.2",
        &["config/crds/bases/external-secrets.io_externalsecrets.yaml"],
    ),
    (
        "github.com/argoproj/argo-cd/v3",
        "v3.4.0",
        &["manifests/crds/application-crd.yaml"],
    ),
    (
        "github.com/fluxcd/source-controller",
        "v1.9.6",
        &["config/crd/bases/source.toolkit.fluxcd.io_gitrepositories.yaml"],
    ),
    (
        "github.com/fluxcd/kustomize-controller",
        "v1.9.6",
        &["config/crd/bases/kustomize.toolkit.fluxcd.io_kustomizations.yaml"],
    ),
    (
        "k8s.io/autoscaler/vertical-pod-autoscaler",
        "v1.8.1",
        &["deploy/vpa-v1-crd-gen.yaml"],
    ),
    (
        "github.com/kubernetes-csi/external-snapshotter/client/v8",
        "v8.7.0",
        &["config/crd/snapshot.storage.k8s.io_volumesnapshots.yaml"],
    ),
    (
        "github.com/vmware-tanzu/velero",
        "v1.18.3",
        &["config/crd/v1/bases/velero.io_schedules.yaml"],
    ),
    (
        "github.com/bitnami-labs/sealed-secrets",
        "v0.40.0",
        &["helm/sealed-secrets/crds/bitnami.com_sealedsecrets.yaml"],
    ),
];

/// Copies what is not there into the folder `crds`; what could not be had is told by name.
pub(super) fn missing(tools: &Path) -> Vec<String> {
    let folder = tools.join("crds");
    let mut wanted = Vec::new();
    let mut missing = Vec::new();
    for (place, (module, version, files)) in MODULES.into_iter().enumerate() {
        let to = folder.join(format!("{place:02}-{version}"));
        if let Err(why) = copy(&to, module, version, files) {
            missing.push(format!("objects against {module} {version}: {why:#}"));
        }
        wanted.push(to);
    }
    missing.extend(
        forget(&folder, &wanted)
            .err()
            .map(|why| format!("objects of operators: {why:#}")),
    );
    missing
}

/// Copies a module's definitions into a folder that is there only when it is whole.
fn copy(to: &Path, module: &str, version: &str, files: &[&str]) -> Result<()> {
    if to.is_dir() {
        return Ok(());
    }
    ensure!(has("go"), "there is no `go` to load it with");
    term::step(&format!("definitions of {module} {version}"));
    let from = download(module, version)?;
    let unfinished = to.with_extension("unfinished");
    fs::create_dir_all(&unfinished)?;
    for file in files {
        let text = fs::read(from.join(file)).with_context(|| format!("it has no {file}"))?;
        let name = Path::new(file).file_name().context("no name")?;
        fs::write(unfinished.join(name), text)?;
    }
    Ok(fs::rename(unfinished, to)?)
}

/// Where Go keeps the module.
fn download(module: &str, version: &str) -> Result<PathBuf> {
    let mut download = Command::new("go");
    download
        .args(["mod", "download", "-json", &format!("{module}@{version}")])
        // Outside of a module, so that none is asked which versions it wants.
        .current_dir(std::env::temp_dir())
        .stdin(Stdio::null());
    let said: Value = serde_json::from_slice(&download.output()?.stdout)?;
    let text = |member: &str| said.get(member).and_then(Value::as_str);
    let folder =
        text("Dir").with_context(|| text("Error").unwrap_or("Go says nothing").to_owned())?;
    Ok(folder.into())
}

/// Removes what an earlier list of modules has left.
fn forget(folder: &Path, wanted: &[PathBuf]) -> Result<()> {
    fs::create_dir_all(folder)?;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if !wanted.contains(&path) {
            fs::remove_dir_all(path)?;
        }
    }
    Ok(())
}
