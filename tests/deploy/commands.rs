//! What the guides have people type, typed: helm and kubectl themselves, against a cluster that keeps what it is given.
//! What asks a running pod (`logs`, `exec`, `port-forward`, `top`, `run`) has nobody to ask here; `deploy/README.md` says
//! what takes the place of those that cannot work with our image.

use std::{env, process::Command};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use cairn_tests::{Installation, database};
use serde_json::{Value, json};

use crate::{
    api_server::Cluster,
    manifest::text,
    tool::{self, tool},
};

const ABOUT: &str = "the guides' commands";

/// `-n mcp-gateway`, and what else the gateway's guide has to be given here.
const GATEWAY: &str =
    "-n mcp-gateway -f deploy/guides/mcp-gateway/values.yaml --set global.domain=example.com";

/// Of which version a cluster is that `helm template` does not ask. Packaged helms know one that is of their own age.
const VERSION: &str = "--kube-version 1.28.0";

/// In the guide's order, with our chart in the place of the guide's. `--wait` is left out: nothing here ever starts.
const GATEWAY_COMMANDS: [&str; 33] = [
    "helm dependency update deploy/helm/cairn",
    "helm lint deploy/helm/cairn",
    "helm template mcp-stack deploy/helm/cairn $GATEWAY --set global.secretKey=your-secret $VERSION > manifests.yaml",
    "kubectl apply --dry-run=client -f manifests.yaml",
    "helm install mcp-stack deploy/helm/cairn $GATEWAY --create-namespace --set global.secretKey=your-production-secret",
    "kubectl get pods -n mcp-gateway",
    "helm status mcp-stack -n mcp-gateway",
    "helm upgrade mcp-stack deploy/helm/cairn $GATEWAY",
    "helm history mcp-stack -n mcp-gateway",
    "helm rollback mcp-stack -n mcp-gateway",
    "helm rollback mcp-stack 2 -n mcp-gateway",
    "kubectl cluster-info",
    "kubectl get nodes -o wide",
    "kubectl get all -n mcp-gateway",
    "kubectl get pods -n mcp-gateway -o wide",
    "kubectl get endpoints -n mcp-gateway",
    "kubectl describe resourcequota -n mcp-gateway",
    "kubectl get limitrange -n mcp-gateway -o yaml",
    "kubectl get events -n mcp-gateway --sort-by='.lastTimestamp'",
    "kubectl get networkpolicies -n mcp-gateway -o yaml",
    "kubectl get ingress -n mcp-gateway",
    "kubectl describe ingress -n mcp-gateway mcp-stack-registry",
    "kubectl scale deployment -n mcp-gateway mcp-stack-registry --replicas=3",
    "helm upgrade mcp-stack deploy/helm/cairn $GATEWAY --set registry.app.replicas=3",
    "kubectl get hpa -n mcp-gateway",
    "kubectl describe hpa -n mcp-gateway mcp-stack-registry",
    "kubectl get events -n mcp-gateway --field-selector reason=SuccessfulRescale",
    "kubectl create secret generic mcp-secrets -n mcp-gateway --from-literal=secret-key=your-secret --from-literal=db-password=db-pass",
    "kubectl create secret generic mcp-certs -n mcp-gateway --from-file=tls.crt=./cert.pem --from-file=tls.key=./key.pem",
    "kubectl create secret generic mcp-env -n mcp-gateway --from-env-file=.env",
    "kubectl scale deploy -n mcp-gateway mcp-stack-registry --replicas=3",
    "kubectl rollout restart deploy -n mcp-gateway mcp-stack-registry",
    "kubectl rollout history deploy -n mcp-gateway mcp-stack-registry",
];

const TOOLHIVE_COMMANDS: [&str; 6] = [
    "kubectl create namespace toolhive",
    "kubectl apply -k deploy/guides/toolhive/minimal",
    "kubectl -n toolhive get pods",
    "kubectl -n toolhive create secret generic registry-db-pgpass --from-file=pgpass=pgpass",
    "kubectl apply -k deploy/guides/toolhive/database",
    "kubectl -n toolhive get deployment registry-api",
];

/// A person at a terminal: a cluster, a folder with the project and some files, and the tools.
struct Desk {
    cluster: Cluster,
    folder: Installation,
    notes: String,
}

impl Desk {
    fn prepare(name: &str) -> Option<Self> {
        tool("helm", ABOUT)?;
        if !has_kubectl() {
            return None;
        }
        if env::var_os("CAIRN_TEST_POSTGRES").is_none() {
            println!("not checked: {ABOUT}: CAIRN_TEST_POSTGRES names no server for helm's notes");
            return None;
        }
        let folder = Installation::empty();
        for (file, content) in [
            ("cert.pem", "c"),
            ("key.pem", "k"),
            (".env", "A=1\n"),
            ("pgpass", "h:1:d:u:p\n"),
        ] {
            let _ = folder.write(file, content);
        }
        std::os::unix::fs::symlink(tool::deploy(""), folder.path("deploy")).expect("a link");
        let notes = database::empty(&format!("cairn_desk_{name}_{}", std::process::id()));
        Some(Self {
            cluster: Cluster::start(),
            folder,
            notes,
        })
    }

    /// As a shell runs it.
    #[track_caller]
    fn types(&self, line: &str) -> String {
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = tool::folder().into_iter().chain(env::split_paths(&path));
        let mut shell = Command::new("sh");
        shell
            .args([
                "-c",
                &line
                    .replace("$GATEWAY", GATEWAY)
                    .replace("$VERSION", VERSION),
            ])
            .current_dir(self.folder.path(""))
            .env("PATH", env::join_paths(folders).expect("a PATH"))
            .env("HELM_DRIVER", "sql")
            .env("HELM_DRIVER_SQL_CONNECTION_STRING", &self.notes);
        self.cluster.lead(&mut shell);
        tool::output(&mut shell)
    }

    #[track_caller]
    fn has(&self, kind: &str, namespace: &str, name: &str) -> Value {
        let found = self.cluster.find(kind, namespace, name);
        found.unwrap_or_else(|| {
            panic!(
                "no {kind} {name} in {namespace}: {:?}",
                self.cluster.changes()
            )
        })
    }
}

/// One that knows the API's of the oldest version that the guides name.
fn has_kubectl() -> bool {
    let Some(mut kubectl) = tool("kubectl", ABOUT) else {
        return false;
    };
    let said = tool::output(kubectl.args(["version", "--client", "-o", "json"]));
    let said: Value = serde_json::from_str(&said).expect("JSON");
    let minor = text(&said["clientVersion"]["minor"])
        .trim_end_matches('+')
        .parse::<u32>();
    let is_new = minor.is_ok_and(|minor| minor >= 24);
    if !is_new {
        println!("not checked: {ABOUT}: `kubectl` here is older than 1.24");
    }
    is_new
}

#[test]
fn the_gateway_guides_commands_work() {
    let Some(desk) = Desk::prepare("gateway") else {
        return;
    };
    for line in GATEWAY_COMMANDS {
        let _ = desk.types(line);
    }
    let deployment = desk.has("Deployment", "mcp-gateway", "mcp-stack-registry");
    assert_eq!(deployment["spec"]["replicas"], 3, "as it was scaled");
    let template = &deployment["spec"]["template"]["metadata"]["annotations"];
    assert!(
        template["kubectl.kubernetes.io/restartedAt"].is_string(),
        "{template}"
    );
    let scaler = desk.has(
        "HorizontalPodAutoscaler",
        "mcp-gateway",
        "mcp-stack-registry",
    );
    assert_eq!(scaler["spec"]["minReplicas"], 3);
    // The guide's upgrades do not repeat the key that its installation gave.
    let kept = desk.has("Secret", "mcp-gateway", "mcp-stack-registry-secret");
    assert_eq!(
        kept["data"]["db-password"],
        STANDARD.encode("your-production-secret")
    );
    for secret in ["mcp-secrets", "mcp-certs", "mcp-env"] {
        let _ = desk.has("Secret", "mcp-gateway", secret);
    }
}

#[test]
fn the_toolhive_guides_commands_work() {
    let Some(desk) = Desk::prepare("toolhive") else {
        return;
    };
    for line in TOOLHIVE_COMMANDS {
        let _ = desk.types(line);
    }
    for (kind, name) in [
        ("Deployment", "registry-api"),
        ("Job", "registry-migrate"),
        ("Secret", "registry-db-pgpass"),
        ("HorizontalPodAutoscaler", "registry-api-hpa"),
    ] {
        let _ = desk.has(kind, "toolhive", name);
    }
}

#[test]
fn a_bare_cluster_takes_what_needs_no_operator() {
    let Some(desk) = Desk::prepare("bare") else {
        return;
    };
    for values in ["dev", "staging", "prod", "edge"] {
        let file = format!("deploy/helm/cairn/values-{values}.yaml");
        let said = desk.types(&format!(
            "helm template cairn deploy/helm/cairn -f {file} $VERSION | kubectl apply --dry-run=client -f -"
        ));
        assert!(
            said.contains("cairn-registry created (dry run)"),
            "{values}: {said}"
        );
    }
    assert_eq!(desk.cluster.changes(), [""; 0], "nothing but a question");
    for folder in [
        "base",
        "overlays/dev",
        "overlays/edge",
        "overlays/prod",
        "../guides/mcp-gateway",
    ] {
        let _ = desk.types(&format!("kubectl apply -k deploy/kustomize/{folder}"));
    }
    let _ = desk.types("kubectl apply -f deploy/manifests/cairn.yaml");
    let served = desk.has("Service", "cairn", "cairn");
    assert_eq!(served["spec"]["ports"][0]["targetPort"], json!("http"));
}

#[test]
fn what_is_kept_after_removal_goes_when_it_is_asked_to() {
    let Some(desk) = Desk::prepare("removal") else {
        return;
    };
    for line in [
        "helm install cairn deploy/helm/cairn -n cairn --create-namespace",
        "helm upgrade cairn deploy/helm/cairn -n cairn --set postgres.embedded=true",
        "helm uninstall cairn -n cairn",
    ] {
        let _ = desk.types(line);
    }
    let kept = [
        ("Secret", "cairn-registry-secret"),
        ("PersistentVolumeClaim", "cairn-registry-data"),
    ];
    for (kind, name) in kept {
        let _ = desk.has(kind, "cairn", name);
    }
    let _ = desk.types("kubectl -n cairn delete pvc,secret -l app.kubernetes.io/instance=cairn");
    for (kind, name) in kept {
        assert_eq!(desk.cluster.find(kind, "cairn", name), None);
    }
}
