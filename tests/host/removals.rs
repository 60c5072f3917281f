//! Sources that suddenly lack most of their records: those stay until another reading confirms it.

use std::time::Duration;

use cairn_tests::{
    Installation, Upstream,
    installation::{of_file, of_source},
    until,
};
use serde_json::{Value, json};

fn list(count: usize) -> Value {
    let record = |index| json!({ "name": format!("com.example/n{index}"), "description": "d", "version": "1.0.0" });
    (0..count).map(record).collect()
}

/// A file of thirty records, read once.
fn installed(interval: &str) -> Installation {
    let installation = Installation::empty();
    let file = installation.write("list.json", &list(30).to_string());
    let mut config = of_file(&file);
    config["sources"][0]["syncPolicy"]["interval"] = json!(interval);
    installation.configure(config);
    installation.sync();
    installation
}

fn listed(installation: &Installation) -> usize {
    let server = installation.serve(&["--sync=false"]);
    server.public.get("/v0.1/servers?limit=100").keys().len()
}

#[test]
fn empty_files_remove_nothing_at_once() {
    for empty in ["[]", r#"{"servers":[]}"#, r#"{"data":{"servers":[]}}"#] {
        let installation = installed("1h");
        installation.write("list.json", empty);
        for _ in 0..2 {
            let report = installation.report();
            let state = (report["phase"].as_str(), report["heldRemovals"].as_i64());
            assert_eq!(state, (Some("held"), Some(30)), "{empty}: {report}");
        }
        let server = installation.serve(&["--sync=false"]);
        assert_eq!(
            server.public.get("/v0.1/servers?limit=100").keys().len(),
            30
        );
        let source = server.source("source");
        assert_eq!(
            (&source["status"], &source["held_removals"]),
            (&json!("held"), &json!(30))
        );
        let metrics = server.internal.get("/metrics");
        let line = metrics
            .text()
            .lines()
            .find(|line| line.starts_with("cairn_source_held_removals"));
        assert!(line.is_some_and(|line| line.ends_with(" 30")), "{line:?}");
        let page = server.public.get("/").json();
        assert_eq!(page["sources"][0]["heldRemovals"], 30);
        let doctor = installation.run(&["doctor", "--offline"]).expect(1);
        assert!(
            doctor.stdout.contains("30 records are missing")
                && doctor.stdout.contains("--allow-removals"),
            "{}",
            doctor.stdout
        );
        let _ = installation.run(&["sync", "--allow-removals"]).expect(0);
        assert_eq!(listed(&installation), 0);
    }
}

#[test]
fn null_lists_fail() {
    for null in [
        r#"{"servers":null}"#,
        r#"{"data":{"servers":null}}"#,
        r#"{"data":null}"#,
        r#"{"data":{}}"#,
        "{}",
    ] {
        let installation = installed("1h");
        installation.write("list.json", null);
        let ended = installation.run(&["sync", "--once"]).expect(1);
        assert!(
            ended.stderr.contains("list.json"),
            "{null}: {}",
            ended.stderr
        );
        assert_eq!(listed(&installation), 30, "{null}");
    }
}

#[test]
fn removals_are_done_when_the_next_reading_confirms_them() {
    let installation = installed("2s");
    installation.write("list.json", &list(1).to_string());
    let server = installation.serve(&[]);
    let count = || server.public.get("/v0.1/servers?limit=100").keys().len();
    until("removals to be held", Duration::from_secs(10), || {
        (server.source("source")["held_removals"] == 29).then_some(())
    });
    assert_eq!(count(), 30);
    until("removals to be confirmed", Duration::from_secs(15), || {
        (count() == 1).then_some(())
    });
    until("the state to be shown", Duration::from_secs(5), || {
        (server.source("source")["status"] == "complete").then_some(())
    });
}

#[test]
fn unbounded_sources_and_moved_ones_do_not_wait() {
    let installation = installed("1h");
    let file = installation.write("list.json", "[]");
    let mut config = of_file(&file);
    config["sources"][0]["removals"] = json!("unbounded");
    installation.configure(config);
    installation.sync();
    assert_eq!(listed(&installation), 0);

    let installation = installed("1h");
    let other = installation.write("other.json", &list(1).to_string());
    installation.configure(of_file(&other));
    installation.sync();
    assert_eq!(listed(&installation), 1);
}

#[test]
fn upstreams_that_turn_empty_are_read_whole_again() {
    let pages = |count: usize| json!({ "servers": list(count), "metadata": {} }).to_string();
    let empty = std::sync::Arc::new(std::sync::atomic::AtomicBool::default());
    let turns = std::sync::Arc::clone(&empty);
    let upstream = Upstream::start(move |_| {
        let count = if turns.load(std::sync::atomic::Ordering::Relaxed) {
            0
        } else {
            30
        };
        (200, "application/json", pages(count).into_bytes())
    });
    let mut config = of_source(
        json!({ "api": { "endpoint": upstream.url() }, "syncPolicy": { "interval": "1h" } }),
    );
    config["sync"] = json!({ "fullPassInterval": "1s" });
    let installation = Installation::new(config);
    installation.sync();
    empty.store(true, std::sync::atomic::Ordering::Relaxed);
    std::thread::sleep(Duration::from_millis(1100));
    installation.sync();
    assert_eq!(listed(&installation), 30);
    empty.store(false, std::sync::atomic::Ordering::Relaxed);
    let report = installation.report();
    assert_eq!(
        (&report["phase"], &report["heldRemovals"]),
        (&json!("complete"), &json!(0))
    );
}
