//! Every object against the schemas of Kubernetes, oldest supported, one between, and a current one: whatever has been
//! rendered, and every file of YAML that can be applied as it stands.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Stdio,
};

use serde_json::Value;

use crate::{
    manifest::{Manifests, kustomized, text, try_chart},
    tool::{self, tool},
};

const VERSIONS: [&str; 3] = ["1.24.0", "1.28.0", "1.37.0"];

/// Kinds that come with an operator: no schemas of theirs are at hand. Their shape is asserted where they are rendered.
const FOREIGN: [&str; 14] = [
    "Application",
    "Backup",
    "Cluster",
    "ExternalSecret",
    "GitRepository",
    "HTTPRoute",
    "Kustomization",
    "PrometheusRule",
    "Schedule",
    "SealedSecret",
    "ServiceMonitor",
    "SpinApp",
    "VerticalPodAutoscaler",
    "VolumeSnapshot",
];

/// Validates objects, each by its own version's schema.
#[track_caller]
pub(crate) fn validate(what: &str, objects: &Manifests) {
    let about = "manifests against the schemas of Kubernetes";
    let schemas = tool::folder().map(|folder| folder.join("schemas"));
    let Some(schemas) = schemas.filter(|folder| folder.is_dir()) else {
        return println!("not checked: {about}: there are no schemas here");
    };
    assert!(!objects.0.is_empty(), "{what}: nothing was rendered");
    let stream: String = objects
        .0
        .iter()
        .map(|object| format!("---\n{object}\n"))
        .collect();
    for version in VERSIONS {
        let Some(mut kubeconform) = tool("kubeconform", about) else {
            return;
        };
        let file = "{{ .NormalizedKubernetesVersion }}/{{ .ResourceKind }}{{ .KindSuffix }}.json";
        kubeconform
            .args([
                "-strict",
                "-kubernetes-version",
                version,
                "-skip",
                &FOREIGN.join(","),
            ])
            .arg("-schema-location")
            .arg(schemas.join(file))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = kubeconform.spawn().expect("kubeconform");
        let mut input = child.stdin.take().expect("its input");
        input.write_all(stream.as_bytes()).expect("the objects");
        drop(input);
        let output = child.wait_with_output().expect("its end");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success(),
            "{what}, Kubernetes {version}:\n{said}"
        );
    }
}

/// Files below a folder of `deploy/` that hold objects: each document has a kind, and is no kustomization.
fn manifests(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![tool::deploy(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}")) {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "yaml") && is_applied(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn is_applied(path: &Path) -> bool {
    let name = path.file_name().expect("a name");
    let text = fs::read_to_string(path).expect("a file");
    !["kustomization.yaml", "values.yaml"].contains(&name.to_str().expect("UTF-8"))
        && text.lines().any(|line| line.starts_with("kind: "))
}

#[test]
fn a_broken_object_is_noticed() {
    let broken =
        Manifests::read("{apiVersion: v1, kind: Service, metadata: {name: x}, spec: {prots: []}}");
    if tool::find("kubeconform").is_some()
        && tool::folder().is_some_and(|folder| folder.join("schemas").is_dir())
    {
        let noticed = std::panic::catch_unwind(|| validate("a broken one", &broken));
        assert!(noticed.is_err());
    }
}

#[test]
fn every_plain_manifest_is_valid() {
    for folder in ["manifests", "gitops", "examples", "spin"] {
        let files = manifests(folder);
        assert!(!files.is_empty(), "no manifests in deploy/{folder}");
        for file in files {
            validate(&file.display().to_string(), &Manifests::of_file(&file));
        }
    }
}

#[test]
fn every_overlay_is_valid() {
    let mut built = 0;
    for folder in crate::texts::overlays() {
        let Some(objects) = kustomized(&folder) else {
            return;
        };
        validate(&folder, &objects);
        built += 1;
    }
    assert!(built >= 6, "only {built} overlays");
}

#[test]
fn the_chart_is_valid_for_each_values_file_and_in_each_form() {
    let all_kinds = [
        "--api-versions=monitoring.coreos.com/v1/ServiceMonitor",
        "--api-versions=monitoring.coreos.com/v1/PrometheusRule",
        "--set=secret.externalSecret.enabled=true,gatewayRoute.enabled=true,quota.enabled=true,limitRange.enabled=true",
        "--set=gatewayRoute.gateways[0].name=edge,database.pgpassSecret=pgpass,caSecret=ca,service.type=LoadBalancer",
        "--set-json=rbac.rules=[{\"apiGroups\":[\"\"],\"resources\":[\"configmaps\"],\"verbs\":[\"get\"]}]",
        "--set=metrics.dashboard=true,networkPolicy.enabled=true,networkPolicy.fromNamespaces.name=web,global.domain=x.org",
    ];
    for file in ["dev", "staging", "prod", "edge"] {
        let file = format!("--values=deploy/helm/cairn/values-{file}.yaml");
        for more in [&[][..], &all_kinds] {
            let args: Vec<&str> = [file.as_str()]
                .into_iter()
                .chain(more.iter().copied())
                .collect();
            let Some(rendered) = try_chart("cairn", &args) else {
                return;
            };
            let objects = rendered.unwrap_or_else(|said| panic!("{args:?}\n{said}"));
            validate(&file, &objects);
        }
    }
    let Some(stateful) = try_chart(
        "cairn",
        &["--set=workload=StatefulSet,registry.app.replicas=3"],
    ) else {
        return;
    };
    let objects = stateful.unwrap_or_else(|said| panic!("{said}"));
    assert!(
        objects
            .of("StatefulSet")
            .any(|object| text(&object["spec"]["serviceName"]).ends_with("-headless"))
    );
    assert_eq!(
        objects
            .of("PersistentVolumeClaim")
            .map(Value::to_string)
            .collect::<Vec<_>>(),
        [""; 0]
    );
    validate("a StatefulSet", &objects);
}
