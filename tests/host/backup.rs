//! `cairn backup` and `cairn restore`: what was served at one moment is served again, elsewhere, and life goes on from
//! there. On a server the commands that the program names are run as they stand.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use cairn_tests::{
    Installation, Server, Upstream, database, everything, fixture,
    installation::{of_file, of_source},
    postgres, until,
    upstream::{Asked, Given, pages},
};
use rusqlite::Connection;
use serde_json::{Value, json};

/// The shipped fixture with one record that says which turn it is, and one that is gone in every other turn.
fn turn(number: usize) -> String {
    let text = fs::read_to_string(fixture::path("catalog.json")).expect("the fixture");
    let mut list: Value = serde_json::from_str(&text).expect("JSON");
    let servers = list["servers"].as_array_mut().expect("servers");
    let record = |name: &str| {
        json!({ "server": { "name": format!("com.example/{name}"), "version": "1.0.0",
                            "description": format!("Turn {number} of this example.") } })
    };
    servers.push(record("turn"));
    if number.is_multiple_of(2) {
        servers.push(record("even"));
    }
    list.to_string()
}

fn turn_shown(server: &Server) -> Option<usize> {
    let target = "/v0.1/servers/com.example%2Fturn/versions/latest";
    let answer = server.public.get(target);
    let shown = (answer.status == 200).then(|| answer.json())?;
    let description = shown["server"]["description"].as_str()?.to_owned();
    description.split(' ').nth(1)?.parse().ok()
}

/// Writes a turn and waits until it is served.
fn play(installation: &Installation, server: &Server, number: usize) {
    installation.write("catalog.json", &turn(number));
    until("the turn to be served", Duration::from_secs(20), || {
        (turn_shown(server) == Some(number)).then_some(())
    });
}

/// A registry over a file that is looked at often.
fn registry() -> Installation {
    let installation = Installation::empty();
    let file = installation.write("catalog.json", &turn(0));
    installation.configure(of_file(&file));
    installation
}

/// An empty place with the same configuration.
fn elsewhere(file: &Path) -> Installation {
    Installation::new(of_file(file))
}

fn run(installation: &Installation, verb: &str, file: &Path, more: &[&str]) -> cairn_tests::Ended {
    let mut args = vec![verb, file.to_str().expect("a path")];
    args.extend(more);
    installation.run(&args)
}

fn one(file: &Path, sql: &str) -> i64 {
    let db = Connection::open(file).expect("the database");
    db.query_row(sql, [], |row| row.get(0)).expect(sql)
}

fn assert_sound(file: &Path) {
    let db = Connection::open(file).expect("the database");
    let said: String = db
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("a check");
    assert_eq!(said, "ok");
    let mode = file.metadata().expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_backup_made_in_the_middle_of_writing_answers_as_the_server_did_then() {
    let here = registry();
    let server = here.serve(&[]);
    let over = AtomicBool::new(false);
    let mut expected = BTreeMap::new();
    let copies: Vec<PathBuf> = thread::scope(|scope| {
        let copying = scope.spawn(|| {
            let mut copies = Vec::new();
            while !over.load(Ordering::Acquire) {
                let copy = here.path(&format!("copies/{}.db", copies.len()));
                let _ = run(&here, "backup", &copy, &[]).expect(0);
                copies.push(copy);
            }
            copies
        });
        for number in 1..6 {
            play(&here, &server, number);
            expected.insert(number, everything(&server.public));
        }
        over.store(true, Ordering::Release);
        copying.join().expect("copies")
    });
    assert_eq!(server.stop().code(), Some(0));
    let mut seen = BTreeMap::new();
    for copy in &copies {
        assert_sound(copy);
        let there = elsewhere(&here.path("catalog.json"));
        let _ = run(&there, "restore", copy, &[]).expect(0);
        assert_sound(&there.database());
        let server = there.serve(&["--sync=false"]);
        let number = turn_shown(&server).unwrap_or_default();
        if let Some(expected) = expected.get(&number) {
            assert_eq!(&everything(&server.public), expected, "turn {number}");
            seen.insert(number, copy);
        }
        if seen.len() > 3 {
            break;
        }
    }
    assert!(
        seen.len() > 1,
        "of {} copies all show the same",
        copies.len()
    );

    // The next sync goes on counting where the copy stopped.
    let (_, copy) = seen.first_key_value().expect("a copy");
    let there = elsewhere(&here.path("catalog.json"));
    let _ = run(&there, "restore", copy, &[]).expect(0);
    here.write("catalog.json", &turn(100));
    there.sync();
    for sql in [
        "SELECT value FROM generation",
        "SELECT change_seq FROM generation",
        "SELECT max(seq) FROM change",
        "SELECT fence FROM source",
    ] {
        assert!(one(&there.database(), sql) > one(copy, sql), "{sql}");
    }
    let gaps = "SELECT max(seq) - count(*) FROM change";
    assert_eq!(
        one(&there.database(), gaps),
        0,
        "a step of the feed is missing"
    );
    let server = there.serve(&["--sync=false"]);
    assert_eq!(turn_shown(&server), Some(100));
}

#[test]
fn a_backup_of_a_sync_under_way_goes_on_from_its_last_page() {
    const PAGES: usize = 60;
    const SIZE: usize = 50;
    let answer = pages(PAGES, SIZE);
    let upstream = Upstream::start(move |asked: &Asked| -> Given {
        thread::sleep(Duration::from_millis(20));
        answer(asked)
    });
    let source =
        json!({ "api": { "endpoint": upstream.url() }, "syncPolicy": { "interval": "1h" } });
    let here = Installation::new(of_source(source.clone()));
    let mut syncing = here
        .command(&["sync", "--once"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary");
    let copy = here.path("copy.db");
    let records = until("a part of the sync", Duration::from_secs(30), || {
        here.database().exists().then_some(())?;
        let made = run(&here, "backup", &copy, &["--force", "--format", "json"]);
        let told = (made.code == Some(0)).then(|| made.json())?;
        told["entries"].as_i64().filter(|entries| *entries > 0)
    });
    assert!(
        syncing.try_wait().expect("a child").is_none(),
        "it had ended"
    );
    assert!(syncing.wait().expect("a child").success());
    assert_sound(&copy);
    assert_eq!(records % SIZE as i64, 0, "whole pages only");
    assert_eq!(one(&copy, "SELECT count(*) FROM view"), records);
    assert!(one(&copy, "SELECT lease_until FROM source") > 0);

    let there = Installation::new(of_source(source));
    let restored = run(&there, "restore", &copy, &["--format", "json"]).expect(0);
    assert_eq!(restored.json()["entries"], records);
    upstream.forget();
    there.sync();
    let asked = upstream.asked();
    assert!(asked[0].parameter("cursor").is_some(), "it began anew");
    let all = "SELECT count(*) FROM entry";
    assert_eq!(one(&there.database(), all), one(&here.database(), all));
    assert_eq!(one(&there.database(), all), (PAGES * SIZE) as i64);
}

#[test]
fn what_cannot_be_copied_or_restored_is_refused_and_changes_nothing() {
    let here = registry();
    let copy = here.path("copy.db");
    let refused = |ended: cairn_tests::Ended, words: &[&str]| {
        let said = ended.expect(1).stderr;
        for word in words {
            assert!(said.contains(word), "{word}: {said}");
        }
    };
    refused(run(&here, "backup", &copy, &[]), &["there is no database"]);
    assert!(!here.database().exists() && !copy.exists());
    here.sync();
    let told = run(&here, "backup", &copy, &["--format", "json"]).expect(0);
    assert_eq!(told.json()["bytes"], copy.metadata().expect("it").len());
    refused(
        run(&here, "backup", &copy, &[]),
        &["there already", "--force"],
    );
    let text = run(&here, "backup", &copy, &["--force"]).expect(0).stdout;
    assert!(
        text.contains("copy.db") && text.contains("schema step"),
        "{text}"
    );

    refused(
        run(&here, "restore", &copy, &[]),
        &["there is a database", "--force"],
    );
    let before = fs::read(here.database()).expect("the database");
    let server = here.serve(&["--sync=false"]);
    refused(
        run(&here, "restore", &copy, &["--force"]),
        &["process ", "open", "stop it"],
    );
    assert_eq!(server.stop().code(), Some(0));

    let bytes = fs::read(&copy).expect("the copy");
    let mut damaged = bytes.clone();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 8192].fill(0x5a);
    let foreign = |name: &str, sql: &str| {
        let path = here.path(name);
        let _ = fs::copy(&copy, &path).expect("a copy");
        let db = Connection::open(&path).expect("a database");
        db.execute_batch(sql).expect(sql);
        path
    };
    let file = |name: &str, bytes: &[u8]| {
        fs::write(here.path(name), bytes).expect(name);
        here.path(name)
    };
    for (file, words) in [
        (here.path("nothing"), &["No such file"][..]),
        (file("text", b"{}"), &["not a SQLite database"]),
        (file("empty", b""), &["not a SQLite database"]),
        (file("cut", &bytes[..bytes.len() / 2]), &["damaged"]),
        (file("damaged", &damaged), &["damaged"]),
        (
            foreign(
                "newer",
                "INSERT INTO schema_version VALUES (9999, '9999_later', 0)",
            ),
            &["9999_later", "newer"],
        ),
        (
            foreign("other", "UPDATE schema_version SET name = 'x'"),
            &["not a database of cairn"],
        ),
        (
            foreign("nobody", "DROP TABLE generation"),
            &["not a database of cairn"],
        ),
    ] {
        refused(run(&here, "restore", &file, &["--force"]), words);
    }
    refused(
        run(&here, "restore", &here.database(), &["--force"]),
        &["the database itself"],
    );
    assert!(before == fs::read(here.database()).expect("the database"));

    // A log that a crash left is not taken for one of the new database.
    fs::write(here.path("data/cairn.db-wal"), b"of another time").expect("a log");
    let restored = run(&here, "restore", &copy, &["--force"]).expect(0).stdout;
    assert!(restored.contains("cairn.db-wal"), "{restored}");
    assert_sound(&here.database());
    let left: Vec<_> = fs::read_dir(here.path("data"))
        .expect("the folder")
        .collect();
    assert_eq!(left.len(), 1, "{left:?}");
    fs::write(here.database(), b"worse than nothing").expect("damage");
    let _ = run(&here, "restore", &copy, &["--force"]).expect(0);
    assert_eq!(turn_shown(&here.serve(&[])), Some(0));
}

/// A command that the program names, with the programs of the server's own installation.
fn shell(command: &str) {
    let path = std::env::var("PATH").unwrap_or_default();
    let own = postgres::programs().map_or(String::new(), |own| own.display().to_string());
    let output = Command::new("sh")
        .args(["-c", command])
        .env("PATH", format!("{own}:{path}"))
        .output()
        .expect("a shell");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}: {said}");
}

#[test]
fn a_server_is_backed_up_and_restored_by_the_commands_that_are_told() {
    if std::env::var_os("CAIRN_TEST_POSTGRES").is_none() {
        println!(
            "not checked: pg_dump and pg_restore, because CAIRN_TEST_POSTGRES names no server"
        );
        return;
    }
    if postgres::programs().is_none_or(|own| !own.join("pg_dump").is_file()) {
        println!("not checked: pg_dump and pg_restore: they are not installed");
        return;
    }
    let installation = registry();
    let on = |url: &str, args: &[&str]| {
        let mut command = installation.command(args);
        command.env("CAIRN_DATABASE_URL", url);
        cairn_tests::installation::run(command)
    };
    let serving = |url: &str, sync: &str| {
        let mut command = installation.serving(&[sync]);
        command.env("CAIRN_DATABASE_URL", url);
        let server = Server::start(command);
        server.wait_ready();
        server
    };
    let (from, to) = (
        database::empty("cairn_dumped"),
        database::empty("cairn_restored"),
    );
    let dump = installation.path("it's a dump");
    let told = |url: &str, verb: &str, more: &[&str]| {
        let secret = url.replacen("cairn@", "cairn:geheim@", 1);
        let mut args = vec![verb, dump.to_str().expect("a path")];
        args.extend(more);
        let ended = on(&secret, &args).expect(1);
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert!(!said.contains("geheim"), "{said}");
        assert!(ended.stderr.contains("nothing was done"), "{said}");
        ended
    };
    let command = |url: &str, verb: &str, more: &[&str]| {
        told(url, verb, more)
            .stdout
            .lines()
            .next()
            .expect("a command")
            .to_owned()
    };
    let server = serving(&from, "--sync");
    play(&installation, &server, 1);
    shell(&command(&from, "backup", &[]));
    play(&installation, &server, 2);
    installation.write("catalog.json", &turn(1));
    until("the first turn again", Duration::from_secs(20), || {
        (turn_shown(&server) == Some(1)).then_some(())
    });
    assert_eq!(server.stop().code(), Some(0));
    let json = told(&from, "backup", &["--format", "json"]).json();
    assert!(
        json["command"]
            .as_str()
            .is_some_and(|told| told.starts_with("pg_dump "))
    );

    shell(&command(&to, "restore", &[]));
    let server = serving(&to, "--sync=false");
    assert_eq!(turn_shown(&server), Some(1));
    let restored = everything(&server.public);
    assert_eq!(server.stop().code(), Some(0));
    installation.write("catalog.json", &turn(4));
    let _ = on(&to, &["sync", "--once"]).expect(0);
    let server = serving(&to, "--sync=false");
    assert_eq!(turn_shown(&server), Some(4));
    assert_eq!(server.stop().code(), Some(0));

    // Over what is there, by the flag that says so.
    shell(&command(&to, "restore", &["--force"]));
    let server = serving(&to, "--sync=false");
    assert_eq!(everything(&server.public), restored);
}
