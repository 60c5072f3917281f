//! The sync daemon over files and lists: what changes, what vanishes, what fails, and two of them at once.

use std::{fs, path::PathBuf, process::Stdio, time::Duration};

use cairn_tests::{
    Installation, Upstream,
    installation::{of_file, of_source},
    process, until,
};
use serde_json::{Value, json};

fn server(name: &str, version: &str) -> Value {
    json!({ "name": format!("com.example/{name}"), "description": "A server.", "version": version })
}

/// Writes the file that the source is, with servers of these names.
fn list(installation: &Installation, names: &[&str]) -> PathBuf {
    let list: Vec<Value> = names.iter().map(|name| server(name, "1.0.0")).collect();
    installation.write("list.json", &Value::Array(list).to_string())
}

fn listed(installation: &Installation, query: &str) -> Vec<String> {
    let server = installation.serve(&["--sync=false"]);
    server
        .public
        .get(&format!("/v0.1/servers?limit=100{query}"))
        .keys()
}

#[test]
fn every_form_of_file_is_recognised() {
    let one = server("one", "1.0.0");
    let legacy = json!({ "version": "1", "last_updated": "x", "servers": { "one": { "image": "i:1", "description": "d", "transport": "stdio" } } });
    for (text, name) in [
        (one.clone(), "com.example/one"),
        (json!([one]), "com.example/one"),
        (
            json!({ "servers": [{ "server": one, "_meta": {} }], "metadata": { "count": 1 } }),
            "com.example/one",
        ),
        (json!({ "servers": [one] }), "com.example/one"),
        (
            json!({ "version": "1.0.0", "meta": { "last_updated": "x" }, "data": { "servers": [one], "skills": [{}], "plugins": [{}, {}] } }),
            "com.example/one",
        ),
        (legacy, "io.github.stacklok/one"),
    ] {
        let installation = Installation::empty();
        let file = installation.write("file.json", &text.to_string());
        installation.configure(of_file(&file));
        let report = installation.report();
        assert_eq!(report["records"], 1, "{text}: {report}");
        assert_eq!(
            listed(&installation, ""),
            [format!("{name} 1.0.0")],
            "{text}"
        );
        let skipped = report["findings"].as_array().expect("findings").len();
        assert_eq!(
            skipped,
            if text.get("data").is_some() { 2 } else { 0 },
            "{report}"
        );
    }
}

#[test]
fn what_vanishes_is_a_tombstone_and_what_comes_back_lives() {
    let installation = Installation::empty();
    let write = |names: &[&str]| list(&installation, names);
    let file = write(&["a", "b", "c"]);
    installation.configure(of_file(&file));
    installation.sync();
    let server = installation.serve(&["--sync=false"]);
    let keys = |query: &str| {
        let path = format!("/v0.1/servers?{query}");
        server
            .public
            .ask("GET", &path, &[("cache-control", "no-cache")])
            .keys()
            .join(", ")
    };
    let (a, b, c) = (
        "com.example/a 1.0.0",
        "com.example/b 1.0.0",
        "com.example/c 1.0.0",
    );
    assert_eq!(keys(""), format!("{a}, {b}, {c}"));
    write(&["a", "c"]);
    installation.sync();
    assert_eq!(keys(""), format!("{a}, {c}"));
    assert_eq!(keys("include_deleted=true"), format!("{a}, {b}, {c}"));
    // Whoever polls from a moment before sees it go, and nothing else.
    assert_eq!(keys("updated_since=2026-01-01T00:00:00Z&search=/b"), b);
    write(&["a", "b", "c"]);
    installation.sync();
    assert_eq!(keys(""), format!("{a}, {b}, {c}"));
}

#[test]
fn a_source_that_breaks_keeps_its_last_good_data() {
    let installation = Installation::empty();
    let good = json!([server("a", "1.0.0"), server("b", "1.0.0")]).to_string();
    let file = installation.write("list.json", &good);
    installation.configure(of_file(&file));
    installation.sync();
    let server = installation.serve(&["--sync=false"]);
    for broken in [
        "",
        "{",
        "nonsense",
        "[{\"name\":\"com.example/a\"",
        "<html></html>",
    ] {
        installation.write("list.json", broken);
        let ended = installation.run(&["sync", "--once"]).expect(1);
        assert!(
            ended.stderr.contains("list.json"),
            "{broken:?}: {}",
            ended.stderr
        );
        let list = server
            .public
            .ask("GET", "/v0.1/servers", &[("cache-control", "no-cache")]);
        assert_eq!(list.keys().len(), 2, "{broken:?}");
    }
    until("the failure to be seen", Duration::from_secs(5), || {
        (server.source("source")["status"] == "failed").then_some(())
    });
    assert_eq!(
        server.internal.get("/readyz").status,
        200,
        "a failed source does not unready"
    );
    installation.write("list.json", &good);
    installation.sync();
    until("it to be well again", Duration::from_secs(5), || {
        (server.source("source")["status"] == "complete").then_some(())
    });
}

#[test]
fn a_source_that_fails_does_not_hold_up_the_others() {
    let installation = Installation::empty();
    let file = installation.write("list.json", &json!([server("a", "1.0.0")]).to_string());
    installation.configure(json!({
        "sources": [
            { "name": "absent", "file": { "path": "absent.json" }, "syncPolicy": { "interval": "1h" } },
            { "name": "present", "file": { "path": file }, "syncPolicy": { "interval": "1h" } },
        ],
        "registries": [{ "name": "default", "sources": ["absent", "present"] }],
        "auth": { "mode": "anonymous" },
    }));
    let server = installation.serve(&[]);
    assert_eq!(
        server.public.get("/v0.1/servers").keys(),
        ["com.example/a 1.0.0"]
    );
    assert_eq!(server.source("absent")["status"], "failed");
    let once = installation.run(&["sync", "--once"]).expect(1);
    assert!(once.stderr.contains("source absent"), "{}", once.stderr);
    let _ = installation
        .run(&["sync", "--once", "--source", "present"])
        .expect(0);
}

#[test]
fn a_file_over_http_is_asked_for_with_its_tag() {
    let list = json!([server("a", "1.0.0")]).to_string().into_bytes();
    let upstream = Upstream::start(move |_| (200, "application/json", list.clone()));
    let url = format!("{}/list.json?token=very-secret", upstream.url());
    let installation = Installation::new(of_source(
        json!({ "file": { "url": url }, "syncPolicy": { "interval": "1h" } }),
    ));
    installation.sync();
    assert_eq!(listed(&installation, ""), ["com.example/a 1.0.0"]);
    assert_eq!(upstream.asked().len(), 1);
    for args in [&["config"][..], &["doctor"], &["sync", "--report"]] {
        let ended = installation.run(args);
        assert!(
            !format!("{}{}", ended.stdout, ended.stderr).contains("very-secret"),
            "{args:?}"
        );
    }
}

#[test]
fn a_daemon_by_itself_feeds_servers_and_ends_when_it_is_told() {
    let installation = Installation::empty();
    let write = |names: &[&str]| list(&installation, names);
    installation.configure(of_file(&write(&["a"])));
    installation.sync();
    let server = installation.serve(&["--sync=false"]);
    let mut daemon = installation.command(&["sync"]);
    let mut daemon = daemon.stderr(Stdio::null()).spawn().expect("the binary");
    write(&["a", "b"]);
    until("the daemon to follow", Duration::from_secs(10), || {
        (server.public.get("/v0.1/servers").keys().len() == 2).then_some(())
    });
    process::signal(&daemon, "TERM");
    assert_eq!(daemon.wait().expect("a child").code(), Some(0));
    assert_eq!(server.public.get("/v0.1/servers").keys().len(), 2);
}

/// As in a rolling update: the old process is still there when the new one has applied its configuration.
#[test]
fn the_configuration_that_was_applied_last_counts() {
    let installation = Installation::empty();
    let write = |names: &[&str]| list(&installation, names);
    let mut config = of_file(&write(&["a"]));
    installation.configure(config.clone());
    installation.sync();
    let server = installation.serve(&["--sync=false"]);
    let shown = |number: usize, what: &str| {
        until(what, Duration::from_secs(10), || {
            (server.public.get("/v0.1/servers").keys().len() == number).then_some(())
        });
    };
    let log = installation.path("old.log");
    let mut old = installation.command(&["sync"]);
    let mut old = old
        .stderr(fs::File::create(&log).expect("a file"))
        .spawn()
        .expect("the binary");
    write(&["a", "b", "hidden"]);
    shown(3, "the old process to follow");
    config["sources"][0]["filter"] = json!({ "names": { "exclude": ["*/hidden"] } });
    installation.configure(config);
    installation.sync();
    shown(2, "the filter");
    write(&["a", "b", "hidden", "c"]);
    until("the old process to say so", Duration::from_secs(10), || {
        let told = fs::read_to_string(&log).expect("a log");
        told.contains("configured this source otherwise")
            .then_some(())
    });
    assert_eq!(server.public.get("/v0.1/servers").keys().len(), 2);
    installation.sync();
    shown(3, "what the new process has read");
    process::signal(&old, "TERM");
    assert_eq!(old.wait().expect("a child").code(), Some(0));
}

#[test]
fn two_daemons_on_one_database_do_the_work_once() {
    let pages = cairn_tests::upstream::pages(20, 100);
    let upstream = Upstream::start(pages);
    let config = of_source(
        json!({ "api": { "endpoint": upstream.url() }, "syncPolicy": { "interval": "1h" } }),
    );
    let installation = Installation::new(config);
    let servers = [installation.start(&[]), installation.start(&[])];
    servers.iter().for_each(cairn_tests::Server::wait_ready);
    let mut cursors: Vec<String> = upstream
        .asked()
        .iter()
        .map(|asked| asked.parameter("cursor").unwrap_or_default().to_owned())
        .collect();
    let asked = cursors.len();
    cursors.sort_unstable();
    cursors.dedup();
    assert_eq!((asked, cursors.len()), (20, 20), "each page once");
    for server in &servers {
        let source = server.public.get("/").json()["sources"][0].clone();
        assert_eq!(source["records"], 2000);
    }
}

#[test]
fn a_source_without_a_bounded_run_is_a_wrong_call() {
    let installation = Installation::of_fixture();
    let ended = installation.run(&["sync", "--source", "source"]).expect(2);
    assert!(ended.stderr.contains("--once"), "{}", ended.stderr);
    assert!(!installation.database().exists(), "a database was made");
}
