//! Content of the presets beyond names: the guides' production sections, and numbers that fit each other.

use serde_json::{Value, json};

use crate::manifest::{Manifests, chart, kustomized, list, text};

const TOOLHIVE: &str = "--values=deploy/guides/toolhive/values.yaml";
const GATEWAY: &str = "--values=deploy/guides/mcp-gateway/values.yaml";

/// The Deployment of the server, which is the only one of each preset.
#[track_caller]
fn deployment(objects: &Manifests) -> &Value {
    objects.of("Deployment").next().expect("a Deployment")
}

fn container(objects: &Manifests) -> &Value {
    &deployment(objects)["spec"]["template"]["spec"]["containers"][0]
}

fn variable<'a>(objects: &'a Manifests, name: &str) -> Option<&'a str> {
    let found = list(&container(objects)["env"]).find(|variable| variable["name"] == name)?;
    found["value"].as_str()
}

/// Each preset by both ways, and the production overlay.
fn all() -> Vec<(&'static str, Manifests)> {
    let presets = [
        ("toolhive/minimal", kustomized("guides/toolhive/minimal")),
        ("toolhive/database", kustomized("guides/toolhive/database")),
        ("mcp-gateway", kustomized("guides/mcp-gateway")),
        ("overlays/prod", kustomized("kustomize/overlays/prod")),
        ("toolhive by helm", chart("registry-api", &[TOOLHIVE])),
        ("mcp-gateway by helm", chart("mcp-stack", &[GATEWAY])),
    ];
    let there = presets.into_iter();
    there
        .filter_map(|(name, objects)| Some((name, objects?)))
        .collect()
}

#[test]
fn a_start_that_waits_for_its_database_is_not_ended_by_a_probe() {
    for (preset, objects) in all() {
        let probe = &container(&objects)["startupProbe"];
        let number = |key: &str| probe[key].as_u64().unwrap_or_default();
        let seconds = number("periodSeconds") * number("failureThreshold");
        assert!(seconds >= 90, "{preset}: {probe}");
    }
}

/// Connections of one replica, as its configuration has them.
fn pool(objects: &Manifests) -> u64 {
    let by_variable = variable(objects, "CAIRN_DATABASE_MAX_OPEN_CONNS").map(str::to_owned);
    let configs = objects
        .of("ConfigMap")
        .filter_map(|map| map["data"]["config.yaml"].as_str());
    let mut pools = configs.filter_map(|config| {
        let config: Value = serde_saphyr::from_str(config).expect("YAML");
        config["database"]["maxOpenConns"].as_u64()
    });
    let by_variable = by_variable.and_then(|number| number.parse().ok());
    by_variable.or_else(|| pools.next()).unwrap_or(25)
}

#[test]
fn connections_of_all_replicas_fit_the_server() {
    for (preset, objects) in all() {
        let Some(scaler) = objects.of("HorizontalPodAutoscaler").next() else {
            continue;
        };
        let own = objects.of("StatefulSet").next().map(|server| {
            let args = &server["spec"]["template"]["spec"]["containers"][0]["args"];
            let words = list(args).filter_map(|word| text(word).strip_prefix("max_connections="));
            words
                .last()
                .and_then(|number| number.parse().ok())
                .unwrap_or(100)
        });
        // Each replica hears of commits by one more, an update adds a replica, and three are the superuser's.
        let most = scaler["spec"]["maxReplicas"].as_u64().expect("a number") + 1;
        let needed = most * (pool(&objects) + 1) + 3;
        assert!(needed <= own.unwrap_or(100), "{preset}: {needed}");
    }
}

#[test]
fn the_toolhive_preset_carries_the_guides_production_sections() {
    let Some(objects) = kustomized("guides/toolhive/database") else {
        return;
    };
    let spec = &deployment(&objects)["spec"];
    let rolling =
        json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 1, "maxUnavailable": 0 } });
    assert_eq!(
        (&spec["replicas"], &spec["strategy"]),
        (&json!(3), &rolling)
    );
    let annotations = &spec["template"]["metadata"]["annotations"];
    let asked =
        ["scrape", "port", "path"].map(|name| text(&annotations[format!("prometheus.io/{name}")]));
    assert_eq!(asked, ["true", "8081", "/metrics"]);
    let mut ports = list(&container(&objects)["ports"]);
    assert!(
        ports.any(|port| port["containerPort"] == 8081),
        "the port that is scraped"
    );
    // Another version cannot be applied over a Job that is still there.
    let job = &objects.get("Job", "registry-migrate")["spec"];
    assert!(job["ttlSecondsAfterFinished"].is_number(), "{job}");
}

#[test]
fn the_toolhive_values_put_the_configuration_where_the_guide_has_it() {
    let Some(objects) = chart("registry-api", &[TOOLHIVE]) else {
        return;
    };
    for (kind, name) in [("Deployment", "registry-api"), ("Job", "registry-migrate")] {
        let container = &objects.pod(kind, name)["containers"][0];
        let mut args = list(&container["args"]);
        assert!(
            args.any(|word| word == "--config=/etc/registry/config.yaml"),
            "{container}"
        );
        let mut mounts = list(&container["volumeMounts"]);
        assert!(
            mounts.any(|mount| mount["mountPath"] == "/etc/registry"),
            "{container}"
        );
    }
}

#[test]
fn every_container_has_the_image_that_is_named() {
    let repository = "ghcr.io/example/cairn";
    let digest = format!("sha256:{}", "0a".repeat(32));
    for (set, expected) in [
        (
            "image.tag=0.1.0-debug".to_owned(),
            format!("{repository}:0.1.0-debug"),
        ),
        (
            format!("image.digest={digest}"),
            format!("{repository}@{digest}"),
        ),
    ] {
        let Some(objects) = chart("registry-api", &[TOOLHIVE, &format!("--set={set}")]) else {
            return;
        };
        for (kind, name) in [("Deployment", "registry-api"), ("Job", "registry-migrate")] {
            let pod = objects.pod(kind, name);
            let containers = list(&pod["containers"]).chain(list(&pod["initContainers"]));
            for container in containers {
                assert_eq!(container["image"], expected, "{kind}");
            }
        }
    }
}

#[test]
fn metrics_are_on_the_guides_port_and_not_on_the_ingress() {
    for (preset, objects) in all() {
        let Some(ingress) = objects.of("Ingress").next() else {
            continue;
        };
        let is_public = variable(&objects, "CAIRN_PROBES_PUBLIC_METRICS") == Some("true");
        assert_eq!(is_public, preset.starts_with("mcp-gateway"), "{preset}");
        let paths: Vec<&str> = list(&ingress["spec"]["rules"][0]["http"]["paths"])
            .map(|path| text(&path["path"]))
            .collect();
        for path in ["/", "/metrics", "/readyz"] {
            assert!(!is_public || !paths.contains(&path), "{preset}: {paths:?}");
        }
        let needed = if is_public { "/v0.1" } else { "/" };
        assert!(paths.contains(&needed), "{preset}: {paths:?}");
    }
}

#[test]
fn a_route_publishes_the_same_paths_as_the_ingress() {
    let set = "--set=gatewayRoute.enabled=true,gatewayRoute.gateways[0].name=edge";
    let Some(objects) = chart("mcp-stack", &[GATEWAY, set]) else {
        return;
    };
    let ingress = objects.get("Ingress", "mcp-stack-registry");
    let published = list(&ingress["spec"]["rules"][0]["http"]["paths"]).map(|path| &path["path"]);
    let route = objects.get("HTTPRoute", "mcp-stack-registry");
    let routed = list(&route["spec"]["rules"]).map(|rule| &rule["matches"][0]["path"]["value"]);
    assert!(published.eq(routed), "{route}");
}

#[test]
fn a_private_authority_is_added_to_the_public_ones() {
    let Some(objects) = chart("registry-api", &[TOOLHIVE, "--set=caSecret=ca"]) else {
        return;
    };
    let bundle = "/etc/ssl/certs/ca-certificates.crt";
    let script = std::fs::read_to_string(crate::tool::deploy("image/root.sh")).expect("the script");
    assert!(
        script.contains(&format!("$root{bundle}")),
        "the image has no {bundle}"
    );
    for (kind, name) in [("Deployment", "registry-api"), ("Job", "registry-migrate")] {
        let container = &objects.pod(kind, name)["containers"][0];
        let of = |name: &str| {
            let found = list(&container["env"]).find(|variable| variable["name"] == name);
            found.map(|variable| text(&variable["value"]))
        };
        assert_eq!(
            (of("SSL_CERT_FILE"), of("SSL_CERT_DIR")),
            (Some(bundle), Some("/etc/cairn-ca"))
        );
        let mut mounts = list(&container["volumeMounts"]);
        assert!(
            mounts.any(|mount| mount["mountPath"] == "/etc/cairn-ca"),
            "{container}"
        );
    }
}
