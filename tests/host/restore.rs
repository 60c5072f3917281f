//! What `cairn backup` and `cairn restore` refuse, and what a restore leaves of the database before: nothing.

use std::{fs, path::PathBuf};

use cairn_tests::{Ended, Installation};
use rusqlite::Connection;

use crate::turns::{assert_sound, registry, run, turn_shown};

fn refused(ended: Ended, words: &[&str]) {
    let said = ended.expect(1).stderr;
    for word in words {
        assert!(said.contains(word), "{word}: {said}");
    }
}

/// A registry and a copy of it.
fn copied() -> (Installation, PathBuf) {
    let here = registry();
    here.sync();
    let copy = here.path("copy.db");
    let _ = run(&here, "backup", &copy, &[]).expect(0);
    (here, copy)
}

#[test]
fn a_copy_replaces_nothing_unless_it_is_told_to() {
    let here = registry();
    let copy = here.path("copy.db");
    refused(run(&here, "backup", &copy, &[]), &["there is no database"]);
    assert!(!here.database().exists() && !copy.exists());
    here.sync();
    let told = run(&here, "backup", &copy, &["--format", "json"]).expect(0);
    assert_eq!(told.json()["bytes"], copy.metadata().expect("it").len());
    let again = run(&here, "backup", &copy, &[]);
    refused(again, &["there already", "--force"]);
    let text = run(&here, "backup", &copy, &["--force"]).expect(0).stdout;
    assert!(
        text.contains("copy.db") && text.contains("schema step"),
        "{text}"
    );
}

#[test]
fn a_database_that_is_there_or_in_use_is_not_replaced() {
    let (here, copy) = copied();
    refused(
        run(&here, "restore", &copy, &[]),
        &["there is a database", "--force"],
    );
    refused(
        run(&here, "restore", &here.database(), &["--force"]),
        &["the database itself"],
    );
    let server = here.serve(&["--sync=false"]);
    refused(
        run(&here, "restore", &copy, &["--force"]),
        &["process ", "open", "stop it"],
    );
    assert_eq!(turn_shown(&server), Some(0));
    // Neither is the copy of a database that is taken as it lies there.
    let (plain, log) = (here.path("plain.db"), here.path("plain.db-wal"));
    fs::copy(&copy, &plain).expect("a copy");
    fs::write(&log, b"what came later").expect("a log");
    let there = Installation::empty();
    let args = ["--data-dir", there.path("data").to_str().expect("a path")].map(str::to_owned);
    let args = [args[0].as_str(), args[1].as_str()];
    refused(run(&there, "restore", &plain, &args), &["cairn backup"]);
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn what_is_no_whole_backup_changes_nothing() {
    let (here, copy) = copied();
    let before = fs::read(here.database()).expect("the database");
    let bytes = fs::read(&copy).expect("the copy");
    let mut damaged = bytes.clone();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 8192].fill(0x5a);
    let changed = |name: &str, sql: &str| {
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
    let newer = "INSERT INTO schema_version VALUES (9999, '9999_later', 0, 9999)";
    let other = "UPDATE schema_version SET name = 'x'";
    for (file, words) in [
        (here.path("nothing"), &["No such file"][..]),
        (file("text", b"{}"), &["not a SQLite database"]),
        (file("empty", b""), &["not a SQLite database"]),
        (file("cut", &bytes[..bytes.len() / 2]), &["damaged"]),
        (file("damaged", &damaged), &["damaged"]),
        (changed("newer", newer), &["9999_later", "newer"]),
        (changed("other", other), &["not a database of cairn"]),
        (
            changed("nobody", "DROP TABLE generation"),
            &["not a database of cairn"],
        ),
    ] {
        refused(run(&here, "restore", &file, &["--force"]), words);
    }
    assert!(before == fs::read(here.database()).expect("the database"));
}

#[test]
fn nothing_is_left_of_the_database_before() {
    let (here, copy) = copied();
    // A log that a crash left would be taken for one of the new database.
    fs::write(here.path("data/cairn.db-wal"), b"of another time").expect("a log");
    let restored = run(&here, "restore", &copy, &["--force"]).expect(0).stdout;
    assert!(restored.contains("cairn.db-wal"), "{restored}");
    assert_sound(&here.database());
    let files = fs::read_dir(here.path("data")).expect("the folder");
    assert_eq!(files.count(), 1, "something is left beside it");
    // Damage is what one restores for.
    fs::write(here.database(), b"worse than nothing").expect("damage");
    let _ = run(&here, "restore", &copy, &["--force"]).expect(0);
    assert_eq!(turn_shown(&here.serve(&[])), Some(0));
}
