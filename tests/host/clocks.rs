//! A clock that jumps between starts of the server: its source goes on, whatever the rows say.

use std::{fs, path::PathBuf, process::Command, time::Duration};

use cairn_tests::{Installation, Server, installation::of_file, until};
use serde_json::{Value, json};

/// Longest time until a change is served, on a busy machine.
const SOON: Duration = Duration::from_secs(20);

/// Starts, each by another clock: ahead and back, from and to 1970, right again.
const CLOCKS: [&str; 8] = [
    "+0d",
    "+400d",
    "-1h",
    "@1970-01-01 00:00:30",
    "+1h",
    "-400d",
    "@1970-01-01 00:00:00",
    "+0d",
];

/// The library that moves a process's clock; `None`, said aloud, where it is not installed.
fn faketime() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?.filter_map(Result::ok);
    let found = folders
        .map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"))
        .find(|path| path.is_file());
    if found.is_none() {
        println!("not checked: clocks of processes: libfaketime is not installed");
    }
    found
}

/// Has the process see that time of day. Its timers and the times of files stay right.
fn by_clock(mut command: Command, library: &PathBuf, clock: &str) -> Command {
    command
        .env("LD_PRELOAD", library)
        .env("FAKETIME", clock)
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("NO_FAKE_STAT", "1")
        .env("TZ", "UTC");
    command
}

/// Servers listed, the newest version of each.
fn list(installation: &Installation, versions: usize) {
    let record = |index| json!({ "name": "com.example/a", "description": "d", "version": format!("1.{index}.0") });
    let list: Value = (0..versions).map(record).collect();
    installation.write("list.json", &list.to_string());
}

fn listed(server: &Server) -> Vec<Value> {
    let path = "/v0.1/servers?limit=100";
    let answer = server
        .public
        .ask("GET", path, &[("cache-control", "no-cache")]);
    let servers = answer.json()["servers"].as_array().cloned();
    servers.unwrap_or_default()
}

fn follows(installation: &Installation, server: &Server, versions: usize, clock: &str) {
    list(installation, versions);
    until(&format!("a change by the clock {clock}"), SOON, || {
        (listed(server).len() == versions).then_some(())
    });
}

#[test]
fn servers_go_on_through_clocks_that_jump_between_starts() {
    let Some(library) = faketime() else { return };
    let installation = Installation::empty();
    installation.configure(of_file(&installation.path("list.json")));
    let mut versions = 1;
    list(&installation, versions);
    for (index, clock) in CLOCKS.iter().enumerate() {
        let command = by_clock(installation.serving(&[]), &library, clock);
        let mut server = Server::start(command);
        server.wait_ready();
        for _ in 0..2 {
            versions += 1;
            follows(&installation, &server, versions, clock);
        }
        // Some end without giving their lease back.
        server.signal(if index % 2 == 0 { "KILL" } else { "TERM" });
        let _ = server.wait();
    }
}

#[test]
fn records_first_met_by_an_unset_clock_are_no_older_than_their_format() {
    let Some(library) = faketime() else { return };
    let installation = Installation::empty();
    installation.configure(of_file(&installation.path("list.json")));
    list(&installation, 1);
    let clock = "@1970-01-01 00:01:00";
    let server = Server::start(by_clock(installation.serving(&[]), &library, clock));
    server.wait_ready();
    follows(&installation, &server, 1, clock);
    let official = &listed(&server)[0]["_meta"]["io.modelcontextprotocol.registry/official"];
    for time in ["publishedAt", "updatedAt", "statusChangedAt"] {
        assert_eq!(official[time], "2025-09-08T00:00:00Z", "{official}");
    }
}
