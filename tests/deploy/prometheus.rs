//! A Prometheus that reads servers of ours, and what it answers to queries.

use std::{
    path::Path,
    process::Command,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use cairn_tests::{Client, Installation, Server, encode, process, until};
use serde_json::{Value, json};

use crate::{
    manifest::{list, text},
    tool::tool,
};

const START: Duration = Duration::from_secs(60);

/// It ends with this process.
pub(crate) struct Prometheus {
    client: Client,
}

/// What a query finds for one set of labels: seconds since 1970, and the value then.
pub(crate) struct Series {
    pub(crate) labels: Value,
    pub(crate) points: Vec<(f64, f64)>,
}

/// From, to, and how far apart points are, in seconds.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) step: f64,
}

impl Prometheus {
    /// Reads these servers every second, each under a name of its own; `None` where there is no Prometheus.
    pub(crate) fn start(servers: &[(&str, &Server)], about: &str) -> Option<Self> {
        let program = tool("prometheus", about)?;
        let folder = Installation::empty().keep();
        let configs: Vec<Value> = servers
            .iter()
            .map(|(name, server)| target(name, server))
            .collect();
        let config = json!({
            "global": { "scrape_interval": "1s", "scrape_timeout": "1s" },
            "scrape_configs": [{ "job_name": "cairn", "static_configs": configs }],
        });
        let file = folder.join("prometheus.yml");
        std::fs::write(&file, config.to_string()).expect("a file");
        let log = process::leashed(command(program, &file, &folder), &folder);
        let address = log.wait(START, |line| {
            let (_, address) = line.split_once("\"Listening on\" address=")?;
            Some(address.trim().to_owned())
        });
        let address = address.unwrap_or_else(|| panic!("no Prometheus: {}", log.text()));
        let client = Client::new(address);
        until("Prometheus to be ready", START, || {
            (client.get("/-/ready").status == 200).then_some(())
        });
        Some(Self { client })
    }

    /// What it finds over a time.
    pub(crate) fn range(&self, query: &str, span: Span) -> Vec<Series> {
        let Span { from, to, step } = span;
        let query = encode(query);
        let target = format!("/api/v1/query_range?query={query}&start={from}&end={to}&step={step}");
        let answer = self.client.get(&target);
        assert_eq!(answer.status, 200, "{query}: {}", answer.text());
        list(&answer.json()["data"]["result"])
            .map(|found| Series {
                labels: found["metric"].clone(),
                points: list(&found["values"]).filter_map(point).collect(),
            })
            .collect()
    }
}

fn command(mut program: Command, file: &Path, folder: &Path) -> Command {
    program
        .arg(format!("--config.file={}", file.display()))
        .arg(format!(
            "--storage.tsdb.path={}",
            folder.join("data").display()
        ))
        .arg("--web.listen-address=127.0.0.1:0");
    program
}

fn target(name: &str, server: &Server) -> Value {
    json!({ "targets": [server.internal.authority], "labels": { "instance": name } })
}

/// A point with a number; what is not one is a gap.
fn point(pair: &Value) -> Option<(f64, f64)> {
    let value: f64 = text(&pair[1]).parse().ok()?;
    value.is_finite().then_some((pair[0].as_f64()?, value))
}

/// Seconds since 1970.
pub(crate) fn now() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("a clock").as_secs_f64()
}
