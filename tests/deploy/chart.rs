//! What the chart promises, asserted on what helm renders.

use std::{collections::BTreeSet, fs};

use serde_json::{Value, json};

use crate::{
    manifest::{Manifests, chart, list, text, try_chart},
    tool::{self, tool},
};

pub(crate) const VALUES: [&str; 4] = ["dev", "staging", "prod", "edge"];

/// The flag for a values file.
pub(crate) fn values(name: &str) -> String {
    format!("--values=deploy/helm/cairn/values-{name}.yaml")
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

/// Flags, and the reason for which they are refused.
const REFUSED: [(&[&str], &str); 20] = [
    (
        &["--set=registry.app.replicas=2"],
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
        &["--set=database.readHost=ro"],
        "neither database.host nor database.urlSecret its primary",
    ),
    (
        &["--set=postgres.embedded=true,database.readUrlSecret.name=ro"],
        "names a standby",
    ),
    (
        &["--set=database.host=db,database.readHost=ro,database.readUrlSecret.name=ro"],
        "database.readHost and database.readUrlSecret exclude each other",
    ),
    (
        &["--set=ingress.enabled=true"],
        "needs ingress.host or global.domain",
    ),
    (
        &["--set=gatewayRoute.enabled=true"],
        "needs gatewayRoute.gateways",
    ),
    (
        &["--set=global.secretKey=given"],
        "global.secretKey is the first password of the embedded Postgres",
    ),
    (
        &["--set=database.host=db,database.pgpassSecret=p,podSecurityContext.fsGroup=null"],
        "needs podSecurityContext.fsGroup",
    ),
    (
        &["--set=metrics.public=true,ingress.enabled=true,ingress.host=x.org"],
        "set metrics.public=false, or ingress.paths",
    ),
    (
        &["--set=metrics.public=true,service.type=NodePort"],
        "service.type NodePort publishes it",
    ),
    (
        &["--set=database.host=db,registry.app.replicas=4,database.maxOpenConns=25"],
        "are 135 connections, but the server takes 100 (database.maxConnections)",
    ),
    (
        &["--set=postgres.embedded=true,autoscaling.enabled=true,autoscaling.maxReplicas=30"],
        "but the server takes 150 (postgres.maxConnections)",
    ),
    (
        &[
            "--set=postgres.embedded=true,secret.externalSecret.enabled=true,database.passwordSecret.key=other",
        ],
        "add secretKey other with its remoteRef",
    ),
    (&["--set=registry.replicas=2"], "replicas"),
    (&["--set=workload=ReplicaSet"], "workload"),
    (
        &["--kube-version=1.23.0"],
        "incompatible with Kubernetes v1.23.0",
    ),
];

#[test]
fn what_cannot_work_is_refused_with_the_reason() {
    for (args, reason) in REFUSED {
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
    let data = json!({ "db-password": "Z2l2ZW4=" });
    assert_eq!(
        made.get("Secret", secret)["data"],
        data,
        "nothing that is not read"
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
    for unread in [
        "postgres.embedded=true,secret.existing=mine",
        "registry.app.replicas=1",
    ] {
        let objects = chart("cairn", &[&format!("--set={unread}")]).expect("helm");
        assert_eq!(objects.of("Secret").count(), 0, "{unread}");
    }
    let store =
        "--set=secret.externalSecret.enabled=true,secret.externalSecret.store.kind=SecretStore";
    let external = chart("cairn", &[store]).expect("helm");
    let external = external.get("ExternalSecret", secret);
    assert_eq!(
        external["spec"]["secretStoreRef"],
        json!({ "name": "aws-secrets-manager", "kind": "SecretStore" })
    );
    assert_eq!(
        external["spec"]["data"][0],
        json!({ "secretKey": "db-password",
            "remoteRef": { "key": "mcp-gateway/registry", "property": "secret-key" } })
    );
}

#[test]
fn a_standby_is_named_by_its_host_or_by_a_secret() {
    let args = ["--set=database.host=db,database.readHost=db-ro"];
    let Some(by_host) = chart("cairn", &args) else {
        return;
    };
    let configured = |objects: &Manifests| {
        let maps = objects.of("ConfigMap");
        let mut texts = maps.filter_map(|map| map["data"]["config.yaml"].as_str());
        let config: Value = serde_saphyr::from_str(texts.next().expect("one")).expect("YAML");
        config["database"].clone()
    };
    let database = configured(&by_host);
    assert_eq!(database["readUrl"], "postgres://db-ro", "{database}");
    assert_eq!(database["host"], "db");

    let both = "--set=database.urlSecret.name=rw,database.readUrlSecret.name=ro";
    let by_secret = chart("cairn", &[both]).expect("helm");
    assert!(configured(&by_secret).is_null());
    let pod = by_secret.pod("Deployment", "cairn-registry");
    for container in [&pod["containers"][0], &pod["initContainers"][0]] {
        let of = |name: &str| {
            let found = list(&container["env"]).find(|variable| variable["name"] == name);
            found.map(|variable| variable["valueFrom"]["secretKeyRef"].clone())
        };
        let secret = |name, key| Some(json!({ "name": name, "key": key }));
        assert_eq!(of("DATABASE_URL"), secret("rw", "database-url"));
        assert_eq!(of("DATABASE_READ_URL"), secret("ro", "database-read-url"));
    }
}

#[test]
fn an_external_secret_is_of_the_newest_version_that_the_cluster_has() {
    let group = "external-secrets.io";
    for (there, expected) in [
        (&[][..], "v1"),
        (&["v1"], "v1"),
        (&["v1", "v1beta1"], "v1"),
        (&["v1beta1"], "v1beta1"),
    ] {
        let flags: Vec<String> = there
            .iter()
            .map(|version| format!("--api-versions={group}/{version}/ExternalSecret"))
            .chain(["--set=secret.externalSecret.enabled=true".to_owned()])
            .collect();
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let Some(objects) = chart("cairn", &flags) else {
            return;
        };
        let version = format!("{group}/{expected}");
        assert_eq!(
            objects.get("ExternalSecret", "cairn-registry-secret")["apiVersion"],
            version,
            "{there:?}"
        );
    }
}
