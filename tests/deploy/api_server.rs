//! A small API server: it tells which kinds it has and keeps objects in memory, which is all that helm and kubectl ask of
//! a cluster to install, change and remove things. Nothing it keeps ever runs, and nothing is admitted or defaulted.

use std::{
    collections::BTreeMap,
    process::Command,
    sync::{Arc, Mutex, PoisonError},
};

use cairn_tests::{
    Installation, Upstream,
    upstream::{Asked, Given},
};
use serde_json::{Value, json};

use crate::{manifest::name_of, tool::tool};

/// What a cluster without any operator has, as far as our guides name it: API, plural, kind.
const KINDS: [(&str, &str, &str); 23] = [
    ("v1", "configmaps", "ConfigMap"),
    ("v1", "endpoints", "Endpoints"),
    ("v1", "events", "Event"),
    ("v1", "limitranges", "LimitRange"),
    ("v1", "namespaces", "Namespace"),
    ("v1", "nodes", "Node"),
    ("v1", "persistentvolumeclaims", "PersistentVolumeClaim"),
    ("v1", "pods", "Pod"),
    ("v1", "resourcequotas", "ResourceQuota"),
    ("v1", "secrets", "Secret"),
    ("v1", "serviceaccounts", "ServiceAccount"),
    ("v1", "services", "Service"),
    ("apps/v1", "daemonsets", "DaemonSet"),
    ("apps/v1", "deployments", "Deployment"),
    ("apps/v1", "replicasets", "ReplicaSet"),
    ("apps/v1", "statefulsets", "StatefulSet"),
    (
        "autoscaling/v2",
        "horizontalpodautoscalers",
        "HorizontalPodAutoscaler",
    ),
    ("batch/v1", "jobs", "Job"),
    ("networking.k8s.io/v1", "ingresses", "Ingress"),
    ("networking.k8s.io/v1", "networkpolicies", "NetworkPolicy"),
    ("policy/v1", "poddisruptionbudgets", "PodDisruptionBudget"),
    ("rbac.authorization.k8s.io/v1", "roles", "Role"),
    (
        "rbac.authorization.k8s.io/v1",
        "rolebindings",
        "RoleBinding",
    ),
];

/// Kinds that are in no namespace.
const OF_THE_CLUSTER: [&str; 2] = ["Namespace", "Node"];

/// By path, as they are asked for.
type Objects = Mutex<BTreeMap<String, Value>>;

/// A cluster, and a home for the programs that are to find it.
pub(crate) struct Cluster {
    server: Upstream,
    objects: Arc<Objects>,
    home: Installation,
}

impl Cluster {
    pub(crate) fn start() -> Self {
        let objects = Arc::<Objects>::default();
        let kept = Arc::clone(&objects);
        let server = Upstream::start(move |asked| {
            let mut objects = kept.lock().unwrap_or_else(PoisonError::into_inner);
            answer(asked, &mut objects)
        });
        let home = Installation::empty();
        let context = json!({ "name": "here", "context": { "cluster": "here", "user": "me" } });
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "here", "contexts": [context],
            "clusters": [{ "name": "here", "cluster": { "server": server.url() } }],
            "users": [{ "name": "me", "user": {} }],
        });
        let _ = home.write("kubeconfig", &config.to_string());
        Self {
            server,
            objects,
            home,
        }
    }

    /// A program that will find this cluster and no other; without it a line says what is not checked.
    pub(crate) fn tool(&self, name: &str, about: &str) -> Option<Command> {
        let mut command = tool(name, about)?;
        self.lead(&mut command);
        Some(command)
    }

    /// Lets a program find this cluster, and keep what it keeps in a folder that goes with it.
    pub(crate) fn lead(&self, command: &mut Command) {
        command
            .env("KUBECONFIG", self.home.path("kubeconfig"))
            .env("HOME", self.home.path("home"));
    }

    /// An object, if it is there.
    pub(crate) fn find(&self, kind: &str, namespace: &str, name: &str) -> Option<Value> {
        let objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |object: &&Value| {
            object["kind"] == kind
                && object["metadata"]["namespace"] == namespace
                && name_of(object) == name
        };
        objects.values().find(is_it).cloned()
    }

    /// Requests that changed something, as `METHOD path`.
    pub(crate) fn changes(&self) -> Vec<String> {
        let asked = self.server.asked();
        let changes = asked.iter().filter(|asked| asked.method != "GET");
        changes
            .map(|asked| format!("{} {}", asked.method, asked.path()))
            .collect()
    }
}

fn answer(asked: &Asked, objects: &mut BTreeMap<String, Value>) -> Given {
    let path = asked.path();
    // The schema of all kinds, empty: what is not described is not checked by the client.
    if path == "/openapi/v2" {
        return (
            200,
            "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
            Vec::new(),
        );
    }
    let known = discovery(path);
    let (status, body) = match asked.method.as_str() {
        _ if known.is_some() => (200, known.unwrap_or_default()),
        "GET" => read(asked, objects),
        method => write(method, asked, objects),
    };
    (status, "application/json", body.to_string().into_bytes())
}

/// What the server says of itself.
fn discovery(path: &str) -> Option<Value> {
    let api = path
        .strip_prefix("/apis/")
        .or_else(|| path.strip_prefix("/api/"));
    let is_served = api.is_some_and(|api| KINDS.iter().any(|(known, ..)| *known == api));
    match path {
        "/version" => Some(json!({ "major": "1", "minor": "28", "gitVersion": "v1.28.0" })),
        "/api" => Some(json!({ "kind": "APIVersions", "versions": ["v1"] })),
        "/apis" => Some(json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups() })),
        _ if is_served => Some(resources(api?)),
        _ => None,
    }
}

fn groups() -> Vec<Value> {
    let mut apis: Vec<(&str, &str)> = KINDS
        .iter()
        .filter_map(|(api, ..)| api.split_once('/'))
        .collect();
    apis.dedup();
    let group = |(group, version): (&str, &str)| {
        let version = json!({ "groupVersion": format!("{group}/{version}"), "version": version });
        json!({ "name": group, "versions": [version], "preferredVersion": version })
    };
    apis.into_iter().map(group).collect()
}

fn resources(api: &str) -> Value {
    let verbs = ["get", "list", "create", "update", "patch", "delete"];
    let of_api = KINDS.iter().filter(|(known, ..)| *known == api);
    let mut resources: Vec<Value> = of_api
        .map(|(_, plural, kind)| {
            let is_namespaced = !OF_THE_CLUSTER.contains(kind);
            json!({ "name": plural, "singularName": kind.to_lowercase(), "kind": kind, "namespaced": is_namespaced,
                "verbs": verbs, "shortNames": short(kind), "categories": ["all"] })
        })
        .collect();
    if api == "apps/v1" {
        resources.push(
            json!({ "name": "deployments/scale", "singularName": "", "namespaced": true,
            "group": "autoscaling", "version": "v1", "kind": "Scale", "verbs": verbs }),
        );
    }
    json!({ "kind": "APIResourceList", "groupVersion": api, "resources": resources })
}

fn short(kind: &str) -> &'static [&'static str] {
    match kind {
        "Deployment" => &["deploy"],
        "HorizontalPodAutoscaler" => &["hpa"],
        "PersistentVolumeClaim" => &["pvc"],
        "Service" => &["svc"],
        _ => &[],
    }
}

/// One object, or those of a kind with the labels that are asked for.
fn read(asked: &Asked, objects: &BTreeMap<String, Value>) -> (u16, Value) {
    let path = asked.path();
    if let Some(object) = objects.get(path) {
        return (200, object.clone());
    }
    if let Some(deployment) = path
        .strip_suffix("/scale")
        .and_then(|path| objects.get(path))
    {
        return (200, scale(deployment));
    }
    let Some((api, _, kind)) = KINDS
        .iter()
        .find(|(_, plural, _)| path.ends_with(&format!("/{plural}")))
    else {
        return absent(path);
    };
    let wanted = asked.parameter("labelSelector").unwrap_or_default();
    let wanted = wanted
        .replace("%3D", "=")
        .replace("%2F", "/")
        .replace("%2C", ",");
    let has = |object: &Value| {
        let mut pairs = wanted.split(',').filter_map(|pair| pair.split_once('='));
        pairs.all(|(label, value)| object["metadata"]["labels"][label] == value)
    };
    let items: Vec<&Value> = objects
        .iter()
        .filter(|(at, object)| is_below(path, at) && has(object))
        .map(|(_, object)| object)
        .collect();
    (
        200,
        json!({ "apiVersion": api, "kind": format!("{kind}List"), "metadata": {}, "items": items }),
    )
}

/// A list's path is that of its objects without the name; one over all namespaces has no namespace either.
fn is_below(list: &str, at: &str) -> bool {
    let (folder, _) = at.rsplit_once('/').unwrap_or_default();
    let (api, rest) = folder.split_once("/namespaces/").unwrap_or((folder, ""));
    let everywhere = rest
        .split_once('/')
        .map(|(_, plural)| format!("{api}/{plural}"));
    folder == list || everywhere.is_some_and(|path| path == list)
}

fn scale(deployment: &Value) -> Value {
    let replicas = &deployment["spec"]["replicas"];
    json!({ "apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": deployment["metadata"],
        "spec": { "replicas": replicas }, "status": { "replicas": replicas } })
}

fn write(method: &str, asked: &Asked, objects: &mut BTreeMap<String, Value>) -> (u16, Value) {
    let path = asked.path();
    let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
    if let Some(deployment) = path
        .strip_suffix("/scale")
        .and_then(|path| objects.get_mut(path))
    {
        merge(deployment, &body);
        return (200, scale(deployment));
    }
    match (method, objects.get_mut(path)) {
        ("POST", _) => create(path, body, objects),
        ("PUT", Some(object)) => {
            *object = body.clone();
            (200, body)
        }
        ("PATCH", Some(object)) => {
            merge(object, &body);
            (200, object.clone())
        }
        ("DELETE", Some(_)) => (200, objects.remove(path).unwrap_or_default()),
        _ => absent(path),
    }
}

fn create(path: &str, mut object: Value, objects: &mut BTreeMap<String, Value>) -> (u16, Value) {
    let at = format!("{path}/{}", name_of(&object));
    if objects.contains_key(&at) {
        return failure(409, "AlreadyExists", &at);
    }
    if let Some((_, namespace)) = path.split_once("/namespaces/") {
        object["metadata"]["namespace"] = json!(namespace.split('/').next());
    }
    objects.insert(at, object.clone());
    (201, object)
}

/// A merge patch. Lists are replaced as a whole: where their elements have keys a real server would merge them too.
fn merge(into: &mut Value, patch: &Value) {
    let Some(members) = patch.as_object() else {
        return patch.clone_into(into);
    };
    for (key, value) in members.iter().filter(|(key, _)| !key.starts_with('$')) {
        if value.is_null() {
            into.as_object_mut().map(|into| into.remove(key));
        } else {
            merge(&mut into[key.as_str()], value);
        }
    }
}

fn absent(path: &str) -> (u16, Value) {
    failure(404, "NotFound", path)
}

fn failure(code: u16, reason: &str, path: &str) -> (u16, Value) {
    let message = format!("{reason}: {path}");
    (
        code,
        json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
        "reason": reason, "code": code }),
    )
}
