//! A server as operators have it: it comes up late, and its schema belongs to somebody else than who serves.

use std::{process::Stdio, time::Duration};

use cairn_tests::{
    Client, Installation, Postgres, Proxy, Stop, database, fixture, installation::of_file,
    process::Log, until,
};
use serde_json::{Value, json};

fn server(about: &str) -> Option<Postgres> {
    let started = Postgres::start().map_err(|why| println!("not checked: {about}: {why}"));
    started.ok()
}

fn on(keys: &Value) -> Installation {
    let mut config = of_file(&fixture::path("catalog.json"));
    config["database"] = keys.clone();
    Installation::new(config)
}

#[test]
fn a_migration_waits_for_a_database_that_comes_up_late() {
    let Some(mut postgres) = server("a database that comes up late") else {
        return;
    };
    postgres.stop(Stop::Fast);
    let url = postgres.url();
    let patient = on(&json!({ "url": url, "connectInterval": "100ms", "connectAttempts": 300 }));
    let mut command = patient.command(&["migrate", "up", "--yes"]);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary");
    let log = Log::follow(child.stderr.take().expect("its log"));
    let waits = |line: &str| line.contains("waiting for the database").then_some(());
    let waited = log.wait(Duration::from_secs(30), waits);
    assert!(waited.is_some(), "it does not wait:\n{}", log.text());
    postgres.resume().expect("Postgres");
    let status = until("the migration", Duration::from_secs(30), || {
        child.try_wait().expect("a child")
    });
    assert!(status.success(), "{}", log.text());
    let _ = patient.run(&["migrate", "status"]).expect(0);

    postgres.stop(Stop::Fast);
    let hasty = on(&json!({ "url": url, "connectInterval": "10ms", "connectAttempts": 3 }));
    let ended = hasty.run(&["migrate", "up", "--yes"]).expect(1);
    let tries = ended.stderr.matches("waiting for the database").count();
    assert_eq!(tries, 2, "{}", ended.stderr);
    let place = format!("127.0.0.1:{}", postgres.port());
    assert!(ended.stderr.contains(&place), "{}", ended.stderr);

    let told = on(&json!({ "url": url })).run(&["config", "--format", "json"]);
    let shown = &told.expect(0).json()["database"];
    assert_eq!(shown["connectAttempts"], 30, "{shown}");
    assert_eq!(shown["connectInterval"], "2s", "{shown}");
}

#[test]
fn a_start_that_waits_for_its_database_answers_probes() {
    let Some(mut postgres) = server("a start that waits") else {
        return;
    };
    postgres.stop(Stop::Fast);
    let installation =
        on(&json!({ "url": postgres.url(), "connectInterval": "200ms", "connectAttempts": 300 }));
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("an address").to_string();
    drop(free);
    let internal = Client::new(address.clone());
    let listens = || std::net::TcpStream::connect(&address).ok();
    let waiting = std::thread::scope(|scope| {
        let starting = scope.spawn(|| installation.start(&["--internal-address", &address]));
        until("the early listener", Duration::from_secs(20), listens);
        assert_eq!(internal.get("/livez").status, 200);
        let ready = internal.get("/readyz");
        assert_eq!(ready.status, 503);
        assert_eq!(ready.json()["reason"], "database");
        assert_eq!(ready.json()["components"]["database"]["status"], "down");
        let metrics = internal.get("/metrics");
        let is_down = |line: &str| line.starts_with("cairn_database_up{") && line.ends_with(" 0");
        assert!(metrics.text().lines().any(is_down), "{}", metrics.text());
        assert_eq!(internal.get("/version").status, 503);
        postgres.resume().expect("Postgres");
        starting.join().expect("a server")
    });
    waiting.wait_ready();
    assert_eq!(internal.get("/readyz").status, 200, "at the same address");
    assert!(waiting.stop().success());
}

#[test]
fn the_schema_may_belong_to_another_user_than_the_one_who_serves() {
    let Some(postgres) = server("a migration user of its own") else {
        return;
    };
    for sql in [
        "CREATE ROLE migrator LOGIN",
        "CREATE ROLE app LOGIN",
        "CREATE DATABASE registry OWNER migrator",
    ] {
        database::ask(&postgres.url(), sql);
    }
    let keys = |migrator: Option<&str>| {
        let mut keys = json!({
            "host": "127.0.0.1", "port": postgres.port(), "database": "registry", "user": "app", "sslMode": "disable",
        });
        if let Some(migrator) = migrator {
            keys["migrationUser"] = json!(migrator);
        }
        keys
    };
    let alone = on(&keys(None)).run(&["migrate", "up", "--yes"]).expect(1);
    assert!(alone.stderr.contains("grant"), "{}", alone.stderr);

    let both = on(&keys(Some("migrator")));
    let server = both.serve(&[]);
    assert_eq!(
        server.public.get("/v0.1/servers?limit=100").keys(),
        fixture::keys(|record| !record.is_deleted())
    );
    assert!(server.stop().success());
    let url = postgres.url_of("registry");
    let owners =
        "SELECT string_agg(DISTINCT tableowner, ' ') FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(database::ask(&url, owners), "migrator");
    // Who serves needs nobody else once the schema is there, and cannot change it.
    on(&keys(None)).sync();
    let down = on(&keys(None)).run(&["migrate", "down", "--yes", "-n", "1"]);
    assert_eq!(down.code, Some(1), "{}", down.stdout);
    let _ = both.run(&["migrate", "down", "--yes", "-n", "1"]).expect(0);
}

#[test]
fn a_server_without_tls_is_for_those_who_do_not_insist() {
    let Some(postgres) = server("Postgres without TLS") else {
        return;
    };
    let migrate = |mode: &str| {
        let keys = json!({
            "host": "127.0.0.1", "port": postgres.port(), "database": "postgres", "user": "cairn", "sslMode": mode,
            "connectAttempts": 1,
        });
        on(&keys).run(&["migrate", "up", "--yes"])
    };
    for mode in ["disable", "allow", "prefer"] {
        let _ = migrate(mode).expect(0);
    }
    for mode in ["require", "verify-ca", "verify-full"] {
        let refused = migrate(mode).expect(1);
        assert!(
            refused.stderr.contains("database.sslMode"),
            "{mode}: {}",
            refused.stderr
        );
    }
}

#[test]
fn a_frozen_server_is_named_and_no_instance_is_stopped() {
    let Some(postgres) = server("a frozen server") else {
        return;
    };
    let proxy = Proxy::to_port(postgres.port());
    let (direct, through) = (postgres.port().to_string(), proxy.port().to_string());
    let mut config = of_file(&fixture::path("catalog.json"));
    config["database"] = json!({ "url": postgres.url().replace(&direct, &through) });
    config["limits"] = json!({ "requestTimeout": "3s" });
    let installation = Installation::new(config);
    installation.sync();
    let server = installation.serve(&["--sync=false"]);
    proxy.hold();
    let answer = server.public.get("/v0.1/servers?limit=3&search=frozen");
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(
        answer.text().contains("the database is not available"),
        "{}",
        answer.text()
    );
    let metrics = server.internal.get("/metrics");
    let stops = metrics
        .text()
        .lines()
        .filter(|line| line.starts_with("cairn_instance_stops_total"));
    let stopped: Vec<&str> = stops.filter(|line| !line.ends_with(" 0")).collect();
    assert!(stopped.is_empty(), "{stopped:?}");
    proxy.release();
}
