//! A release over its life: helm installs, changes, rolls back and removes it, in a cluster that keeps what it is given.

use std::{env, process};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use cairn_tests::database;
use serde_json::Value;

use crate::{
    api_server::Cluster,
    manifest::{Manifests, text},
    tool::{self, tool},
};

const NAMESPACE: &str = "registry";
const SECRET: &str = "cairn-registry-secret";
const ABOUT: &str = "a release over its life";

/// A cluster, and where helm notes what it did there.
struct Release {
    cluster: Cluster,
    notes: String,
}

impl Release {
    /// `None`, and a line that says so, where something is missing. Notes would be Secrets, in a form that only a real API
    /// server reads (protobuf): helm is told to keep them in a database instead.
    fn prepare(name: &str) -> Option<Self> {
        tool("helm", ABOUT)?;
        if env::var_os("CAIRN_TEST_POSTGRES").is_none() {
            println!("not checked: {ABOUT}: CAIRN_TEST_POSTGRES names no server for helm's notes");
            return None;
        }
        let notes = database::empty(&format!("cairn_helm_{name}_{}", process::id()));
        Some(Self {
            cluster: Cluster::start(),
            notes,
        })
    }

    /// What helm says; it has to succeed.
    #[track_caller]
    fn helm(&self, line: &str) -> String {
        let mut helm = self.cluster.tool("helm", ABOUT).expect("helm");
        helm.args(line.split(' '))
            .args(["--namespace", NAMESPACE])
            .env("HELM_DRIVER", "sql")
            .env("HELM_DRIVER_SQL_CONNECTION_STRING", &self.notes);
        tool::output(&mut helm)
    }

    /// A value of the generated Secret, as the cluster has it.
    #[track_caller]
    fn secret(&self, key: &str) -> String {
        let secret = self.cluster.find("Secret", NAMESPACE, SECRET);
        decoded(&secret.expect("the Secret"), key)
    }

    fn replicas(&self) -> Option<Value> {
        let found = self.cluster.find("Deployment", NAMESPACE, "cairn-registry");
        found.map(|deployment| deployment["spec"]["replicas"].clone())
    }
}

fn decoded(secret: &Value, key: &str) -> String {
    let bytes = STANDARD.decode(text(&secret["data"][key])).expect("base64");
    String::from_utf8(bytes).expect("UTF-8")
}

/// The Secret among what helm would send.
fn rendered(said: &str) -> Value {
    let (_, objects) = said.split_once("MANIFEST:\n").unwrap_or(("", said));
    let (objects, _) = objects.split_once("\nNOTES:\n").unwrap_or((objects, ""));
    Manifests::read(objects).get("Secret", SECRET).clone()
}

#[test]
fn a_generated_secret_is_kept_as_long_as_it_is_there() {
    let Some(release) = Release::prepare("secret") else {
        return;
    };
    release.helm("install cairn deploy/helm/cairn");
    let key = release.secret("secret-key");
    assert_eq!(key.len(), 40);
    // What a later version of the chart wants besides is made, and nothing else is made anew.
    release.helm("upgrade cairn deploy/helm/cairn --set postgres.embedded=true");
    let password = release.secret("db-password");
    assert_eq!(
        (release.secret("secret-key"), password.len()),
        (key.clone(), 40)
    );
    assert_ne!(password, key);
    let values = "--set postgres.embedded=true,registry.app.replicas=2";
    for dry in [
        format!("upgrade cairn deploy/helm/cairn --dry-run=server {values}"),
        format!("template cairn deploy/helm/cairn --dry-run=server --kube-version 1.28.0 {values}"),
    ] {
        let secret = rendered(&release.helm(&dry));
        assert_eq!(decoded(&secret, "secret-key"), key, "{dry}");
        assert_eq!(decoded(&secret, "db-password"), password, "{dry}");
    }
    let blind = format!("template cairn deploy/helm/cairn --kube-version 1.28.0 {values}");
    let blind = rendered(&release.helm(&blind));
    assert_ne!(
        decoded(&blind, "secret-key"),
        key,
        "it did not ask the cluster"
    );
    release.helm(&format!("upgrade cairn deploy/helm/cairn {values}"));
    release.helm("rollback cairn 2");
    // Removed, it leaves what opens the database; installed again, it finds that.
    release.helm("uninstall cairn");
    assert_eq!(
        (release.replicas(), release.secret("secret-key")),
        (None, key.clone())
    );
    release.helm("install cairn deploy/helm/cairn --set postgres.embedded=true");
    assert_eq!(
        (release.secret("secret-key"), release.secret("db-password")),
        (key, password)
    );
    release.helm(
        "upgrade cairn deploy/helm/cairn --set postgres.embedded=true,global.secretKey=given",
    );
    assert_eq!(release.secret("secret-key"), "given");
}

#[test]
fn two_clusters_have_different_secrets() {
    let Some(one) = Release::prepare("one") else {
        return;
    };
    let other = Release::prepare("other").expect("as before");
    for release in [&one, &other] {
        release.helm("install cairn deploy/helm/cairn");
    }
    assert_ne!(one.secret("secret-key"), other.secret("secret-key"));
}

const CLAIM: &str = "cairn-registry-data";

#[test]
fn a_release_goes_back_and_goes_for_good() {
    let Some(release) = Release::prepare("life") else {
        return;
    };
    for replicas in 1..=3 {
        release.helm(&format!(
            "upgrade --install cairn deploy/helm/cairn --set postgres.embedded=true,registry.app.replicas={replicas}"
        ));
    }
    assert_eq!(release.replicas(), Some(3.into()));
    release.helm("rollback cairn");
    assert_eq!(release.replicas(), Some(2.into()));
    release.helm("rollback cairn 1");
    assert_eq!(release.replicas(), Some(1.into()));
    let history = release.helm("history cairn");
    assert!(
        history.lines().any(|line| line.contains("Rollback to 1")),
        "{history}"
    );
    assert!(release.helm("status cairn").contains("STATUS: deployed"));
    let said = release.helm("uninstall cairn");
    assert!(said.contains("[Secret] cairn-registry-secret"), "{said}");
    assert_eq!(release.replicas(), None);
}

#[test]
fn a_release_moves_to_postgres_and_back_and_keeps_its_claim() {
    let Some(release) = Release::prepare("engine") else {
        return;
    };
    let has_claim = || {
        release
            .cluster
            .find("PersistentVolumeClaim", NAMESPACE, CLAIM)
            .is_some()
    };
    release.helm("install cairn deploy/helm/cairn");
    assert!(has_claim());
    release.helm(
        "upgrade cairn deploy/helm/cairn --set postgres.embedded=true,registry.app.replicas=3",
    );
    assert!(has_claim(), "the data of before");
    // Not by `helm rollback`, which wants to make what was kept; the runbook says so.
    release.helm("upgrade cairn deploy/helm/cairn --reset-values");
    assert_eq!((has_claim(), release.replicas()), (true, Some(1.into())));
    let said = release.helm("uninstall cairn");
    assert!(
        said.contains(&format!("[PersistentVolumeClaim] {CLAIM}")),
        "{said}"
    );
    assert!(has_claim());
}
