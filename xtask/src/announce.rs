//! Waits beside the server that `cargo xtask run` became, tells how far it is, and once it is ready what one can do with
//! it. A process of its own, because the server has taken the place of the first one; it ends with the server.

use std::{
    env,
    net::SocketAddr,
    os::unix::process::parent_id,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{http, run, term};

/// A server of the sample that has several versions.
const EXAMPLE: &str = "io.github.brave/brave-search-mcp-server";

/// Between two questions whether the server is ready.
const PAUSE: Duration = Duration::from_millis(20);

/// After this time without being ready, what it waits for is told.
const SILENCE: Duration = Duration::from_secs(1);

#[derive(clap::Args)]
pub(crate) struct Args {
    public: SocketAddr,
    internal: SocketAddr,
    database: PathBuf,
}

/// Starts the announcer. Not waited for: it is the child of whoever this process becomes.
pub(crate) fn start(public: SocketAddr, internal: SocketAddr, database: &Path) -> Result<()> {
    Command::new(env::current_exe()?)
        .args(["announce", &public.to_string(), &internal.to_string()])
        .arg(database)
        .spawn()
        .context("the announcer does not start")?;
    Ok(())
}

/// Tells the state until it is "ready", then the text; says nothing if the server ends before.
pub(crate) fn announce(args: &Args) {
    let (server, started) = (parent_id(), Instant::now());
    let mut told = String::new();
    while parent_id() == server {
        match http::get(args.internal, "/readyz") {
            Ok(answer) if answer.status == 200 => {
                return term::result(&text(args, started.elapsed()));
            }
            Ok(answer) if started.elapsed() > SILENCE => {
                let now = pending(&answer.body);
                if now != told {
                    term::note(&format!("waiting for {now}"));
                    told = now;
                }
            }
            _ => {}
        }
        thread::sleep(PAUSE);
    }
}

/// How a part of the server stands once it is not waited for any more.
const DONE: [&str; 4] = ["up", "complete", "current", "ahead"];

/// What a server that is not ready still waits for.
fn pending(body: &str) -> String {
    let answer: Value = serde_json::from_str(body).unwrap_or_default();
    let components = answer.get("components").and_then(Value::as_object);
    let waiting: Vec<&str> = components
        .into_iter()
        .flatten()
        .filter(|(_, state)| {
            let status = state.get("status").and_then(Value::as_str);
            status.is_some_and(|status| !DONE.contains(&status))
        })
        .map(|(name, _)| name.as_str())
        .collect();
    waiting.join(", ").replace('_', " ")
}

fn text(args: &Args, took: Duration) -> String {
    let Args {
        public,
        internal,
        database,
    } = args;
    let sample = run::SAMPLE;
    let catalog = sample.replace("config.yaml", "catalog.json");
    let (took, database) = (term::time(took), database.display());
    let example = EXAMPLE.replace('/', "%2F");
    format!(
        "
cairn is ready after {took}: http://{public}

  Data      {database}
  Internal  http://{internal}/readyz and /metrics

Try
  curl 'http://{public}/v0.1/servers?limit=3'
  curl 'http://{public}/v0.1/servers?search=browser&version=latest'
  curl 'http://{public}/v0.1/servers/{example}/versions'

A server of your own
  Put it into {catalog}, which is read again after a minute;
  {sample} says how to add a file, a git repository or another registry.

VS Code, in settings.json
  \"chat.mcp.gallery.serviceUrl\": \"http://{public}\"

Ctrl-C stops it, a second one at once.
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_there_yet_is_waited_for() {
        for (body, expected) in [
            (
                r#"{"components":{"database":{"status":"up"},"initial_load":{"status":"pending"},
                    "schema":{"status":"current","version":3},"sources":{"sample":{"status":"syncing"}}},
                    "status":"not_ready"}"#,
                "initial load",
            ),
            (
                r#"{"components":{"database":{"status":"up"},"initial_load":{"status":"pending"},
                    "schema":{"status":"ahead","version":4},"sources":{}},"status":"not_ready"}"#,
                "initial load",
            ),
            (
                r#"{"components":{"database":{"status":"down"},"initial_load":{"status":"pending"},
                    "schema":{"status":"unknown","version":null},"sources":{}},"status":"not_ready"}"#,
                "database, initial load, schema",
            ),
            ("busy", ""),
        ] {
            assert_eq!(pending(body), expected);
        }
    }

    #[test]
    fn the_lines_worth_trying_find_something_in_the_sample() {
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/sample/catalog.json");
        let sample: Value = serde_json::from_slice(&std::fs::read(sample).unwrap()).unwrap();
        let servers = sample["servers"].as_array().unwrap();
        let named = |server: &&Value| server["server"]["name"] == EXAMPLE;
        assert!(servers.iter().filter(named).count() > 1, "{EXAMPLE}");
        let found = |server: &Value| server["server"].to_string().contains("browser");
        assert!(servers.iter().any(found));
    }
}
