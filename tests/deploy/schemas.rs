//! Every object against the schemas of Kubernetes, oldest supported, one between, and a current one: whatever has been
//! rendered, and every file of YAML that can be applied as it stands.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::{
    crd,
    manifest::{Manifests, chart, kustomized, text, try_chart},
    tool::{self, tool},
};

const VERSIONS: [&str; 3] = ["1.24.0", "1.28.0", "1.37.0"];

/// Kinds of operators whose definitions are at hand, and those whose are in no registry of packages.
const DEFINED: [&str; 11] = [
    "Application",
    "ExternalSecret",
    "GitRepository",
    "HTTPRoute",
    "Kustomization",
    "PrometheusRule",
    "Schedule",
    "SealedSecret",
    "ServiceMonitor",
    "VerticalPodAutoscaler",
    "VolumeSnapshot",
];
const UNDEFINED: [&str; 2] = ["Cluster", "SpinApp"];

const ABOUT: &str = "manifests against the schemas of Kubernetes";

/// Validates objects, each by its own version's schema, for every version of Kubernetes.
#[track_caller]
pub(crate) fn validate(what: &str, objects: &Manifests) {
    assert!(!objects.0.is_empty(), "{what}: nothing was rendered");
    for version in VERSIONS {
        if let Some(Err(said)) = conforms(version, objects) {
            panic!("{what}, Kubernetes {version}:\n{said}");
        }
    }
}

/// What kubeconform finds; `None` without it or without schemas.
fn conforms(version: &str, objects: &Manifests) -> Option<Result<(), String>> {
    let schemas = tool::folder().map(|folder| folder.join("schemas"));
    let Some(schemas) = schemas.filter(|folder| folder.is_dir()) else {
        println!("not checked: {ABOUT}: there are no schemas here");
        return None;
    };
    let mut kubeconform = tool("kubeconform", ABOUT)?;
    let file = "{{ .NormalizedKubernetesVersion }}/{{ .ResourceKind }}{{ .KindSuffix }}.json";
    kubeconform
        .args(["-strict", "-kubernetes-version", version])
        .arg("-schema-location")
        .arg(schemas.join(file));
    let mut skipped = UNDEFINED.to_vec();
    match crd::schemas() {
        Some(folder) => drop(
            kubeconform
                .arg("-schema-location")
                .arg(folder.join(crd::FILE)),
        ),
        None => skipped.extend(DEFINED),
    }
    tell(objects, &skipped);
    kubeconform.args(["-skip", &skipped.join(",")]);
    Some(fed(&mut kubeconform, objects))
}

/// Says which of the objects nobody looks at.
fn tell(objects: &Manifests, skipped: &[&str]) {
    for kind in skipped
        .iter()
        .filter(|kind| objects.of(kind).next().is_some())
    {
        println!("not checked: {kind} against its operator's definition, which is not here");
    }
}

/// Runs a program with the objects as its input; what it says when it refuses them is the error.
fn fed(program: &mut Command, objects: &Manifests) -> Result<(), String> {
    let documents = objects.0.iter().map(|object| format!("---\n{object}\n"));
    let stream: String = documents.collect();
    let mut child = program
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program");
    let mut input = child.stdin.take().expect("its input");
    input.write_all(stream.as_bytes()).expect("the objects");
    drop(input);
    let output = child.wait_with_output().expect("its end");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then_some(()).ok_or(said)
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
    if let Some(found) = conforms(VERSIONS[0], &broken) {
        assert!(found.is_err());
    }
}

/// Flags under which the chart makes every kind that it can make.
const EVERYTHING: [&str; 6] = [
    "--api-versions=monitoring.coreos.com/v1/ServiceMonitor",
    "--api-versions=monitoring.coreos.com/v1/PrometheusRule",
    "--set=secret.externalSecret.enabled=true,gatewayRoute.enabled=true,quota.enabled=true,limitRange.enabled=true",
    "--set=gatewayRoute.gateways[0].name=edge,database.pgpassSecret=pgpass,caSecret=ca,service.type=LoadBalancer,service.ipFamilyPolicy=PreferDualStack",
    "--set-json=rbac.rules=[{\"apiGroups\":[\"\"],\"resources\":[\"configmaps\"],\"verbs\":[\"get\"]}]",
    "--set=metrics.dashboard=true,networkPolicy.enabled=true,networkPolicy.fromNamespaces[0]=web,global.domain=x.org",
];

/// Every object of an operator, among all that is rendered or lies here.
fn of_operators() -> Vec<Value> {
    let plain = ["gitops", "examples", "spin"]
        .into_iter()
        .flat_map(manifests);
    let plain = plain.flat_map(|file| Manifests::of_file(&file).0);
    let everything = ["v1beta1", "v1"].into_iter().filter_map(|version| {
        let version =
            format!("--set=secret.externalSecret.apiVersion=external-secrets.io/{version}");
        chart("cairn", &[&EVERYTHING[..], &[&version]].concat())
    });
    let rendered = everything.flat_map(|objects| objects.0);
    let is_foreign = |object: &Value| DEFINED.contains(&text(&object["kind"]));
    plain.chain(rendered).filter(is_foreign).collect()
}

#[test]
fn a_misspelt_field_of_each_operators_object_is_noticed() {
    if crd::schemas().is_none() {
        return println!(
            "not checked: objects of operators: there are no definitions of theirs here"
        );
    }
    for object in of_operators() {
        let mut misspelt = object.clone();
        misspelt["spec"]["misspelt"] = json!(1);
        let [Some(is_taken), Some(is_refused)] = [&object, &misspelt]
            .map(|object| conforms(VERSIONS[0], &Manifests(vec![object.clone()])))
        else {
            return;
        };
        assert_eq!(is_taken, Ok(()), "{object}");
        assert!(is_refused.is_err(), "{misspelt}");
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
    for file in ["dev", "staging", "prod", "edge"] {
        let file = format!("--values=deploy/helm/cairn/values-{file}.yaml");
        for more in [&[][..], &EVERYTHING] {
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
