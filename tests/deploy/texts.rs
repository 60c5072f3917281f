//! What is not applied to a cluster but read by other programs: workflows, Terraform, compose, overlays, the README.

use std::fs;

use serde_json::Value;

use crate::{
    manifest::{Manifests, kustomized, list, text},
    tool::{self, tool},
};

/// Folders below `deploy/` with a kustomization.
pub(crate) fn overlays() -> Vec<String> {
    let root = tool::deploy("");
    let found = tool::run(
        "find",
        [
            root.as_os_str(),
            "-name".as_ref(),
            "kustomization.yaml".as_ref(),
        ],
    );
    let folder = |line: &str| {
        let path = line.strip_prefix(root.to_str()?)?;
        path.strip_suffix("/kustomization.yaml").map(str::to_owned)
    };
    let mut folders: Vec<String> = found.lines().filter_map(folder).collect();
    folders.sort();
    folders
}

#[test]
fn the_plain_manifest_is_what_the_base_builds() {
    let Some(built) = kustomized("kustomize/base") else {
        return;
    };
    let path = tool::deploy("manifests/cairn.yaml");
    if std::env::var_os("BLESS").is_some() {
        let mut kustomize = tool("kustomize", "it was there").expect("kustomize");
        let text = tool::output(kustomize.arg("build").arg(tool::deploy("kustomize/base")));
        fs::write(&path, text).expect("the manifest");
    }
    assert_eq!(
        Manifests::of_file(&path).0,
        built.0,
        "BLESS=1 writes it anew"
    );
    let kinds: Vec<&str> = built.0.iter().map(|object| text(&object["kind"])).collect();
    assert_eq!(
        kinds.first(),
        Some(&"Namespace"),
        "in the order of `kubectl apply`: {kinds:?}"
    );
    assert_eq!(kinds.last(), Some(&"Deployment"), "{kinds:?}");
}

#[test]
fn compose_starts_things_in_their_order() {
    println!("not checked: `docker compose config`: no compose here");
    let compose = Manifests::of_file(&tool::root().join("compose.yaml"));
    let services = &compose.0[0]["services"];
    let after = |service: &str, other: &str| {
        text(&services[service]["depends_on"][other]["condition"]).to_owned()
    };
    assert_eq!(after("migrate", "postgres"), "service_healthy");
    assert_eq!(after("cairn", "migrate"), "service_completed_successfully");
    assert_eq!(services["postgres"]["healthcheck"]["test"][1], "pg_isready");
    for service in ["migrate", "cairn"] {
        assert_eq!(services[service]["read_only"], true, "{service}");
        let config = format!(
            "--config={}",
            text(&services[service]["configs"][0]["target"])
        );
        assert!(
            list(&services[service]["command"]).any(|word| *word == config.as_str()),
            "{service}"
        );
    }
}

#[test]
fn argo_and_flux_find_what_they_deploy() {
    let argo = Manifests::of_file(&tool::deploy("gitops/argocd.yaml"));
    let source = &argo.0[0]["spec"]["source"];
    let chart = tool::root().join(text(&source["path"]));
    assert!(chart.join("Chart.yaml").is_file());
    for values in list(&source["helm"]["valueFiles"]) {
        assert!(chart.join(text(values)).is_file(), "{values}");
    }
    let flux = Manifests::of_file(&tool::deploy("gitops/flux.yaml"));
    let path = text(&flux.get("Kustomization", "cairn")["spec"]["path"]).to_owned();
    assert!(tool::root().join(path).join("kustomization.yaml").is_file());
}

#[test]
fn what_examples_name_is_what_the_chart_makes() {
    let vpa = Manifests::of_file(&tool::deploy("examples/vertical-pod-autoscaler.yaml"));
    let target = vpa.0[0]["spec"]["targetRef"].clone();
    let snapshot = Manifests::of_file(&tool::deploy("examples/volume-snapshot.yaml"));
    let claim = text(&snapshot.0[0]["spec"]["source"]["persistentVolumeClaimName"]).to_owned();
    if let Some(objects) = crate::manifest::chart("cairn", &[]) {
        let _ = objects.get(text(&target["kind"]), text(&target["name"]));
    }
    if let Some(objects) = kustomized("kustomize/base") {
        let _ = objects.get("PersistentVolumeClaim", &claim);
    }
}

#[test]
fn the_readme_stays_short() {
    let readme = fs::read_to_string(tool::deploy("README.md")).expect("the README");
    assert!(
        readme.lines().count() < 200,
        "{} lines",
        readme.lines().count()
    );
}

#[test]
fn configurations_in_manifests_are_understood() {
    let mut checked = 0;
    for folder in ["kustomize/base", "examples", "guides/toolhive/minimal"] {
        for entry in fs::read_dir(tool::deploy(folder)).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.extension().is_none_or(|ending| ending != "yaml") {
                continue;
            }
            for object in &Manifests::of_file(&path).0 {
                let Some(config) = object["data"]["config.yaml"].as_str() else {
                    continue;
                };
                let installation = cairn_tests::Installation::empty();
                installation.write("config.yaml", config);
                let _ = installation.run(&["config"]).expect(0);
                checked += 1;
            }
        }
    }
    assert_eq!(checked, 3);
    let rendered = crate::manifest::chart("cairn", &[]);
    for object in rendered.iter().flat_map(|objects| objects.of("ConfigMap")) {
        let installation = cairn_tests::Installation::empty();
        installation.write("config.yaml", text(&object["data"]["config.yaml"]));
        let _ = installation.run(&["config"]).expect(0);
    }
    assert_ne!(rendered.map(|objects| objects.0), Some(Vec::<Value>::new()));
}
