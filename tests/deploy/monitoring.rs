//! Alerts and dashboard: understood by Prometheus' own tools, and made of figures that a running server exports.

use std::{collections::BTreeSet, fs};

use cairn_tests::Installation;
use serde_json::Value;

use crate::{
    manifest::{Manifests, chart, covers, list, text},
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

/// Words of the query language; what else is a word is a metric or, between braces or after `by`, a label.
const LANGUAGE: [&str; 12] = [
    "absent",
    "by",
    "histogram_quantile",
    "increase",
    "le",
    "max",
    "min",
    "offset",
    "or",
    "rate",
    "sum",
    "time",
];

/// Names of metrics in a query.
fn metrics(query: &str) -> BTreeSet<String> {
    let (mut plain, mut depth, mut is_quoted) = (String::new(), 0, false);
    for c in query.replace("[$__rate_interval]", "").chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            '{' | '[' if !is_quoted => depth += 1,
            '}' | ']' if !is_quoted => depth -= 1,
            _ if depth == 0 && !is_quoted => plain.push(c),
            _ => {}
        }
    }
    let mut names = BTreeSet::new();
    let mut rest = plain.as_str();
    // Labels stand in the brackets after `by`.
    while let Some((before, after)) = rest.split_once("by (") {
        names.extend(words(before));
        rest = after.split_once(')').map_or("", |(_, after)| after);
    }
    names.extend(words(rest));
    names
}

fn words(text: &str) -> impl Iterator<Item = String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(move |c| !is_word(c))
        .filter(|word| {
            word.starts_with(|c: char| c.is_ascii_alphabetic()) && !LANGUAGE.contains(word)
        })
        .map(str::to_owned)
        .collect::<Vec<_>>()
        .into_iter()
}

/// Labels that a query groups by.
fn labels(query: &str) -> BTreeSet<String> {
    let groups = query.split("by (").skip(1);
    let inside = groups.filter_map(|rest| rest.split_once(')'));
    inside
        .flat_map(|(labels, _)| labels.split(", ").map(str::to_owned))
        .collect()
}

/// Names with the labels they carry, as a server that has worked exports them.
fn exported() -> String {
    let installation = Installation::of_fixture();
    let server = installation.serve(&[]);
    for _ in 0..2 {
        assert_eq!(server.public.get("/v0.1/servers").status, 200);
    }
    server.internal.get("/metrics").text().to_owned()
}

fn dashboard() -> Value {
    let file = tool::deploy("helm/cairn/files/dashboard.json");
    serde_json::from_str(&fs::read_to_string(file).expect("the dashboard")).expect("JSON")
}

fn queries(dashboard: &Value) -> Vec<String> {
    let panels = list(&dashboard["panels"]);
    panels
        .flat_map(|panel| list(&panel["targets"]))
        .map(|target| text(&target["expr"]).to_owned())
        .collect()
}

fn alerts() -> Vec<Value> {
    let rules = Manifests::of_file(&tool::deploy("helm/cairn/files/alerts.yaml"));
    let groups = list(&rules.0[0]["groups"]);
    groups
        .flat_map(|group| list(&group["rules"]).cloned())
        .collect()
}

#[test]
fn metrics_and_labels_are_found_in_a_query() {
    for (query, names, by) in [
        ("up{job=\"cairn\"} == 0", &["up"][..], &[][..]),
        (
            "histogram_quantile(0.95, sum by (le, source) (rate(a_bucket[$__rate_interval])))",
            &["a_bucket"],
            &["le", "source"],
        ),
        (
            "time() - max by (s) (b_seconds offset 1d) > 900",
            &["b_seconds"],
            &["s"],
        ),
        (
            "sum(rate(c{status=~\"5..\"}[5m])) / sum(rate(d[5m]))",
            &["c", "d"],
            &[],
        ),
    ] {
        assert_eq!(
            metrics(query)
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>(),
            names,
            "{query}"
        );
        assert_eq!(
            labels(query).iter().map(String::as_str).collect::<Vec<_>>(),
            by,
            "{query}"
        );
    }
}

#[test]
fn every_query_of_the_dashboard_has_figures() {
    let (exported, dashboard) = (exported(), dashboard());
    let queries = queries(&dashboard);
    assert!(queries.len() > 20, "{}", queries.len());
    for query in &queries {
        for name in metrics(query) {
            let line = exported
                .lines()
                .find(|line| line.starts_with(&format!("{name}{{")));
            let line = line.unwrap_or_else(|| panic!("nobody exports {name}: {query}"));
            // Prometheus adds `instance`.
            for label in labels(query).iter().filter(|label| *label != "instance") {
                assert!(
                    line.contains(&format!("{label}=\"")),
                    "no label {label} in {line}"
                );
            }
        }
    }
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
            let is_known =
                OF_OTHERS.contains(&name.as_str()) || WITH_A_STANDBY.contains(&name.as_str());
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
fn prometheus_understands_every_query_of_the_dashboard() {
    let Some(mut promtool) = tool(
        "promtool",
        "the dashboard's queries, as Prometheus reads them",
    ) else {
        return;
    };
    let rules: Vec<Value> = queries(&dashboard())
        .iter()
        .enumerate()
        .map(|(number, query)| {
            let query = query.replace("$__rate_interval", "5m");
            serde_json::json!({ "record": format!("query_{number}"), "expr": query })
        })
        .collect();
    let file = serde_json::json!({ "groups": [{ "name": "dashboard", "rules": rules }] });
    let folder = Installation::empty();
    let path = folder.write("rules.yaml", &file.to_string());
    tool::output(promtool.args(["check", "rules"]).arg(path));
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
