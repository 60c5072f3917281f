//! Several processes at one source: leases of those that were killed, who waits for whom, and different configurations.

use std::{
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use cairn_tests::{
    Installation, Server, Upstream,
    installation::{of_file, of_source},
    process::Log,
    until,
};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(20);

/// A list that the upstream holds back while `slow` is set.
fn upstream(slow: &Arc<AtomicBool>) -> Upstream {
    let slow = Arc::clone(slow);
    let list = json!([{ "name": "com.example/a", "description": "d", "version": "1.0.0" }]);
    Upstream::start(move |_| {
        while slow.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(20));
        }
        (200, "application/json", list.to_string().into_bytes())
    })
}

/// A server in the middle of its first pass, which has the source's lease.
fn reading(slow: &Arc<AtomicBool>) -> (Upstream, Installation, Server) {
    let upstream = upstream(slow);
    let url = format!("{}/list.json", upstream.url());
    let source = json!({ "file": { "url": url }, "syncPolicy": { "interval": "1h" } });
    let installation = Installation::new(of_source(source));
    let server = installation.start(&[]);
    until("the upstream to be asked", PATIENCE, || {
        (!upstream.asked().is_empty()).then_some(())
    });
    (upstream, installation, server)
}

#[test]
fn leases_of_killed_processes_are_taken_over_at_once() {
    let slow = Arc::new(AtomicBool::new(true));
    let (_upstream, installation, mut server) = reading(&slow);
    server.signal("KILL");
    assert_eq!(server.wait().code(), None, "it was killed");
    slow.store(false, Ordering::Relaxed);
    let begun = Instant::now();
    let ended = installation.run(&["sync", "--once"]).expect(0);
    // The lease of the dead process lasts for 60 s.
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(30), "{took:?}: {}", ended.stderr);
    assert!(
        ended.stderr.contains("the holder of the lease has ended"),
        "{}",
        ended.stderr
    );
}

#[test]
fn who_waits_for_a_lease_says_for_whom_and_until_when() {
    let slow = Arc::new(AtomicBool::new(true));
    let (_upstream, installation, server) = reading(&slow);
    let mut once = installation.command(&["sync", "--once"]);
    let mut once = once.stderr(Stdio::piped()).spawn().expect("the binary");
    let log = Log::follow(once.stderr.take().expect("its log"));
    let holder = format!("held by process {} on ", server.id());
    let said = log.wait(PATIENCE, |line| {
        line.contains(&holder).then(|| line.to_owned())
    });
    let said = said.unwrap_or_else(|| panic!("{holder}: {}", log.text()));
    let (_, end) = said.split_once(" until ").expect("the lease's end");
    assert!(end.starts_with("20"), "{said}");
    // Said once, however long it takes.
    thread::sleep(Duration::from_secs(3));
    assert_eq!(log.text().matches(&holder).count(), 1, "{}", log.text());
    slow.store(false, Ordering::Relaxed);
    assert_eq!(once.wait().expect("a child").code(), Some(0));
}

/// A configuration over a source of each name.
fn of_files(installation: &Installation, names: &[&str]) -> Value {
    let list = json!([{ "name": "com.example/a", "description": "d", "version": "1.0.0" }]);
    let file = installation.write("list.json", &list.to_string());
    let mut config = of_file(&file);
    let source = config["sources"][0].take();
    let sources = names.iter().map(|name| {
        let mut source = source.clone();
        source["name"] = json!(name);
        source
    });
    config["sources"] = sources.collect();
    config["registries"][0]["sources"] = json!(names);
    config
}

fn shown(server: &Server, name: &str) -> (bool, bool) {
    let metrics = server.internal.get("/metrics").text().to_owned();
    let measured = metrics.contains(&format!("source=\"{name}\""));
    (!server.source(name).is_null(), measured)
}

#[test]
fn removed_sources_leave_probes_and_metrics() {
    let installation = Installation::empty();
    installation.configure(of_files(&installation, &["kept", "gone"]));
    let daemon = installation.serve(&[]);
    let running = installation.serve(&["--sync=false"]);
    for server in [&running, &daemon] {
        until("both to be shown", PATIENCE, || {
            let all = ["kept", "gone"].map(|name| shown(server, name));
            (all == [(true, true); 2]).then_some(())
        });
    }
    assert!(daemon.stop().success());
    installation.configure(of_files(&installation, &["kept"]));
    let restarted = installation.serve(&[]);
    for server in [&running, &restarted] {
        until("the removed one to leave", PATIENCE, || {
            let left = shown(server, "gone") == (false, false);
            (left && shown(server, "kept") == (true, true)).then_some(())
        });
    }
}

#[test]
fn daemons_of_different_configurations_are_told_once() {
    let installation = Installation::empty();
    installation.configure(of_files(&installation, &["old"]));
    let overruled = installation.serve(&[]);
    installation.configure(of_files(&installation, &["new"]));
    let _newer = installation.serve(&[]);
    let state = until("the older one to say so", PATIENCE, || {
        let state = overruled.source("old");
        (state["status"] == "overruled").then_some(state)
    });
    let message = state["message"].as_str().expect("a message");
    assert!(message.contains("the same configuration"), "{message}");
    thread::sleep(Duration::from_secs(7));
    let log = overruled.log.text();
    assert_eq!(
        log.matches("the source is not read by this process")
            .count(),
        1,
        "{log}"
    );
    let errors = log.lines().filter(|line| line.contains("ERROR"));
    assert_eq!(errors.count(), 0, "{log}");
    assert!(overruled.stop().success());
}
