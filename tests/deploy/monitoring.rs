//! Alerts and what else the chart gives Prometheus: understood by its own tools, and made of figures that a running
//! server exports.

use std::fs;

use cairn_tests::Installation;
use serde_json::Value;

use crate::{
    dashboard::dashboard,
    manifest::{Manifests, chart, covers, list, text},
    promql::metrics,
    tool::{self, tool},
};

/// What others export: an alert may use it, the dashboard may not.
const OF_OTHERS: [&str; 6] = [
    "up",
    "kube_job_status_failed",
    "kube_pod_init_container_status_restarts_total",
    "certmanager_certificate_expiration_timestamp_seconds",
    "kubelet_volume_stats_available_bytes",
    "kubelet_volume_stats_capacity_bytes",
];

/// What a server exports that reads from a standby: `chaos/failover.rs` finds it there.
const WITH_A_STANDBY: [&str; 2] = [
    "cairn_database_standby_lag_seconds",
    "cairn_database_standby_up",
];

/// Names with the labels they carry, as a server that has worked exports them.
pub(crate) fn exported() -> String {
    let installation = Installation::of_fixture();
    let server = installation.serve(&[]);
    for _ in 0..2 {
        assert_eq!(server.public.get("/v0.1/servers").status, 200);
    }
    server.internal.get("/metrics").text().to_owned()
}

fn alerts() -> Vec<Value> {
    let rules = Manifests::of_file(&tool::deploy("helm/cairn/files/alerts.yaml"));
    let groups = list(&rules.0[0]["groups"]);
    groups
        .flat_map(|group| list(&group["rules"]).cloned())
        .collect()
}

#[test]
fn every_alert_is_made_of_figures_that_somebody_exports_and_has_a_remedy() {
    let exported = exported();
    let runbook = tool::root().join("docs/operations.md");
    let runbook = fs::read_to_string(runbook).expect("the runbook");
    let (alerts, mut ours) = (alerts(), 0);
    for alert in &alerts {
        for name in metrics(text(&alert["expr"])) {
            let is_ours = exported
                .lines()
                .any(|line| line.starts_with(&format!("{name}{{")));
            let known = [&OF_OTHERS[..], &WITH_A_STANDBY];
            let is_known = known.concat().contains(&name.as_str());
            assert!(is_ours || is_known, "nobody exports {name}: {alert}");
            ours += usize::from(is_ours);
        }
        assert!(
            !text(&alert["annotations"]["summary"]).is_empty(),
            "{alert}"
        );
        let name = format!("`{}`", text(&alert["alert"]));
        assert!(runbook.contains(&name), "no remedy for {name}");
        assert!(
            ["warning", "critical"].contains(&text(&alert["labels"]["severity"])),
            "{alert}"
        );
    }
    assert!(ours >= 7, "only {ours} figures of our own");
}

#[test]
fn each_alert_fires_as_it_should() {
    let about = "the alerts, as Prometheus evaluates them";
    let Some(mut promtool) = tool("promtool", about) else {
        return;
    };
    let rules = tool::deploy("helm/cairn/files/alerts.yaml");
    tool::output(promtool.args(["check", "rules"]).arg(rules));
    let test = tool::deploy("monitoring/alerts-test.yaml");
    let cases = fs::read_to_string(&test).expect("the test");
    for alert in alerts() {
        let name = text(&alert["alert"]);
        let fires = cases.split("alertname: ").skip(1).any(|case| {
            case.starts_with(name)
                && case
                    .lines()
                    .nth(1)
                    .is_some_and(|line| line.trim() == "exp_alerts:")
        });
        assert!(fires, "{name} never fires in a test");
    }
    if let Some(mut promtool) = tool("promtool", about) {
        tool::output(promtool.args(["test", "rules"]).arg(test));
    }
}

#[test]
fn the_adapter_counts_requests_that_are_counted() {
    let adapter = Manifests::of_file(&tool::deploy("monitoring/prometheus-adapter.yaml"));
    let rule = &adapter.0[0]["rules"]["custom"][0];
    assert_eq!(rule["name"]["as"], "http_requests_per_second");
    let name = text(&rule["seriesQuery"])
        .split('{')
        .next()
        .unwrap_or_default()
        .to_owned();
    assert!(exported().contains(&format!("\n{name}{{")), "{name}");
}

#[test]
fn the_charts_rules_are_the_tested_ones_for_its_job() {
    let forced = "--set=metrics.rules=true,metrics.serviceMonitor=true,metrics.dashboard=true,metrics.job=mcp-registry";
    let Some(objects) = chart("mcp-stack", &[forced]) else {
        return;
    };
    let rule = objects.get("PrometheusRule", "mcp-stack-registry-alerts");
    let groups = list(&rule["spec"]["groups"]).flat_map(|group| list(&group["rules"]));
    assert_eq!(groups.count(), alerts().len());
    assert_eq!(
        rule["spec"]["groups"][0]["rules"][0]["expr"],
        "up{job=\"mcp-registry\"} == 0"
    );
    let shown = objects.get("ConfigMap", "mcp-stack-registry-dashboard");
    let shown: Value = serde_json::from_str(text(&shown["data"]["cairn.json"])).expect("JSON");
    assert_eq!(shown, dashboard());
}

#[test]
fn the_monitor_selects_one_service_with_metrics_whatever_its_type() {
    for kind in ["ClusterIP", "NodePort", "LoadBalancer"] {
        let set = format!("--set=metrics.serviceMonitor=true,metrics.job=mine,service.type={kind}");
        let Some(objects) = chart("cairn", &[&set, "--set=service.headless=true"]) else {
            return;
        };
        let monitor = &objects.get("ServiceMonitor", "cairn-registry")["spec"];
        let selector = &monitor["selector"]["matchLabels"];
        let selected: Vec<&Value> = objects
            .of("Service")
            .filter(|service| covers(selector, &service["metadata"]["labels"]))
            .collect();
        let [service] = selected[..] else {
            panic!("{kind}: {selected:?}");
        };
        assert_eq!(
            service["metadata"]["labels"][text(&monitor["jobLabel"])],
            "mine"
        );
        let port = &monitor["endpoints"][0]["port"];
        assert!(
            list(&service["spec"]["ports"]).any(|open| open["name"] == *port),
            "{kind}"
        );
        let public = &objects.get("Service", "cairn-registry")["spec"];
        let shown = list(&public["ports"]).any(|open| open["name"] == "metrics");
        assert_eq!(
            shown,
            kind == "ClusterIP",
            "{kind}: probes and metrics are not published"
        );
    }
}
