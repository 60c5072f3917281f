//! Objects of Kubernetes, as rendered: read, found, followed.

use std::{fs, path::Path};

use serde_json::Value;

use crate::tool::{self, tool};

/// A set of objects that is applied together.
pub(crate) struct Manifests(pub(crate) Vec<Value>);

impl Manifests {
    /// Reads a stream of YAML documents; empty ones are left out.
    #[track_caller]
    pub(crate) fn read(text: &str) -> Self {
        let documents: Vec<Value> =
            serde_saphyr::from_multiple(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let is_there = |document: &Value| !document.is_null();
        Self(documents.into_iter().filter(is_there).collect())
    }

    #[track_caller]
    pub(crate) fn of_file(path: &Path) -> Self {
        Self::read(&fs::read_to_string(path).unwrap_or_else(|error| panic!("{path:?}: {error}")))
    }

    /// The only object of a kind and name.
    #[track_caller]
    pub(crate) fn get(&self, kind: &str, name: &str) -> &Value {
        let names: Vec<&str> = self.of(kind).map(name_of).collect();
        self.of(kind)
            .find(|object| name_of(object) == name)
            .unwrap_or_else(|| panic!("no {kind} {name}, but {names:?}"))
    }

    /// All objects of a kind.
    pub(crate) fn of(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.0.iter().filter(move |object| object["kind"] == kind)
    }

    /// The pod that a Deployment, StatefulSet, DaemonSet or Job makes.
    #[track_caller]
    pub(crate) fn pod(&self, kind: &str, name: &str) -> &Value {
        &self.get(kind, name)["spec"]["template"]["spec"]
    }

    /// The number of the container's port that a port of a Service leads to, and the container's name.
    #[track_caller]
    pub(crate) fn behind(&self, service: &str, port: u64) -> (u64, &str) {
        let service = self.get("Service", service);
        let target = list(&service["spec"]["ports"])
            .find(|open| open["port"] == port)
            .unwrap_or_else(|| panic!("no port {port} in {service}"))["targetPort"]
            .clone();
        let selector = &service["spec"]["selector"];
        let chosen = self.0.iter().filter(|object| {
            let labels = &object["spec"]["template"]["metadata"]["labels"];
            object["kind"] != "Job" && covers(selector, labels)
        });
        let containers =
            chosen.flat_map(|object| list(&object["spec"]["template"]["spec"]["containers"]));
        let mut ports = containers.flat_map(|container| {
            list(&container["ports"]).map(move |port| (port, text(&container["name"])))
        });
        ports
            .find(|(port, _)| port["name"] == target || port["containerPort"] == target)
            .map(|(port, container)| (port["containerPort"].as_u64().expect("a number"), container))
            .unwrap_or_else(|| panic!("the Service leads nowhere: {service}"))
    }
}

/// Whether all labels of a selector are among these.
pub(crate) fn covers(selector: &Value, labels: &Value) -> bool {
    let wanted = selector.as_object().expect("a selector");
    !wanted.is_empty() && wanted.iter().all(|(name, value)| labels[name] == *value)
}

pub(crate) fn name_of(object: &Value) -> &str {
    text(&object["metadata"]["name"])
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The elements; none, when there is no list.
pub(crate) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// `helm template`, with release name and further arguments; `None` without helm. What it says when it refuses is the
/// error.
pub(crate) fn try_chart(release: &str, args: &[&str]) -> Option<Result<Manifests, String>> {
    let mut helm = tool("helm", "the chart")?;
    helm.args(["template", release, "deploy/helm/cairn"]);
    if !args.contains(&"--kube-version") {
        helm.args(["--kube-version", "1.24.0"]);
    }
    let (done, said) = tool::ended(helm.args(args));
    Some(if done {
        Ok(Manifests::read(&said))
    } else {
        Err(said)
    })
}

/// The same where it has to work.
#[track_caller]
pub(crate) fn chart(release: &str, args: &[&str]) -> Option<Manifests> {
    let rendered = try_chart(release, args)?;
    Some(rendered.unwrap_or_else(|said| panic!("helm template {release} {args:?}\n{said}")))
}

/// `kustomize build` of a folder below `deploy/`; `None` without kustomize.
#[track_caller]
pub(crate) fn kustomized(folder: &str) -> Option<Manifests> {
    let mut kustomize = tool("kustomize", "the overlays")?;
    kustomize.arg("build").arg(tool::deploy(folder));
    Some(Manifests::read(&tool::output(&mut kustomize)))
}
