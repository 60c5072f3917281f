//! A release over its life: helm installs, changes, rolls back and removes it, in a cluster that keeps what it is given.

use std::{
    env,
    process::{self, Command},
};

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
        tool::output(&mut self.command(line))
    }

    /// Returns helm's words when it refuses, which it has to.
    #[track_caller]
    fn refused(&self, line: &str) -> String {
        let (done, said) = tool::ended(&mut self.command(line));
        assert!(!done, "{line}\n{said}");
        said
    }

    fn command(&self, line: &str) -> Command {
        let mut helm = self.cluster.tool("helm", ABOUT).expect("helm");
        helm.args(line.split(' '))
            .args(["--namespace", NAMESPACE])
            .env("HELM_DRIVER", "sql")
            .env("HELM_DRIVER_SQL_CONNECTION_STRING", &self.notes);
        helm
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
    release.helm("install cairn deploy/helm/cairn --set postgres.embedded=true");
    let password = release.secret("db-password");
    assert_eq!(password.len(), 40);
    release.helm("upgrade cairn deploy/helm/cairn --set postgres.embedded=true");
    assert_eq!(release.secret("db-password"), password);
    let values = "--set postgres.embedded=true,registry.app.replicas=2";
    for dry in [
        format!("upgrade cairn deploy/helm/cairn --dry-run=server {values}"),
        format!("template cairn deploy/helm/cairn --dry-run=server --kube-version 1.28.0 {values}"),
    ] {
        let secret = rendered(&release.helm(&dry));
        assert_eq!(decoded(&secret, "db-password"), password, "{dry}");
    }
    let blind = format!("template cairn deploy/helm/cairn --kube-version 1.28.0 {values}");
    let blind = rendered(&release.helm(&blind));
    assert_ne!(
        decoded(&blind, "db-password"),
        password,
        "it did not ask the cluster"
    );
    release.helm(&format!("upgrade cairn deploy/helm/cairn {values}"));
    release.helm("rollback cairn 2");
    // Removed, it leaves what opens the database; installed again, it finds that.
    release.helm("uninstall cairn");
    assert_eq!(release.replicas(), None);
    assert_eq!(release.secret("db-password"), password);
    release.helm("install cairn deploy/helm/cairn --set postgres.embedded=true");
    assert_eq!(release.secret("db-password"), password);
    let said = release.refused(
        "upgrade cairn deploy/helm/cairn --set postgres.embedded=true,global.secretKey=given",
    );
    assert!(said.contains("global.secretKey differs"), "{said}");
    assert_eq!(release.secret("db-password"), password);
}

#[test]
fn two_clusters_have_different_secrets() {
    let Some(one) = Release::prepare("one") else {
        return;
    };
    let other = Release::prepare("other").expect("as before");
    for release in [&one, &other] {
        release.helm("install cairn deploy/helm/cairn --set postgres.embedded=true");
    }
    assert_ne!(one.secret("db-password"), other.secret("db-password"));
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
    let back = "upgrade cairn deploy/helm/cairn --reset-values";
    let said = release.refused(back);
    assert!(
        said.contains("runs on Postgres, and these values name none"),
        "{said}"
    );
    release.helm(&format!("{back} --set database.allowChange=true"));
    assert_eq!((has_claim(), release.replicas()), (true, Some(1.into())));
    let said = release.helm("uninstall cairn");
    assert!(
        said.contains(&format!("[PersistentVolumeClaim] {CLAIM}")),
        "{said}"
    );
    assert!(has_claim());
}

#[test]
fn an_upgrade_without_the_preset_of_its_release_is_refused() {
    let Some(release) = Release::prepare("preset") else {
        return;
    };
    for preset in ["toolhive", "mcp-gateway"] {
        let file = format!("deploy/guides/{preset}/values.yaml");
        // No Job ever ends here.
        release.helm(&format!(
            "install {preset} deploy/helm/cairn --no-hooks -f {file}"
        ));
        let without = format!(
            "upgrade {preset} deploy/helm/cairn --no-hooks --set global.domain=example.com"
        );
        let said = release.refused(&without);
        assert!(
            said.contains(&format!("give its file again (--values {file})")),
            "{said}"
        );
        release.helm(&format!("{without} -f {file}"));
        release.helm(&format!("{without} --reset-then-reuse-values"));
        let leaves = format!("{without} --set preset=none");
        let said = release.refused(&leaves);
        assert!(
            said.contains("database.allowChange=true allows it"),
            "{said}"
        );
        release.helm(&format!("{leaves} --set database.allowChange=true"));
        release.helm(&without);
    }
}

#[test]
fn a_secret_without_the_key_that_pods_read_is_refused() {
    let Some(release) = Release::prepare("key") else {
        return;
    };
    let mut kubectl = release.cluster.tool("kubectl", ABOUT).expect("kubectl");
    let words = "create secret generic mine --namespace registry --from-literal=secret-key=word";
    tool::output(kubectl.args(words.split(' ')));
    let install =
        "install cairn deploy/helm/cairn --set postgres.embedded=true,secret.existing=mine";
    let said = release.refused(install);
    let expected = "the Secret mine (secret.existing) has no key db-password, but secret-key";
    assert!(said.contains(expected), "{said}");
    release.helm(&format!(
        "{install} --set database.passwordSecret.key=secret-key"
    ));
    let url = "upgrade cairn deploy/helm/cairn --set database.urlSecret.name=mine";
    let said = release.refused(url);
    assert!(
        said.contains("(database.urlSecret) has no key database-url"),
        "{said}"
    );
}

#[test]
fn a_volume_that_cannot_be_changed_is_refused() {
    let Some(release) = Release::prepare("volume") else {
        return;
    };
    for (install, larger) in [
        ("postgres.embedded=true", "postgres.storage=9Gi"),
        ("workload=StatefulSet", "persistence.size=9Gi"),
    ] {
        release.helm(&format!("install cairn deploy/helm/cairn --set {install}"));
        release.helm(&format!("upgrade cairn deploy/helm/cairn --set {install}"));
        let said = release.refused(&format!(
            "upgrade cairn deploy/helm/cairn --set {install},{larger}"
        ));
        assert!(said.contains("--cascade=orphan"), "{said}");
        release.helm("uninstall cairn");
    }
}
