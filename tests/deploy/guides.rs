//! The guides that operators already follow: every name in them is rendered, and their HTTP commands are executed.

use std::{fs, os::unix::fs::MetadataExt as _};

use cairn_tests::Server;
use serde_json::{Value, json};

use crate::{
    image,
    manifest::{Manifests, chart, covers, kustomized, list, text},
    pod::Pod,
    schemas,
    workload::{catalog, offline},
};

/// What a guide says of an object: how it is looked for with kubectl, and what its commands rely on.
enum Named {
    /// Kind and name.
    Object(&'static str, &'static str),
    /// A label of the pods of a Deployment.
    PodLabel(&'static str, &'static str, &'static str),
    /// Service, its port, and the container's port behind it.
    Port(&'static str, u64, u64),
    /// Deployment, its container, and the Secret that it gets a file from.
    Secret(&'static str, &'static str, &'static str),
}

use Named::{Object, PodLabel, Port, Secret};

const TOOLHIVE_MINIMAL: [Named; 5] = [
    Object("ConfigMap", "registry-api-config"),
    Object("Deployment", "registry-api"),
    Object("Service", "registry-api"),
    PodLabel("registry-api", "app", "registry-api"),
    Port("registry-api", 80, 8080),
];

/// The guide's whole deployment; a Role is not among it where nothing asks the cluster.
const TOOLHIVE: [Named; 11] = [
    Object("ConfigMap", "registry-api-config"),
    Object("Deployment", "registry-api"),
    Object("Service", "registry-api"),
    Object("Job", "registry-migrate"),
    Object("ServiceAccount", "registry-api"),
    Object("PodDisruptionBudget", "registry-api-pdb"),
    Object("HorizontalPodAutoscaler", "registry-api-hpa"),
    Object("NetworkPolicy", "registry-api-netpol"),
    PodLabel("registry-api", "app", "registry-api"),
    Port("registry-api", 80, 8080),
    Secret("registry-api", "registry-api", "registry-db-pgpass"),
];

const MCP_GATEWAY: [Named; 5] = [
    Object("Deployment", "mcp-stack-registry"),
    Object("Service", "mcp-stack-registry"),
    Object("HorizontalPodAutoscaler", "mcp-stack-registry"),
    Object("Ingress", "mcp-stack-registry"),
    Port("mcp-stack-registry", 8000, 8080),
];

#[track_caller]
fn check(what: &str, namespace: &str, objects: &Manifests, named: &[Named]) {
    for name in named {
        match *name {
            Object(kind, name) => {
                let found = objects.get(kind, name);
                assert_eq!(
                    found["metadata"]["namespace"], namespace,
                    "{what}: {kind} {name}"
                );
            }
            PodLabel(deployment, label, value) => {
                let template = &objects.get("Deployment", deployment)["spec"]["template"];
                assert_eq!(template["metadata"]["labels"][label], value, "{what}");
            }
            Port(service, port, expected) => {
                assert_eq!(
                    objects.behind(service, port).0,
                    expected,
                    "{what}: {service}:{port}"
                );
            }
            Secret(deployment, container, secret) => {
                let pod = objects.pod("Deployment", deployment);
                assert!(
                    list(&pod["containers"]).any(|found| found["name"] == container),
                    "{what}: {container}"
                );
                let mut volumes = list(&pod["volumes"]);
                assert!(
                    volumes.any(|volume| volume["secret"]["secretName"] == secret),
                    "{what}: {secret}"
                );
                assert!(
                    pod["securityContext"]["fsGroup"].is_number(),
                    "{what}: nobody could read {secret}"
                );
            }
        }
    }
    for kind in ["PodDisruptionBudget", "NetworkPolicy"] {
        for object in objects.of(kind) {
            let selector = if kind == "NetworkPolicy" {
                &object["spec"]["podSelector"]
            } else {
                &object["spec"]["selector"]
            };
            let mut deployments = objects.of("Deployment");
            let labels =
                |deployment: &Value| deployment["spec"]["template"]["metadata"]["labels"].clone();
            assert!(
                deployments.any(|deployment| covers(&selector["matchLabels"], &labels(deployment))),
                "{what}: {object} selects no pod"
            );
        }
    }
}

const TOOLHIVE_VALUES: &str = "--values=deploy/guides/toolhive/values.yaml";
const GATEWAY_VALUES: &str = "--values=deploy/guides/mcp-gateway/values.yaml";

#[test]
fn the_overlays_have_the_guides_names() {
    for (folder, namespace, named) in [
        ("guides/toolhive/minimal", "toolhive", &TOOLHIVE_MINIMAL[..]),
        ("guides/toolhive/database", "toolhive", &TOOLHIVE),
        ("guides/mcp-gateway", "mcp-gateway", &MCP_GATEWAY),
    ] {
        let Some(objects) = kustomized(folder) else {
            return;
        };
        check(folder, namespace, &objects, named);
    }
}

#[test]
fn the_chart_has_the_guides_names() {
    let Some(toolhive) = chart("registry-api", &["--namespace=toolhive", TOOLHIVE_VALUES]) else {
        return;
    };
    schemas::validate("the ToolHive guide's values", &toolhive);
    check("toolhive/values.yaml", "toolhive", &toolhive, &TOOLHIVE);
    // The guide's three calls of helm, with their own flags.
    for flags in [
        "--set=global.domain=example.com,global.secretKey=your-secret",
        "--set=global.domain=example.com",
        "--set=registry.app.replicas=3",
    ] {
        let args = ["--namespace=mcp-gateway", GATEWAY_VALUES, flags];
        let objects = chart("mcp-stack", &args).expect("helm");
        schemas::validate(flags, &objects);
        check(flags, "mcp-gateway", &objects, &MCP_GATEWAY);
        let least =
            &objects.get("HorizontalPodAutoscaler", "mcp-stack-registry")["spec"]["minReplicas"];
        assert_eq!(
            *least,
            if flags.contains("replicas=3") { 3 } else { 2 },
            "{flags}"
        );
    }
    let alerts = [
        "--namespace=mcp-gateway",
        GATEWAY_VALUES,
        "--set=metrics.rules=true,metrics.serviceMonitor=true",
    ];
    let objects = chart("mcp-stack", &alerts).expect("helm");
    let rules = objects.get("PrometheusRule", "mcp-stack-registry-alerts");
    let down = &rules["spec"]["groups"][0]["rules"][0];
    assert_eq!(down["alert"], "RegistryDown");
    assert_eq!(down["expr"], "up{job=\"mcp-registry\"} == 0");
    assert_eq!(
        (&down["for"], &down["labels"]["severity"]),
        (&json!("5m"), &json!("critical"))
    );
    let _ = objects.get("ServiceMonitor", "mcp-stack-registry");
}

/// `curl` through `kubectl port-forward svc/…`: by the Service to the container's port.
fn ask(
    objects: &Manifests,
    pod: &Pod,
    server: &Server,
    service: &str,
    port: u64,
    path: &str,
) -> u16 {
    let (port, _) = objects.behind(service, port);
    pod.ask(server, &json!(port), path).status
}

#[test]
fn the_gateway_guides_commands_are_answered() {
    let offline = offline();
    let mut args: Vec<&str> = offline.iter().map(String::as_str).collect();
    // As a process it has an embedded database: what answers on which port is the same.
    args.extend([
        GATEWAY_VALUES,
        "--set=postgres.embedded=false,registry.app.replicas=1,autoscaling.enabled=false",
    ]);
    let Some(mut objects) = chart("mcp-stack", &args) else {
        return;
    };
    if !image::can_chroot() {
        return;
    }
    objects.0.push(catalog());
    let pod = Pod::new(&objects, objects.pod("Deployment", "mcp-stack-registry"));
    let server = pod.start();
    for path in ["/health", "/metrics"] {
        assert_eq!(
            ask(&objects, &pod, &server, "mcp-stack-registry", 8000, path),
            200,
            "{path}"
        );
    }
}

/// The guide's own file lies on the Internet and its database elsewhere: the pod is given a file of the same format and an
/// embedded database instead, and nothing else changes.
fn with_a_file(objects: &mut Manifests) {
    let catalog = json!({ "version": "1.0.0", "meta": { "last_updated": "2026-01-01T00:00:00Z" }, "data": { "servers": [{
        "name": "io.example/hello", "description": "Says hello.", "version": "1.0.0",
        "packages": [{ "registryType": "oci", "identifier": "docker.io/example/hello:1.0.0",
            "transport": { "type": "stdio" } }],
    }] } });
    let map = objects
        .0
        .iter_mut()
        .find(|object| object["kind"] == "ConfigMap")
        .expect("a ConfigMap");
    let mut config: Value =
        serde_saphyr::from_str(text(&map["data"]["config.yaml"])).expect("YAML");
    config
        .as_object_mut()
        .expect("an object")
        .remove("database");
    let source = config["registries"][0].as_object_mut().expect("a source");
    assert!(source.remove("git").is_some());
    source.insert(
        "file".to_owned(),
        json!({ "path": "/etc/registry/registry.json" }),
    );
    map["data"]["config.yaml"] = json!(config.to_string());
    map["data"]["registry.json"] = json!(catalog.to_string());
}

#[test]
fn the_toolhive_guides_deployments_run_as_they_stand() {
    for folder in ["guides/toolhive/minimal", "guides/toolhive/database"] {
        let Some(mut objects) = kustomized(folder) else {
            return;
        };
        if !image::can_chroot() {
            return;
        }
        with_a_file(&mut objects);
        objects.0.push(pgpass());
        if folder.ends_with("database") {
            let job = Pod::new(&objects, objects.pod("Job", "registry-migrate"));
            let said = job.complete().stdout;
            assert!(said.contains("applied"), "{said}");
        }
        let pod = Pod::new(&objects, objects.pod("Deployment", "registry-api"));
        let server = pod.start();
        for path in [
            "/health",
            "/readiness",
            "/v0.1/servers",
            "/registry/my-registry/v0.1/servers",
        ] {
            let status = ask(&objects, &pod, &server, "registry-api", 80, path);
            assert_eq!(status, 200, "{folder}: {path}");
        }
        let count = &server.public.get("/v0.1/servers").json()["metadata"]["count"];
        assert_eq!(*count, 1, "{folder}");
    }
}

/// The Secret that the guide makes by hand.
fn pgpass() -> Value {
    let line = "postgres.database.svc.cluster.local:5432:toolhive_registry:db_app:word\n";
    json!({ "kind": "Secret", "metadata": { "name": "registry-db-pgpass" }, "stringData": { "pgpass": line } })
}

#[test]
fn the_mounted_password_file_can_be_read_by_the_images_user() {
    let Some(mut objects) = kustomized("guides/toolhive/database") else {
        return;
    };
    if !image::can_chroot() {
        return;
    }
    objects.0.push(pgpass());
    for (kind, name) in [("Deployment", "registry-api"), ("Job", "registry-migrate")] {
        let pod = Pod::new(&objects, objects.pod(kind, name));
        let file = fs::metadata(pod.path("/secrets/pgpass")).expect("the file");
        assert_eq!(
            (file.uid(), file.gid(), file.mode() & 0o777),
            (0, 65532, 0o640),
            "{kind}"
        );
    }
}

#[test]
fn the_charts_password_file_can_be_read_by_the_images_user() {
    let args = ["--namespace=toolhive", TOOLHIVE_VALUES];
    let Some(mut objects) = chart("registry-api", &args) else {
        return;
    };
    if !image::can_chroot() {
        return;
    }
    objects.0.push(pgpass());
    for (kind, name) in [("Deployment", "registry-api"), ("Job", "registry-migrate")] {
        let pod = Pod::new(&objects, objects.pod(kind, name));
        let file = fs::metadata(pod.path("/run/pgpass/pgpass")).expect("the file");
        let expected = (0, 65532, 0o440);
        assert_eq!(
            (file.uid(), file.gid(), file.mode() & 0o777),
            expected,
            "{kind}"
        );
    }
}
