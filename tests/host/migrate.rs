//! The schema: up, down, status, and databases without one.

use std::{thread, time::Duration};

use cairn_tests::{Installation, installation::run, until};
use rusqlite::Connection;

#[test]
fn up_down_and_status_say_what_they_did_by_their_exit_code() {
    let installation = Installation::of_fixture();
    let status = |code| installation.run(&["migrate", "status"]).expect(code).stdout;
    let missing = status(1);
    let steps = missing.lines().count();
    assert!(
        steps >= 2 && missing.lines().all(|line| line.starts_with("missing")),
        "{missing}"
    );

    let up = installation.run(&["migrate", "up"]).expect(1);
    assert!(
        up.stderr.contains("--yes"),
        "nobody can answer: {}",
        up.stderr
    );
    let up = installation
        .run(&["migrate", "up", "--yes", "--num-steps", "1"])
        .expect(0);
    assert_eq!(up.stdout.lines().count(), 1, "{}", up.stdout);
    assert!(status(1).starts_with("applied"));
    let up = installation.run(&["migrate", "up", "-y"]).expect(0);
    assert_eq!(up.stdout.lines().count(), steps - 1);
    assert!(status(0).lines().all(|line| line.starts_with("applied")));
    let again = installation.run(&["migrate", "up", "--yes"]).expect(0);
    assert!(again.stdout.contains("current"), "{}", again.stdout);

    let _ = installation.run(&["migrate", "down", "--yes"]).expect(2);
    let _ = installation
        .run(&["migrate", "down", "--yes", "--num-steps", "0"])
        .expect(2);
    let _ = installation
        .run(&["migrate", "down", "--yes", "--num-steps", "1001"])
        .expect(2);
    let _ = installation
        .run(&["migrate", "down", "--num-steps", "1"])
        .expect(1);
    let down = installation
        .run(&["migrate", "down", "--yes", "-n", "1000"])
        .expect(0);
    assert_eq!(down.stdout.lines().count(), steps, "{}", down.stdout);
    assert!(down.stderr.contains("not 1000"), "{}", down.stderr);
    assert_eq!(status(1), missing);
    let nothing = installation
        .run(&["migrate", "down", "-y", "-n", "1"])
        .expect(0);
    assert!(
        nothing.stdout.contains("nothing to undo"),
        "{}",
        nothing.stdout
    );
    let json = |code| {
        let ended = installation.run(&["migrate", "status", "--format", "json"]);
        ended.expect(code).json()
    };
    assert_eq!(json(1)["schema"], "behind");
    installation.sync();
    let current = json(0);
    assert_eq!(current["schema"], "current");
    assert_eq!(current["steps"].as_array().map(Vec::len), Some(steps));
    assert_eq!(current["steps"][0]["state"], "applied");
}

#[test]
fn a_schema_that_goes_missing_is_a_503_that_names_the_remedy() {
    let installation = Installation::of_fixture();
    installation.sync();
    let server = installation.serve(&["--sync=false"]);
    assert_eq!(server.public.get("/v0.1/servers").status, 200);
    let _ = installation
        .run(&["migrate", "down", "--yes", "--num-steps", "100"])
        .expect(0);
    let answer = until("the schema to be missed", Duration::from_secs(5), || {
        let answer = server.public.get("/v0.1/servers");
        (answer.status == 503).then_some(answer)
    });
    let error = answer.json()["error"]
        .as_str()
        .expect("an error")
        .to_owned();
    assert!(error.contains("cairn migrate up"), "{error}");
    assert!(answer.has("retry-after"));
    assert_eq!(server.public.get("/health").status, 503);
    assert_eq!(server.public.get("/ping").status, 200);
}

#[test]
fn several_that_migrate_a_file_at_once_apply_each_step_once() {
    let installation = Installation::of_fixture();
    let steps = installation.run(&["migrate", "status"]).expect(1).stdout;
    let starting: Vec<_> = (0..6)
        .map(|_| {
            let command = installation.command(&["migrate", "up", "--yes"]);
            thread::spawn(move || run(command).expect(0).stdout)
        })
        .collect();
    let said = starting.into_iter().map(|one| one.join().expect("it ends"));
    let applied: usize = said.map(|text| text.matches("applied ").count()).sum();
    assert_eq!(applied, steps.lines().count());
    let _ = installation.run(&["migrate", "status"]).expect(0);
}

#[test]
fn stock_sqlite_opens_the_file_and_finds_it_whole() {
    let installation = Installation::of_fixture();
    installation.sync();
    let db = Connection::open(installation.database()).expect("the database");
    let check: String = db
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("a check");
    assert_eq!(check, "ok");
    let mut list = db
        .prepare(
            "SELECT view.name || ' ' || view.version FROM view JOIN entry ON entry.id = view.entry_id \
             WHERE view.namespace = 'default' AND view.registry = 'default' AND view.kind = 'server' \
             ORDER BY view.name, view.version",
        )
        .expect("the list");
    let keys: Vec<String> = list
        .query_map([], |row| row.get(0))
        .expect("rows")
        .map(Result::unwrap)
        .collect();
    assert_eq!(keys, cairn_tests::fixture::keys(|_| true));
    let found: i64 = db
        .query_row(
            "SELECT count(*) FROM search WHERE search MATCH '\"zyz\" AND \"zyv\"'",
            [],
            |row| row.get(0),
        )
        .expect("a search");
    assert_eq!(found, 1);
}
