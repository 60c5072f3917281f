//! `cairn export` and `cairn import`: a whole registry from one engine to the other through a pipe, cut off on the way, and
//! in the same memory however much there is.

use std::{
    fs,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use cairn_tests::{
    Installation, Server, Upstream, database, everything,
    installation::{Ended, of_source, run},
    until,
    upstream::{Asked, pages},
};
use serde_json::json;

/// A registry over a made-up list of so many pages.
fn filled(pages_of_100: usize) -> Installation {
    let answer = pages(pages_of_100, 100);
    let upstream = Upstream::start(move |asked: &Asked| answer(asked));
    let source =
        json!({ "api": { "endpoint": upstream.url() }, "syncPolicy": { "interval": "1h" } });
    let installation = Installation::new(of_source(source));
    installation.sync();
    installation
}

/// An empty place with the configuration of another one.
fn beside(other: &Installation) -> Installation {
    let installation = Installation::empty();
    let config = fs::read_to_string(other.path("config.yaml")).expect("the configuration");
    let mut config: serde_json::Value = serde_json::from_str(&config).expect("JSON");
    config["dataDir"] = json!(installation.path("data"));
    installation.configure(config);
    installation
}

/// All lines but the first, which has the time.
fn exported(mut command: Command) -> String {
    command.arg("-").stdin(Stdio::null());
    let output = command.output().expect("the binary");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("exported"), "{said}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let (header, rest) = text.split_once('\n').expect("a header");
    assert!(header.contains("\"format\":1"), "{header}");
    rest.to_owned()
}

fn answers(serving: Command) -> Vec<String> {
    let server = Server::start(serving);
    server.wait_ready();
    everything(&server.public)
}

#[test]
fn a_registry_moves_to_a_server_and_back_through_a_pipe() {
    if std::env::var_os("CAIRN_TEST_POSTGRES").is_none() {
        println!("not checked: the move to Postgres, because CAIRN_TEST_POSTGRES names no server");
        return;
    }
    let here = Installation::of_fixture();
    here.sync();
    let url = database::empty("cairn_imported");
    let on_server = |args: &[&str]| {
        let mut command = here.command(args);
        command.env("CAIRN_DATABASE_URL", &url);
        command
    };
    let mut exporting = here
        .command(&["export"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary");
    let mut importing = on_server(&["import", "--format", "json"]);
    let pipe = exporting.stdout.take().expect("a pipe");
    let imported = importing.stdin(pipe).output().expect("the binary");
    assert!(exporting.wait().expect("a child").success());
    let told: serde_json::Value = serde_json::from_slice(&imported.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&imported.stderr)));
    assert_eq!(told["begun"], "anew", "{told}");
    assert!(told["entries"].as_u64() > Some(10), "{told}");

    let lines = exported(here.command(&["export"]));
    assert_eq!(exported(on_server(&["export"])), lines);
    let expected = answers(here.serving(&["--sync=false"]));
    let mut serving = here.serving(&["--sync=false"]);
    serving.env("CAIRN_DATABASE_URL", &url);
    assert_eq!(answers(serving), expected);

    let file = here.path("export.jsonl");
    let to_file = run(on_server(&["export", file.to_str().expect("a path")])).expect(0);
    assert!(to_file.stdout.contains("exported"), "{}", to_file.stdout);
    let back = beside(&here);
    let import = |there: &Installation| there.run(&["import", file.to_str().expect("a path")]);
    let _ = import(&back).expect(0);
    assert_eq!(exported(back.command(&["export"])), lines);
    assert_eq!(answers(back.serving(&["--sync=false"])), expected);
    let again = import(&back).expect(0).stdout;
    assert!(again.contains("already"), "{again}");
    let refused = import(&here).expect(1).stderr;
    assert!(refused.contains("not empty"), "{refused}");
}

#[test]
fn an_import_that_is_killed_goes_on_and_serves_nothing_before_its_end() {
    let here = filled(150);
    let file = here.path("export.jsonl");
    let args = ["export", file.to_str().expect("a path")];
    let _ = here.run(&args).expect(0);
    let there = beside(&here);
    let args = ["import", file.to_str().expect("a path")];
    let progress = || {
        let db = rusqlite::Connection::open(there.database()).ok()?;
        let sql = "SELECT line FROM import WHERE complete = 0";
        db.query_row(sql, [], |row| row.get::<_, i64>(0)).ok()
    };
    let mut last = 0;
    for _ in 0..3 {
        let mut child = there
            .command(&args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary");
        last = until("a batch more", Duration::from_secs(60), || {
            assert!(child.try_wait().expect("a child").is_none(), "it has ended");
            progress().filter(|line| *line > last)
        });
        child.kill().expect("a child");
        child.wait().expect("a child");
    }
    let refused = there.run(&["export"]).expect(1).stderr;
    assert!(refused.contains("cairn import"), "{refused}");
    let refused = there.run(&["sync", "--once"]).expect(1).stderr;
    assert!(refused.contains("cairn import"), "{refused}");
    let server = there.start(&["--sync=false"]);
    assert_eq!(server.public.get("/v0.1/servers").status, 503);
    assert_eq!(server.internal.get("/readyz").status, 503);
    assert_eq!(server.stop().code(), Some(0));

    let ended: Ended = there.run(&[args[0], args[1], "--format", "json"]).expect(0);
    let told = ended.json();
    assert_eq!(told["begun"], "resumed", "{told}");
    assert!(told["behindLine"].as_i64() >= Some(last), "{told}");
    let lines = |installation: &Installation| exported(installation.command(&["export"]));
    assert!(lines(&there) == lines(&here), "another end");
}

/// The most memory that a command ever had, in KiB: what was seen last before it ended.
fn peak(mut command: Command) -> u64 {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().expect("a child").is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        peak = number.unwrap_or(0).max(peak);
        thread::sleep(Duration::from_millis(2));
    }
    assert!(child.wait().expect("a child").success(), "{command:?}");
    peak
}

#[test]
fn memory_does_not_grow_with_what_is_moved() {
    if !fs::exists("/proc/self/status").unwrap_or(false) {
        println!("not checked: memory of export and import: there is no /proc");
        return;
    }
    let measured: Vec<[u64; 2]> = [50, 200]
        .into_iter()
        .map(|pages| {
            let here = filled(pages);
            let there = beside(&here);
            let file = here.path("export.jsonl");
            let file = file.to_str().expect("a path");
            [
                peak(here.command(&["export", file])),
                peak(there.command(&["import", file])),
            ]
        })
        .collect();
    println!("peak in KiB at 5,000 and at 20,000 records, export and import: {measured:?}");
    for verb in 0..2 {
        let (few, many) = (measured[0][verb], measured[1][verb]);
        assert!(few > 0 && many < few + few / 4, "{measured:?}");
    }
}
