//! The pods that the chart makes: how they are secured, how they go, how they are replaced; and one of them, run.

use std::fs;

use cairn_tests::fixture;
use serde_json::{Value, json};

use crate::{
    chart::{VALUES, values},
    image,
    manifest::{Manifests, chart, kustomized, list, name_of, text},
    pod::Pod,
    schemas,
};

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

/// What Pod Security calls "restricted", and a root that is read-only besides.
#[track_caller]
fn assert_restricted(objects: &Manifests) {
    let mut checked = 0;
    for (name, pod) in pods(objects) {
        let security = &pod["securityContext"];
        assert_eq!(security["runAsNonRoot"], true, "{name}");
        assert!(
            security["runAsUser"].as_u64().is_some_and(|user| user > 0),
            "{name}"
        );
        assert_eq!(
            security["seccompProfile"]["type"], "RuntimeDefault",
            "{name}"
        );
        for host in ["hostNetwork", "hostPID", "hostIPC"] {
            assert!(pod[host].is_null(), "{name}: {host}");
        }
        assert_eq!(pod["automountServiceAccountToken"], false, "{name}");
        containers(pod).for_each(assert_confined);
        let allowed = [
            "configMap",
            "emptyDir",
            "persistentVolumeClaim",
            "secret",
            "name",
        ];
        for volume in list(&pod["volumes"]) {
            let mut kinds = volume.as_object().expect("a volume").keys();
            assert!(
                kinds.all(|kind| allowed.contains(&kind.as_str())),
                "{volume}"
            );
        }
        checked += 1;
    }
    assert!(checked > 0, "there is no pod");
}

fn assert_confined(container: &Value) {
    let own = &container["securityContext"];
    assert_eq!(own["allowPrivilegeEscalation"], false, "{container}");
    assert_eq!(own["readOnlyRootFilesystem"], true, "{container}");
    assert_eq!(
        own["capabilities"],
        json!({ "drop": ["ALL"] }),
        "{container}"
    );
    assert!(own["privileged"].is_null(), "{container}");
    assert!(
        list(&container["ports"]).all(|port| port["hostPort"].is_null()),
        "{container}"
    );
    for amount in ["requests", "limits"] {
        assert!(
            container["resources"][amount]["memory"].is_string(),
            "{container}"
        );
    }
}

#[test]
fn every_pod_satisfies_pod_security_restricted() {
    for file in VALUES.map(values) {
        let Some(objects) = chart("cairn", &[&file, "--set=database.pgpassSecret=pgpass"]) else {
            return;
        };
        assert_restricted(&objects);
    }
    // The ToolHive guide's own Deployments are not among them: they are used as they stand there.
    for folder in [
        "kustomize/base",
        "kustomize/overlays/dev",
        "kustomize/overlays/edge",
        "kustomize/overlays/prod",
        "guides/mcp-gateway",
    ] {
        let objects = kustomized(folder);
        objects.iter().for_each(assert_restricted);
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
