//! What the chart promises, asserted on what helm renders.

use std::{collections::BTreeSet, fs};

use cairn_tests::fixture;
use serde_json::{Value, json};

use crate::{
    image,
    manifest::{Manifests, chart, list, name_of, text, try_chart},
    pod::Pod,
    schemas,
    tool::{self, tool},
};

const VALUES: [&str; 4] = ["dev", "staging", "prod", "edge"];

fn values(name: &str) -> String {
    format!("--values=deploy/helm/cairn/values-{name}.yaml")
}

/// Every pod template among the objects, with the name of what makes it.
fn pods(objects: &Manifests) -> impl Iterator<Item = (&str, &Value)> {
    objects.0.iter().filter_map(|object| {
        let pod = &object["spec"]["template"]["spec"];
        pod["containers"].is_array().then(|| (name_of(object), pod))
    })
}

fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    list(&pod["initContainers"]).chain(list(&pod["containers"]))
}

#[test]
fn helm_finds_nothing_to_complain_about() {
    for args in VALUES
        .map(values)
        .iter()
        .map(|file| vec![file.as_str()])
        .chain([vec![]])
    {
        let Some(mut helm) = tool("helm", "the chart") else {
            return;
        };
        helm.args([
            "lint",
            "--strict",
            "--quiet",
            "deploy/helm/cairn",
            "--kube-version=1.28.0",
        ]);
        tool::output(helm.args(args));
    }
}

/// Paths of all values that are no objects, or are objects that the schema leaves open.
fn described(schema: &Value, values: &Value, path: &str, silent: &mut Vec<String>) {
    if text(&schema["description"]).is_empty() {
        silent.push(path.to_owned());
    }
    let (Some(properties), Some(values)) = (schema["properties"].as_object(), values.as_object())
    else {
        return;
    };
    assert_eq!(
        schema["additionalProperties"], false,
        "{path}: a misspelt value would be ignored"
    );
    let names = |keys: Vec<&String>| keys.into_iter().cloned().collect::<BTreeSet<_>>();
    assert_eq!(
        names(properties.keys().collect()),
        names(values.keys().collect()),
        "{path}"
    );
    for (name, schema) in properties {
        described(schema, &values[name], &format!("{path}.{name}"), silent);
    }
}

#[test]
fn every_value_is_described() {
    let read =
        |file: &str| fs::read_to_string(tool::deploy("helm/cairn").join(file)).expect("the file");
    let schema: Value = serde_json::from_str(&read("values.schema.json")).expect("JSON");
    let values: Value = serde_saphyr::from_str(&read("values.yaml")).expect("YAML");
    let mut silent = Vec::new();
    described(&schema, &values, "", &mut silent);
    assert_eq!(silent, [""; 0]);
}

#[test]
fn what_cannot_work_is_refused_with_the_reason() {
    for (args, reason) in [
        (
            &["--set=registry.app.replicas=2"][..],
            "without a Postgres the replicas would share one database file",
        ),
        (&["--set=autoscaling.enabled=true"], "without a Postgres"),
        (
            &["--set=migrations.mode=job"],
            "the database file is on the pod's own volume",
        ),
        (
            &["--set=workload=DaemonSet,autoscaling.enabled=true"],
            "autoscaling is for workload: Deployment",
        ),
        (
            &["--set=postgres.embedded=true,database.host=db"],
            "exclude each other",
        ),
        (
            &["--set=ingress.enabled=true"],
            "needs ingress.host or global.domain",
        ),
        (
            &["--set=gatewayRoute.enabled=true"],
            "needs gatewayRoute.gateways",
        ),
        (&["--set=registry.replicas=2"], "replicas"),
        (&["--set=workload=ReplicaSet"], "workload"),
        (
            &["--kube-version=1.23.0"],
            "incompatible with Kubernetes v1.23.0",
        ),
    ] {
        let Some(rendered) = try_chart("cairn", args) else {
            return;
        };
        let Err(said) = rendered else {
            panic!("{args:?} is taken");
        };
        assert!(said.contains(reason), "{args:?}: {said}");
    }
}

#[test]
fn every_pod_satisfies_pod_security_restricted() {
    for file in VALUES.map(values) {
        let Some(objects) = chart("cairn", &[&file, "--set=database.pgpassSecret=pgpass"]) else {
            return;
        };
        for (name, pod) in pods(&objects) {
            let security = &pod["securityContext"];
            assert_eq!(security["runAsNonRoot"], true, "{name}");
            assert_ne!(security["runAsUser"], 0, "{name}");
            assert_eq!(
                security["seccompProfile"]["type"], "RuntimeDefault",
                "{name}"
            );
            assert_eq!(pod["automountServiceAccountToken"], false, "{name}");
            for container in containers(pod) {
                let own = &container["securityContext"];
                assert_eq!(own["allowPrivilegeEscalation"], false, "{container}");
                assert_eq!(own["readOnlyRootFilesystem"], true, "{container}");
                assert_eq!(
                    own["capabilities"],
                    json!({ "drop": ["ALL"] }),
                    "{container}"
                );
                for amount in ["requests", "limits"] {
                    assert!(
                        container["resources"][amount]["memory"].is_string(),
                        "{container}"
                    );
                }
            }
            let allowed = [
                "configMap",
                "emptyDir",
                "persistentVolumeClaim",
                "secret",
                "name",
            ];
            for volume in list(&pod["volumes"]) {
                let kinds = volume.as_object().expect("a volume").keys();
                assert!(
                    kinds.clone().all(|kind| allowed.contains(&kind.as_str())),
                    "{volume}"
                );
            }
        }
    }
}

#[test]
fn a_pod_that_goes_has_time_for_what_it_was_sent() {
    for (pre_stop, drain) in [(10, 30), (0, 5), (25, 60)] {
        let set = format!("--set=shutdown.preStopSeconds={pre_stop},shutdown.drainSeconds={drain}");
        let Some(objects) = chart("cairn", &[&set]) else {
            return;
        };
        let pod = objects.pod("Deployment", "cairn-registry");
        assert_eq!(pod["terminationGracePeriodSeconds"], pre_stop + drain + 10);
        let hook = &pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"];
        assert_eq!(
            *hook,
            json!(["/usr/local/bin/cairn", "sleep", pre_stop.to_string()])
        );
        let env = list(&pod["containers"][0]["env"]);
        let mut drains = env.filter(|variable| variable["name"] == "CAIRN_LIMITS_DRAIN_TIMEOUT");
        assert_eq!(
            drains.next().map(|variable| text(&variable["value"])),
            Some(format!("{drain}s").as_str())
        );
    }
}

#[test]
fn production_rolls_without_a_gap() {
    let Some(objects) = chart("cairn", &[&values("prod")]) else {
        return;
    };
    let deployment = objects.get("Deployment", "cairn-registry");
    assert_eq!(
        deployment["spec"]["strategy"]["rollingUpdate"],
        json!({ "maxSurge": 1, "maxUnavailable": 0 })
    );
    assert!(deployment["spec"]["replicas"].is_null(), "the autoscaler's");
    let pod = &deployment["spec"]["template"]["spec"];
    for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
        assert!(
            pod["containers"][0][probe]["httpGet"].is_object(),
            "{probe}"
        );
    }
    assert!(
        pod["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
            .is_array()
    );
    assert!(pod["topologySpreadConstraints"].is_array());
    let scaler = objects.get("HorizontalPodAutoscaler", "cairn-registry");
    let target = |metric: usize| {
        scaler["spec"]["metrics"][metric]["resource"]["target"]["averageUtilization"].clone()
    };
    assert_eq!((target(0), target(1)), (json!(70), json!(80)));
    assert_eq!(
        objects.get("PodDisruptionBudget", "cairn-registry")["spec"]["minAvailable"],
        2
    );
    let job = objects.get("Job", "cairn-registry-migrate");
    assert_eq!(
        job["metadata"]["annotations"]["helm.sh/hook"],
        "pre-install,pre-upgrade"
    );
    assert_eq!(job["spec"]["backoffLimit"], 3);
    // What the hook mounts has to exist as early as the hook.
    for volume in list(&job["spec"]["template"]["spec"]["volumes"]) {
        if let Some(map) = volume["configMap"]["name"].as_str() {
            let map = objects.get("ConfigMap", map);
            assert_eq!(
                map["metadata"]["annotations"]["helm.sh/hook"],
                "pre-install,pre-upgrade"
            );
        }
    }
}

#[test]
fn what_needs_a_crd_comes_with_it_or_when_asked_for() {
    let kinds = |args: &[&str]| {
        let objects = chart("cairn", args)?;
        Some(
            objects
                .0
                .iter()
                .map(|object| text(&object["kind"]).to_owned())
                .collect::<BTreeSet<_>>(),
        )
    };
    let Some(bare) = kinds(&[&values("prod")]) else {
        return;
    };
    for kind in [
        "ServiceMonitor",
        "PrometheusRule",
        "ExternalSecret",
        "HTTPRoute",
    ] {
        assert!(!bare.contains(kind), "{kind} on a bare cluster");
    }
    let there = ["ServiceMonitor", "PrometheusRule"]
        .map(|kind| format!("--api-versions=monitoring.coreos.com/v1/{kind}"));
    let with = kinds(&[&there[0], &there[1]]).expect("helm");
    assert!(with.contains("ServiceMonitor") && with.contains("PrometheusRule"));
    let off = kinds(&[&there[0], "--set=metrics.serviceMonitor=false"]).expect("helm");
    assert!(!off.contains("ServiceMonitor"));
    assert!(
        kinds(&["--set=metrics.serviceMonitor=true"])
            .expect("helm")
            .contains("ServiceMonitor")
    );
}

#[test]
fn secrets_are_given_found_or_made() {
    let secret = "cairn-registry-secret";
    let given = "--set=global.secretKey=given,postgres.embedded=true";
    let Some(made) = chart("cairn", &[given]) else {
        return;
    };
    assert_eq!(made.get("Secret", secret)["data"]["secret-key"], "Z2l2ZW4=");
    assert!(
        made.get("Secret", secret)["data"]["db-password"]
            .as_str()
            .is_some_and(|word| word.len() > 40)
    );
    assert_eq!(
        made.get("Secret", secret)["metadata"]["annotations"]["helm.sh/resource-policy"],
        "keep"
    );
    for pod in [
        made.pod("Deployment", "cairn-registry"),
        made.pod("StatefulSet", "cairn-postgres"),
    ] {
        let reference = list(&pod["containers"][0]["env"])
            .find_map(|variable| variable["valueFrom"]["secretKeyRef"].as_object());
        assert_eq!(
            reference.map(|reference| (text(&reference["name"]), text(&reference["key"]))),
            Some((secret, "db-password"))
        );
    }
    let existing = chart("cairn", &["--set=secret.existing=mine"]).expect("helm");
    assert_eq!(existing.of("Secret").count(), 0);
    let store =
        "--set=secret.externalSecret.enabled=true,secret.externalSecret.store.kind=SecretStore";
    let external = chart("cairn", &[store]).expect("helm");
    let external = external.get("ExternalSecret", secret);
    assert_eq!(
        external["spec"]["secretStoreRef"],
        json!({ "name": "aws-secrets-manager", "kind": "SecretStore" })
    );
    assert_eq!(
        external["spec"]["data"][0]["remoteRef"],
        json!({ "key": "mcp-gateway/registry", "property": "secret-key" })
    );
}

/// Values under which a rendered pod reads the fixture instead of the Internet.
pub(crate) fn offline() -> [String; 3] {
    let sources = json!([{
        "name": "fixture", "file": { "path": "/catalog/catalog.json" }, "syncPolicy": { "interval": "1s" },
    }]);
    let registries = json!([{ "name": "default", "sources": ["fixture"] }]);
    let volumes = json!([{ "name": "catalog", "configMap": { "name": "catalog" } }]);
    let mounts = json!([{ "name": "catalog", "mountPath": "/catalog" }]);
    [
        format!("--set-json=config.sources={sources},config.registries={registries}"),
        format!("--set-json=extraVolumes={volumes},extraVolumeMounts={mounts}"),
        "--set=shutdown.preStopSeconds=1".to_owned(),
    ]
}

/// The ConfigMap that [`offline`] mounts.
pub(crate) fn catalog() -> Value {
    let catalog = fs::read_to_string(fixture::path("catalog.json")).expect("the fixture");
    json!({ "kind": "ConfigMap", "metadata": { "name": "catalog" }, "data": { "catalog.json": catalog } })
}

#[test]
fn a_rendered_pod_migrates_serves_and_goes() {
    let offline = offline();
    let shown = "--set=metrics.public=true";
    let args: Vec<&str> = offline.iter().map(String::as_str).chain([shown]).collect();
    let Some(mut objects) = chart("cairn", &args) else {
        return;
    };
    schemas::validate("the pod that is run", &objects);
    if !image::can_chroot() {
        return;
    }
    objects.0.push(catalog());
    let pod = Pod::new(&objects, objects.pod("Deployment", "cairn-registry"));
    let server = pod.start();
    let (port, container) = objects.behind("cairn-registry", 8000);
    assert_eq!(container, "cairn-registry");
    for path in ["/health", "/metrics", "/v0.1/servers"] {
        assert_eq!(pod.ask(&server, &json!(port), path).status, 200, "{path}");
    }
    assert!(pod.path("/data/cairn.db").is_file());
    pod.before_stop();
    assert!(server.stop().success());
}
