//! `cairn doctor`: what is wrong, and what to do about it.

use std::fs;

use cairn_tests::{
    Installation, Postgres, database, fixture,
    installation::{of_file, run},
};
use rusqlite::Connection;
use serde_json::{Value, json};

#[test]
fn it_finds_nothing_where_nothing_is_wrong() {
    let installation = Installation::of_fixture();
    installation.sync();
    let doctor = installation.run(&["doctor"]).expect(0);
    assert!(!doctor.stdout.contains("bad "), "{}", doctor.stdout);
    for word in [
        "configuration",
        "schema current",
        "source source: reachable, 78 records",
    ] {
        assert!(doctor.stdout.contains(word), "{word}: {}", doctor.stdout);
    }
}

#[test]
fn it_names_what_is_broken_and_the_remedy() {
    let installation = Installation::of_fixture();
    let check = |args: &[&str], words: &[&str]| {
        let ended = installation.run(args).expect(1);
        for word in words.iter().chain(&["remedy:"]) {
            assert!(ended.stdout.contains(word), "{word}: {}", ended.stdout);
        }
    };
    check(&["doctor"], &["no database", "cairn migrate up"]);
    let _ = installation
        .run(&["migrate", "up", "--yes", "--num-steps", "1"])
        .expect(0);
    check(&["doctor"], &["lacks", "cairn migrate up"]);
    installation.sync();

    installation.configure(of_file(&installation.path("absent.json")));
    let _ = installation.run(&["sync", "--once"]).expect(1);
    check(&["doctor"], &["source source", "absent.json"]);
    check(
        &["doctor", "--offline"],
        &["failed attempts", "absent.json"],
    );

    installation.write("config.yaml", "sorces: []\n");
    check(&["doctor"], &["sorces", "sources"]);
    installation.write("garbage.db", &"no database at all ".repeat(100));
    installation.configure(of_file(&fixture::path("catalog.json")));
    let garbage = installation.path("garbage.db");
    let garbage = garbage.to_str().expect("a path");
    check(&["doctor", "--database", garbage], &["garbage.db"]);
}

/// The findings of a level in JSON, each with its remedy.
fn findings(report: &Value, level: &str) -> Vec<String> {
    let all = report["findings"].as_array().expect("findings");
    let of_level = all.iter().filter(|finding| finding["level"] == level);
    of_level
        .map(|finding| format!("{} {}", finding["finding"], finding["remedy"]))
        .collect()
}

#[test]
fn findings_are_there_as_json() {
    let installation = Installation::of_fixture();
    let broken = installation
        .run(&["doctor", "--format", "json"])
        .expect(1)
        .json();
    assert_eq!(broken["problems"], 1, "{broken}");
    assert!(
        findings(&broken, "bad")[0].contains("cairn migrate up"),
        "{broken}"
    );
    installation.sync();
    let sound = installation
        .run(&["doctor", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(sound["problems"], 0, "{sound}");
    assert!(findings(&sound, "ok").len() > 2, "{sound}");
}

#[test]
fn a_configuration_that_is_not_in_force_is_a_problem() {
    let installation = Installation::of_fixture();
    installation.sync();
    let mut other = of_file(&fixture::path("catalog.json"));
    other["sources"][0]["name"] = json!("another");
    other["registries"][0]["name"] = json!("renamed");
    other["registries"][0]["sources"] = json!(["another"]);
    installation.configure(other);
    let report = installation
        .run(&["doctor", "--offline", "--format", "json"])
        .expect(1)
        .json();
    let bad = findings(&report, "bad").join("\n");
    for word in [
        "source another",
        "source source",
        "registry renamed",
        "not in force",
    ] {
        assert!(bad.contains(word), "{word}: {bad}");
    }
}

#[test]
fn times_that_no_right_clock_gives_are_problems() {
    let installation = Installation::of_fixture();
    installation.sync();
    for (sql, word) in [
        ("next_run_at = next_run_at + 34560000000000", "next run"),
        (
            "last_success_at = last_success_at + 34560000000000",
            "last success",
        ),
        (
            "lease_owner = 'x', lease_until = next_run_at + 34560000000000",
            "lease",
        ),
    ] {
        let db = Connection::open(installation.database()).expect("the database");
        db.execute_batch(&format!("UPDATE source SET {sql}"))
            .expect(sql);
        drop(db);
        let report = installation
            .run(&["doctor", "--offline", "--format", "json"])
            .expect(1)
            .json();
        let bad = findings(&report, "bad").join("\n");
        assert!(
            bad.contains(word) && bad.contains("clock"),
            "{word}: {report}"
        );
    }
}

#[test]
fn a_file_that_was_deleted_under_a_server_is_not_made_anew() {
    let installation = Installation::of_fixture();
    let server = installation.serve(&[]);
    if !std::path::Path::new("/proc/self/fd").exists() {
        println!("not checked: a file deleted under a server: there is no /proc");
        return;
    }
    fs::remove_file(installation.database()).expect("the database");
    let ended = installation.run(&["doctor"]).expect(1).stdout;
    for word in [
        "was deleted",
        "still has the old file open",
        "restore a backup",
    ] {
        assert!(ended.contains(word), "{word}: {ended}");
    }
    assert!(!ended.contains("migrate up"), "{ended}");
    assert!(!installation.database().exists());
    drop(server);
}

#[test]
fn a_server_that_takes_no_writes_is_a_problem() {
    let postgres = match Postgres::start() {
        Ok(postgres) => postgres,
        Err(why) => return println!("not checked: a read-only server: {why}"),
    };
    let mut config = of_file(&fixture::path("catalog.json"));
    config["database"] = json!({ "url": postgres.url() });
    let installation = Installation::new(config);
    installation.sync();
    let _ = installation.run(&["doctor"]).expect(0);
    let set = "ALTER DATABASE postgres SET default_transaction_read_only = on";
    database::ask(&postgres.url(), set);
    let ended = installation.run(&["doctor"]).expect(1).stdout;
    assert!(
        ended.contains("read-only") && ended.contains("remedy"),
        "{ended}"
    );
}

#[test]
fn few_descriptors_are_a_problem() {
    let installation = Installation::of_fixture();
    installation.sync();
    let doctor = installation.command(&["doctor", "--offline"]);
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", "ulimit -n 64; exec \"$@\"", "sh"]);
    limited.arg(doctor.get_program()).args(doctor.get_args());
    for (name, value) in doctor.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    let ended = run(limited).expect(1).stdout;
    for word in ["limit of open files is 64", "limits.connections"] {
        assert!(ended.contains(word), "{word}: {ended}");
    }
}
