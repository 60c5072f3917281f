//! Many replicas start at once on a database that has nothing, or not all of it.

use std::{thread, time::Duration};

use cairn_tests::{
    Installation, Postgres, Server, database, fixture, installation::of_file, until,
};
use rusqlite::Connection;
use serde_json::json;

use crate::stage::{PATIENCE, alone, fresh, number, on, postgres, rounds};

const REPLICAS: usize = 10;

/// Starts them all, and waits until they are ready.
fn swarm(installation: &Installation) -> Vec<Server> {
    let starting: Vec<_> = (0..REPLICAS)
        .map(|_| {
            let command = installation.serving(&[]);
            thread::spawn(move || Server::start(command))
        })
        .collect();
    let running: Vec<Server> = starting
        .into_iter()
        .map(|server| server.join().expect("a server"))
        .collect();
    for server in &running {
        server.wait_ready();
    }
    running
}

/// One of them has applied each step but the first ones, one has read the source, and all show the same.
fn assert_once(
    installation: &Installation,
    database: Option<&str>,
    running: Vec<Server>,
    before: usize,
) {
    let number = |sql| number(installation, database, sql);
    let applied = |server: &Server| server.log.text().matches("schema step applied").count();
    let applied: usize = running.iter().map(applied).sum();
    assert_eq!(
        before + applied,
        number("SELECT count(*) FROM schema_version"),
        "each step once, by one of them"
    );
    let list = fresh(&running[0], "/v0.1/servers?limit=100");
    assert_eq!(list.status, 200);
    for server in &running {
        until("the same everywhere", PATIENCE, || {
            (fresh(server, "/v0.1/servers?limit=100").body == list.body).then_some(())
        });
    }
    let passes = number("SELECT count(*) FROM source WHERE full_pass_at IS NOT NULL");
    assert_eq!(passes, 1, "one source, read");
    for server in running {
        assert!(server.stop().success());
    }
}

#[test]
fn ten_replicas_that_start_at_once_migrate_once_and_are_all_ready() {
    let _alone = alone();
    let server: Option<Postgres> = postgres(&[]);
    for round in 0..rounds(1, 5) {
        let installation = Installation::new(of_file(&fixture::path("catalog.json")));
        let running = swarm(&installation);
        assert_once(&installation, None, running, 0);
        let Some(server) = &server else {
            continue;
        };
        let name = format!("swarm_{round}");
        database::ask(&server.url(), &format!("CREATE DATABASE {name}"));
        let url = server.url_of(&name);
        let installation = Installation::new(on(&url, &json!({ "maxOpenConns": 4 })));
        let running = swarm(&installation);
        assert_once(&installation, Some(&url), running, 0);
    }
}

#[test]
fn replicas_wait_as_long_as_another_process_migrates() {
    let _alone = alone();
    let busy = Duration::from_millis(500);
    let mut config = of_file(&fixture::path("catalog.json"));
    config["database"] = json!({ "busyTimeout": format!("{}ms", busy.as_millis()) });
    let installation = Installation::new(config);
    let step = ["migrate", "up", "--yes", "--num-steps", "1"];
    let _ = installation.run(&step).expect(0);
    let other = Connection::open(installation.database()).expect("the database");
    other.execute_batch("BEGIN IMMEDIATE").expect("its lock");
    let other = thread::spawn(move || {
        thread::sleep(8 * busy);
        other.execute_batch("COMMIT")
    });
    let running = swarm(&installation);
    let waited = |server: &Server| server.log.text().contains("waiting for another process");
    assert!(running.iter().any(waited), "nobody had to wait");
    other.join().expect("a thread").expect("its end");
    assert_once(&installation, None, running, 1);
}
