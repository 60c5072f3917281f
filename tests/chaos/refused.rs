//! A server that turns read-only under a daemon: reads go on, and the daemon neither floods the log nor misses the end.

use std::{thread, time::Duration};

use cairn_tests::{Installation, Postgres, Server, database, installation::of_file, until};
use serde_json::{Value, json};

use crate::stage::{PATIENCE, alone, fresh, postgres, rounds};

/// From the end of the trouble until sources are read again.
const BACK: Duration = Duration::from_secs(10);

/// Work that a daemon has done so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Done {
    attempts: f64,
    lines: usize,
}

impl Done {
    pub(crate) fn by(server: &Server) -> Self {
        let text = server.internal.get("/metrics").text().to_owned();
        let counts = "stacklok_registry_sync_duration_seconds_count";
        let counts = text.lines().filter(|line| line.starts_with(counts));
        let number = |line: &str| line.rsplit(' ').next()?.parse::<f64>().ok();
        Self {
            attempts: counts.filter_map(number).sum(),
            lines: server.log.text().lines().count(),
        }
    }

    /// Looks on for a while in which nothing can be written, and asserts that little happens.
    pub(crate) fn assert_calm(server: &Server) {
        let time = Duration::from_secs(rounds(10, 60) as u64);
        let before = Self::by(server);
        thread::sleep(time);
        let after = Self::by(server);
        let (attempts, lines) = (after.attempts - before.attempts, after.lines - before.lines);
        println!("{attempts} attempts and {lines} lines in {time:?}");
        let most = time.as_secs_f64() / 4.0 + 4.0;
        assert!(attempts <= most, "{attempts} attempts in {time:?}");
        assert!(lines <= 20, "{lines} lines in {time:?}");
    }
}

/// Waits until probe and metrics show that state of the database.
pub(crate) fn until_state(server: &Server, state: &str) {
    until(&format!("the database to be {state}"), PATIENCE, || {
        let ready = server.internal.get("/readyz");
        let told = &ready.json()["components"]["database"]["status"];
        let line = format!("cairn_database_state{{state=\"{state}\"");
        (*told == state && server.metric(&line) == Some(1.0)).then_some(())
    });
    let ready = server.internal.get("/readyz");
    assert_eq!(ready.status, 200, "reads go on: {}", ready.text());
}

/// Has every new transaction refuse or take writes, those of pooled connections too.
fn set_read_only(postgres: &Postgres, refuses: bool) {
    let other = postgres.url_of("template1");
    let set = format!("ALTER DATABASE postgres SET default_transaction_read_only = {refuses}");
    database::ask(&other, &set);
    database::ask(
        &other,
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = 'postgres'",
    );
}

fn list(installation: &Installation, version: usize) {
    let list: Value = json!([{ "name": "com.example/a", "description": "A server.", "version": format!("1.{version}.0") }]);
    installation.write("list.json", &list.to_string());
}

fn until_listed(server: &Server, version: usize, patience: Duration) {
    until("the change to be listed", patience, || {
        let text = fresh(server, "/v0.1/servers").text().to_owned();
        text.contains(&format!("\"1.{version}.0\"")).then_some(())
    });
}

#[test]
fn a_server_that_turns_read_only_is_tried_calmly_and_used_again_soon() {
    let _alone = alone();
    let Some(postgres) = postgres(&[]) else {
        return;
    };
    let installation = Installation::empty();
    let mut config = of_file(&installation.path("list.json"));
    config["database"] = json!({ "url": postgres.url() });
    installation.configure(config);
    list(&installation, 0);
    let server = installation.serve(&[]);
    for round in 1..=rounds(1, 4) {
        set_read_only(&postgres, true);
        list(&installation, round);
        until_state(&server, "read-only");
        until("the source to show it", PATIENCE, || {
            (server.source("source")["status"] == "failed").then_some(())
        });
        Done::assert_calm(&server);
        assert_eq!(fresh(&server, "/v0.1/servers").status, 200);

        set_read_only(&postgres, false);
        until_listed(&server, round, BACK);
        until_state(&server, "up");
        until("the source to be well", PATIENCE, || {
            (server.source("source")["status"] == "complete").then_some(())
        });
        let log = server.log.text();
        for said in [
            "sources are read again when it does",
            "the database takes writes again",
        ] {
            assert_eq!(log.matches(said).count(), round, "{said}: {log}");
        }
    }
    assert!(server.stop().success());
}
