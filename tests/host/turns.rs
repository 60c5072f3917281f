//! A registry that says which turn it is: a file that is written again and again, and copies that are told apart by it.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};

use cairn_tests::{Ended, Installation, Server, fixture, installation::of_file, until};
use rusqlite::Connection;
use serde_json::{Value, json};

/// The shipped fixture with one record that says which turn it is, and one that is gone in every other turn.
pub(crate) fn turn(number: usize) -> String {
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

/// The turn that is served, when all of it is: what vanished goes a commit later than the rest.
pub(crate) fn turn_shown(server: &Server) -> Option<usize> {
    let latest = |name: &str| {
        let target = format!("/v0.1/servers/com.example%2F{name}/versions/latest");
        server.public.get(&target)
    };
    let answer = latest("turn");
    let shown = (answer.status == 200).then(|| answer.json())?;
    let description = shown["server"]["description"].as_str()?.to_owned();
    let number: usize = description.split(' ').nth(1)?.parse().ok()?;
    let is_whole = (latest("even").status == 200) == number.is_multiple_of(2);
    is_whole.then_some(number)
}

/// Writes a turn and waits until it is served.
pub(crate) fn play(installation: &Installation, server: &Server, number: usize) {
    installation.write("catalog.json", &turn(number));
    until("the turn to be served", Duration::from_secs(20), || {
        (turn_shown(server) == Some(number)).then_some(())
    });
}

/// A registry over a file that is looked at often.
pub(crate) fn registry() -> Installation {
    let installation = Installation::empty();
    let file = installation.write("catalog.json", &turn(0));
    installation.configure(of_file(&file));
    installation
}

/// An empty place with the same configuration.
pub(crate) fn elsewhere(file: &Path) -> Installation {
    Installation::new(of_file(file))
}

pub(crate) fn run(installation: &Installation, verb: &str, file: &Path, more: &[&str]) -> Ended {
    let mut args = vec![verb, file.to_str().expect("a path")];
    args.extend(more);
    installation.run(&args)
}

pub(crate) fn one(file: &Path, sql: &str) -> i64 {
    let db = Connection::open(file).expect("the database");
    db.query_row(sql, [], |row| row.get(0)).expect(sql)
}

pub(crate) fn assert_sound(file: &Path) {
    let db = Connection::open(file).expect("the database");
    let said: String = db
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("a check");
    assert_eq!(said, "ok");
    let mode = file.metadata().expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
