//! Network policies, evaluated as a cluster that enforces them does. Namespaces have the one label that every cluster sets
//! by itself, and no other.

use std::net::IpAddr;

use serde_json::{Value, json};

use crate::{
    chart::values,
    manifest::{Manifests, chart, covers, kustomized, list, text},
};

/// The far end of a connection.
#[derive(Debug, Clone, Copy)]
enum Peer {
    /// A pod without labels in the namespace of this name.
    Pod(&'static str),
    /// The chart's own Postgres, in the namespace of the release.
    OwnPostgres,
    Address(&'static str),
}

#[derive(Debug, Clone, Copy)]
enum Way {
    In,
    Out,
}

use Peer::{Address, OwnPostgres, Pod};
use Way::{In, Out};

const GITHUB: Peer = Address("140.82.121.4");

/// Direction, far end, protocol and port, and whether the connection is allowed.
type Case = (Way, Peer, &'static str, u64, bool);

/// True for each policy.
const COMMON: [Case; 11] = [
    (In, Pod("monitoring"), "TCP", 8081, true),
    (In, Pod("default"), "TCP", 8081, false),
    (Out, Pod("kube-system"), "UDP", 53, true),
    (Out, Pod("kube-system"), "TCP", 53, true),
    (Out, Address("169.254.20.10"), "UDP", 53, true),
    (Out, GITHUB, "TCP", 443, true),
    (Out, Address("2606:50c0:8000::153"), "TCP", 443, true),
    (Out, GITHUB, "TCP", 22, false),
    (Out, Address("169.254.169.254"), "TCP", 443, false),
    (Out, Address("10.96.0.1"), "TCP", 443, false),
    (Out, Address("fd00::1"), "TCP", 443, false),
];

#[track_caller]
fn check(what: &str, objects: &Manifests, own: &[Case]) {
    let policies: Vec<&Value> = objects.of("NetworkPolicy").collect();
    let [policy] = policies[..] else {
        panic!("{what}: {policies:?}");
    };
    for case in COMMON.iter().chain(own) {
        let (way, peer, protocol, port, expected) = *case;
        let found = allows(&policy["spec"], way, peer, protocol, port);
        assert_eq!(found, expected, "{what}: {case:?}\n{policy}");
    }
}

fn allows(spec: &Value, way: Way, peer: Peer, protocol: &str, port: u64) -> bool {
    let (rules, far) = match way {
        In => ("ingress", "from"),
        Out => ("egress", "to"),
    };
    list(&spec[rules]).any(|rule| {
        let mut ports = list(&rule["ports"]);
        let is_open = ports.any(|open| open["protocol"] == protocol && open["port"] == port);
        is_open && (rule[far].is_null() || list(&rule[far]).any(|end| is_meant(end, peer)))
    })
}

/// Returns true if an element of `from` or `to` selects the peer.
fn is_meant(end: &Value, peer: Peer) -> bool {
    match peer {
        Address(address) => is_within(&end["ipBlock"], address.parse().expect("an address")),
        Pod(namespace) => {
            end["podSelector"].is_null() && is_of(&end["namespaceSelector"], namespace)
        }
        OwnPostgres => {
            let labels = json!({ "app.kubernetes.io/name": "postgres", "app.kubernetes.io/instance": "cairn",
                "app.kubernetes.io/component": "postgres" });
            end["podSelector"].is_object() && covers(&end["podSelector"]["matchLabels"], &labels)
        }
    }
}

fn is_of(selector: &Value, namespace: &str) -> bool {
    const NAME: &str = "kubernetes.io/metadata.name";
    let Some(members) = selector.as_object() else {
        return false;
    };
    let labels = json!({ NAME: namespace });
    members.iter().all(|(kind, value)| match kind.as_str() {
        "matchLabels" => covers(value, &labels),
        "matchExpressions" => list(value).all(|wanted| {
            assert_eq!(wanted["operator"], "In", "{wanted}");
            wanted["key"] == NAME && list(&wanted["values"]).any(|value| value == namespace)
        }),
        other => panic!("{other}"),
    })
}

fn is_within(block: &Value, address: IpAddr) -> bool {
    let Some(range) = block["cidr"].as_str() else {
        return false;
    };
    let mut excepted = list(&block["except"]);
    contains(range, address) && !excepted.any(|range| contains(text(range), address))
}

fn contains(range: &str, address: IpAddr) -> bool {
    let (base, length) = range.split_once('/').expect("a range");
    let length: u32 = length.parse().expect("a length");
    match (base.parse().expect("an address"), address) {
        (IpAddr::V4(base), IpAddr::V4(address)) => {
            let differing = u32::from(base) ^ u32::from(address);
            differing.leading_zeros() >= length
        }
        (IpAddr::V6(base), IpAddr::V6(address)) => {
            let differing = u128::from(base) ^ u128::from(address);
            differing.leading_zeros() >= length
        }
        _ => false,
    }
}

#[test]
fn the_toolhive_policies_let_the_registry_work() {
    let own = [
        (In, Pod("toolhive"), "TCP", 8080, true),
        (In, Pod("default"), "TCP", 8080, false),
        (Out, Pod("database"), "TCP", 5432, true),
        (Out, Pod("default"), "TCP", 5432, false),
    ];
    let by_helm = [
        "--namespace=toolhive",
        "--values=deploy/guides/toolhive/values.yaml",
    ];
    let rendered = [
        ("overlay", kustomized("guides/toolhive/database")),
        ("chart", chart("registry-api", &by_helm)),
    ];
    for (what, objects) in rendered {
        objects
            .iter()
            .for_each(|objects| check(what, objects, &own));
    }
}

#[test]
fn the_production_policies_let_the_registry_work() {
    let public = (In, Pod("default"), "TCP", 8080, true);
    let database = (Out, Pod("database"), "TCP", 5432, true);
    for folder in ["kustomize/overlays/prod", "guides/mcp-gateway"] {
        let objects = kustomized(folder);
        let anywhere = (Out, Address("10.0.0.9"), "TCP", 5432, true);
        objects
            .iter()
            .for_each(|objects| check(folder, objects, &[public, database, anywhere]));
    }
    let prod = values("prod");
    let elsewhere = (Out, Pod("default"), "TCP", 5432, false);
    let objects = chart("cairn", &[&prod]);
    objects
        .iter()
        .for_each(|objects| check("prod", objects, &[public, database, elsewhere]));
    let staging = values("staging");
    let own = (Out, OwnPostgres, "TCP", 5432, true);
    let objects = chart("cairn", &[&staging]);
    objects
        .iter()
        .for_each(|objects| check("staging", objects, &[public, own, elsewhere]));
}

#[test]
fn a_policy_is_widened_by_its_values() {
    let wide = "--set=networkPolicy.enabled=true,networkPolicy.privateSources=true";
    let port = json!([{ "ports": [{ "protocol": "TCP", "port": 4318 }] }]);
    let more = format!("--set-json=networkPolicy.extraEgress={port}");
    let Some(objects) = chart("cairn", &[wide, &more]) else {
        return;
    };
    let policy = objects.get("NetworkPolicy", "cairn-registry");
    for port in [443, 4318] {
        assert!(
            allows(&policy["spec"], Out, Address("10.0.0.9"), "TCP", port),
            "{policy}"
        );
    }
}

#[test]
fn no_preset_reads_the_file_that_upstream_removed() {
    let sources = |objects: &Manifests| -> Vec<Value> {
        let configs = objects
            .of("ConfigMap")
            .filter_map(|map| map["data"]["config.yaml"].as_str());
        let configs = configs.map(|config| serde_saphyr::from_str::<Value>(config).expect("YAML"));
        let lists =
            configs.flat_map(|config| [config["sources"].clone(), config["registries"].clone()]);
        lists
            .flat_map(|elements| list(&elements).cloned().collect::<Vec<_>>())
            .collect()
    };
    let by_helm = ["--values=deploy/guides/toolhive/values.yaml"];
    let presets = [
        kustomized("guides/toolhive/minimal"),
        kustomized("guides/toolhive/database"),
        chart("registry-api", &by_helm),
        chart("cairn", &[]),
    ];
    for objects in presets.iter().flatten() {
        let repositories: Vec<Value> = sources(objects)
            .iter()
            .map(|source| source["git"].clone())
            .filter(Value::is_object)
            .collect();
        assert!(!repositories.is_empty());
        for git in repositories {
            assert_eq!(
                git["repository"],
                "https://github.com/stacklok/toolhive-catalog.git"
            );
            assert_eq!(
                git["path"],
                "pkg/catalog/toolhive/data/registry-upstream.json"
            );
        }
    }
}
