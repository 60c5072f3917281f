//! First starts: of many processes at once on an empty server, and on databases of other programs.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use cairn_tests::{
    Installation, Postgres, Server, database, fixture,
    installation::{of_file, run},
    until,
};
use rusqlite::Connection;
use serde_json::json;

const SERVING: usize = 3;
const MIGRATING: usize = 5;

fn server(about: &str) -> Option<Postgres> {
    let started = Postgres::start().map_err(|why| println!("not checked: {about}: {why}"));
    started.ok()
}

fn started(installation: &Installation) -> Child {
    let mut command = installation.command(&["migrate", "up", "--yes"]);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().expect("the binary")
}

fn succeeded(child: Child) {
    let output = child.wait_with_output().expect("a child");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

#[test]
fn first_starts_of_many_processes_with_two_users_succeed() {
    let Some(postgres) = server("first starts at once") else {
        return;
    };
    for sql in ["CREATE ROLE migrator LOGIN", "CREATE ROLE app LOGIN"] {
        database::ask(&postgres.url(), sql);
    }
    for round in 0..4 {
        let name = format!("registry{round}");
        database::ask(
            &postgres.url(),
            &format!("CREATE DATABASE {name} OWNER migrator"),
        );
        let mut config = of_file(&fixture::path("catalog.json"));
        config["database"] = json!({
            "host": "127.0.0.1", "port": postgres.port(), "database": name, "user": "app",
            "migrationUser": "migrator", "sslMode": "disable", "maxOpenConns": 5,
        });
        let here = Installation::new(config);
        let migrating: Vec<_> = (0..MIGRATING).map(|_| started(&here)).collect();
        let serving: Vec<Server> = (0..SERVING).map(|_| here.start(&[])).collect();
        migrating.into_iter().for_each(succeeded);
        for server in serving {
            server.wait_ready();
            assert!(server.stop().success());
        }
    }
}

#[test]
fn a_start_waits_for_the_grant_of_its_tables() {
    let Some(postgres) = server("a grant that comes late") else {
        return;
    };
    for sql in ["CREATE ROLE app LOGIN", "CREATE DATABASE registry"] {
        database::ask(&postgres.url(), sql);
    }
    let keys = |user: &str| {
        let mut config = of_file(&fixture::path("catalog.json"));
        config["database"] = json!({
            "host": "127.0.0.1", "port": postgres.port(), "database": "registry", "user": user, "sslMode": "disable",
            "connectInterval": "100ms", "connectAttempts": 300,
        });
        Installation::new(config)
    };
    let _ = keys("cairn").run(&["migrate", "up", "--yes"]).expect(0);
    let here = keys("app");
    let mut command = here.command(&["sync", "--once"]);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let child = command.spawn().expect("the binary");
    let url = postgres.url_of("registry");
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'";
    until("the start", Duration::from_secs(30), || {
        (database::ask(&url, waits) != "0").then_some(())
    });
    database::ask(
        &url,
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app",
    );
    succeeded(child);
    database::ask(&url, "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM app");
    let mut hasty = here.command(&["sync", "--once"]);
    hasty.env("CAIRN_DATABASE_CONNECT_ATTEMPTS", "2");
    let ended = run(hasty).expect(1);
    assert!(ended.stderr.contains("grant them"), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("waiting for the migration"),
        "{}",
        ended.stderr
    );
}

#[test]
fn tables_of_another_program_on_a_server_are_left_alone() {
    let Some(postgres) = server("tables of another program") else {
        return;
    };
    for (name, sql) in [
        ("one", "CREATE TABLE source (id INT, url TEXT)"),
        ("two", "CREATE TABLE schema_version (version INT)"),
    ] {
        database::ask(&postgres.url(), &format!("CREATE DATABASE {name}"));
        let url = postgres.url_of(name);
        database::ask(&url, sql);
        let mut config = of_file(&fixture::path("catalog.json"));
        config["database"] = json!({ "url": url });
        let here = Installation::new(config);
        for args in [
            &["serve"][..],
            &["sync", "--once"],
            &["migrate", "up", "-y"],
            &["migrate", "status"],
        ] {
            let ended = here.run(args).expect(1);
            assert!(
                ended.stderr.contains("of another program"),
                "{args:?}: {}",
                ended.stderr
            );
        }
        let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
        assert_eq!(database::ask(&url, tables), "1");
    }
    let shared = "CREATE TABLE users (id INT)";
    database::ask(&postgres.url(), "CREATE DATABASE three");
    database::ask(&postgres.url_of("three"), shared);
    let mut config = of_file(&fixture::path("catalog.json"));
    config["database"] = json!({ "url": postgres.url_of("three") });
    Installation::new(config).sync();
}

#[test]
fn a_file_of_another_program_is_left_alone() {
    let here = Installation::of_fixture();
    let file = here.path("other.db");
    let other = Connection::open(&file).expect("a database");
    other
        .execute_batch("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO users VALUES (1, 'x')")
        .expect("a table");
    drop(other);
    here.write("notes.txt", &"no database at all ".repeat(100));
    let copy = {
        here.sync();
        let _ = here.run(&["backup", "copy.db"]).expect(0);
        here.path("copy.db")
    };
    let copy = copy.to_str().expect("a path");
    let restore = ["restore", copy, "--force"];
    for (name, words) in [
        ("other.db", "another program"),
        ("notes.txt", "not a SQLite database"),
    ] {
        let path = here.path(name);
        let before = fs::read(&path).expect("the file");
        for args in [
            &["serve"][..],
            &["sync", "--once"],
            &["migrate", "up", "-y"],
            &["migrate", "status"],
            &["doctor"],
            &["export"],
            &["backup", "away.db"],
            &restore,
        ] {
            // Damage is what a restore is for.
            if args == restore && name == "notes.txt" {
                continue;
            }
            let mut command = here.command(args);
            command.arg("--database").arg(&path);
            let ended = run(command).expect(1);
            let said = format!("{}{}", ended.stdout, ended.stderr);
            assert!(said.contains(words), "{name} {args:?}: {said}");
            assert!(
                fs::read(&path).expect("the file") == before,
                "{name} {args:?}"
            );
        }
        assert_eq!(beside(&path), [name], "something lies beside it");
    }
}

/// Names that begin with that of a file.
fn beside(path: &Path) -> Vec<String> {
    let name = path
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    let files = fs::read_dir(path.parent().expect("a folder")).expect("the folder");
    files
        .map(|file| {
            file.expect("a file")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|found| found.starts_with(&name))
        .collect()
}

#[test]
fn a_folder_that_is_read_only_is_named_in_plain_words() {
    let here = Installation::of_fixture();
    let place = here.path("locked");
    fs::create_dir(&place).expect("a folder");
    let mount = |options: &[&str]| {
        let done = Command::new("mount").args(options).arg(&place).output();
        done.is_ok_and(|output| output.status.success())
    };
    if !mount(&["-t", "tmpfs", "-o", "ro,size=1m", "tmpfs"]) {
        println!("not checked: a read-only folder: this user may not mount a file system");
        return;
    }
    let file = place.join("cairn.db");
    let ended = here.run(&[
        "sync",
        "--once",
        "--database",
        file.to_str().expect("a path"),
    ]);
    let _ = Command::new("umount").arg("-l").arg(&place).status();
    let ended = ended.expect(1);
    for word in [
        "locked/cairn.db cannot be made",
        "Read-only file system",
        "writable",
    ] {
        assert!(ended.stderr.contains(word), "{word}: {}", ended.stderr);
    }
}
