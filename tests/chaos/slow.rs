//! Postgres is slow, silent, or has no connection left: waiting has an end, and memory a bound.

use std::{
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use cairn_tests::{
    Installation, Postgres, Proxy, Server,
    load::{Load, Outcome, assert_right_or_later},
    until,
};
use serde_json::{Value, json};

use crate::stage::{
    PATIENCE, RECOVERY, alone, filled, fresh, on, postgres, questions, recovery, resident, rounds,
};

/// Connections that the program may have to its database.
const CONNECTIONS: usize = 4;

/// After this time a statement is given up.
const STATEMENT: Duration = Duration::from_secs(2);

/// What a request may take as a whole, and what it may take with a slow machine.
const REQUEST: &str = "4s";
const LONGEST: Duration = Duration::from_secs(6);

/// What more than the usual the program may hold while many wait.
const WAITING: u64 = 24 << 20;

/// A program that reaches its database through a proxy.
fn behind(postgres: &Postgres, proxy: &Proxy) -> Installation {
    let keys = json!({ "maxOpenConns": CONNECTIONS, "statementTimeout": "2s" });
    let mut config: Value = on(&postgres.url(), &keys);
    let installation = filled(config.clone());
    let port = postgres.port().to_string();
    config["database"]["url"] = json!(postgres.url().replace(&port, &proxy.port().to_string()));
    config["limits"] = json!({ "requests": 24, "requestTimeout": REQUEST, "instances": 2 });
    installation.configure(config);
    installation
}

/// Many more clients than the program has places for, until so many requests have ended.
fn flood(
    server: &Server,
    questions: &[cairn_tests::load::Question],
    wanted: usize,
) -> Vec<Outcome> {
    let load = Load {
        clients: 48,
        questions,
        pause: Duration::from_millis(20),
    };
    let authority = server.public.authority.clone();
    let enough = |ended: &std::sync::atomic::AtomicUsize| {
        until("requests", PATIENCE, || {
            (ended.load(Ordering::Relaxed) >= wanted).then_some(())
        });
    };
    load.run(|_| authority.clone(), enough).1
}

fn assert_bounded(outcomes: &[Outcome]) {
    let (right, later) = assert_right_or_later(outcomes);
    let longest = outcomes.iter().map(|outcome| outcome.took).max();
    let longest = longest.expect("requests");
    println!("{right} right answers, {later} times 503, the longest took {longest:?}");
    assert!(longest < LONGEST, "{longest:?}");
    assert!(later > 0, "nobody was turned away");
}

#[test]
fn a_slow_database_makes_nobody_wait_for_ever() {
    let _alone = alone();
    let Some(postgres) = postgres(&[]) else {
        return;
    };
    let proxy = Proxy::to_port(postgres.port());
    let installation = behind(&postgres, &proxy);
    let server = installation.serve(&["--sync=false"]);
    let questions = questions(&server);
    drop(flood(&server, &questions, 300));
    let before = resident(&server);
    proxy.delay(Duration::from_millis(400));
    for _ in 0..rounds(1, 6) {
        let outcomes = flood(&server, &questions, rounds(300, 600));
        assert_bounded(&outcomes);
        // Slow as it is: who comes alone is answered.
        until("an answer", Duration::from_secs(20), || {
            (fresh(&server, "/v0.1/servers").status == 200).then_some(())
        });
        let grown = resident(&server).saturating_sub(before);
        println!("{} KiB more than before", grown >> 10);
        assert!(grown < WAITING, "{grown} bytes more");
    }
    proxy.delay(Duration::ZERO);
    let took = recovery(&server);
    assert!(took < RECOVERY, "well again after {took:?}");
}

#[test]
fn a_database_that_falls_silent_is_left_and_found_again() {
    let _alone = alone();
    let Some(postgres) = postgres(&[]) else {
        return;
    };
    let proxy = Proxy::to_port(postgres.port());
    let installation = behind(&postgres, &proxy);
    let server = installation.serve(&["--sync=false"]);
    let questions = questions(&server);
    for round in 0..rounds(2, 6) {
        // Once everything is held back; once only what is open, as by an address that has moved.
        let everything = round % 2 == 0;
        if everything {
            proxy.hold();
        } else {
            proxy.strand();
        }
        let silent = Instant::now();
        assert_bounded(&flood(&server, &questions, 200));
        if everything {
            until("readiness to fail", Duration::from_secs(5), || {
                (server.internal.get("/readyz").status == 503).then_some(())
            });
            proxy.release();
        }
        let took = recovery(&server);
        println!(
            "silent for {:?}, well again after {took:?}",
            silent.elapsed()
        );
        assert!(took < RECOVERY + STATEMENT, "well again after {took:?}");
    }
}

/// Somebody who has a connection and does nothing.
struct Occupant(Child);

impl Occupant {
    fn new(url: &str) -> Self {
        let mut psql = Command::new("psql");
        psql.args(["-X", "-q", "-A", "-t", url])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Self(psql.spawn().expect("psql"))
    }
}

impl Drop for Occupant {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Takes whatever connection is free, again and again, until it is told that it is over.
fn occupy(url: &str, over: &AtomicBool) {
    let mut occupants: Vec<Occupant> = Vec::new();
    while !over.load(Ordering::Acquire) {
        // Whoever comes too late ends by itself and leaves its place to the next.
        occupants.retain_mut(|one| matches!(one.0.try_wait(), Ok(None)));
        occupants.push(Occupant::new(url));
        thread::sleep(Duration::from_millis(20));
    }
}

/// Ends the occupation, whatever becomes of the case.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

#[test]
fn a_server_without_a_free_connection_is_answered_by_503() {
    let _alone = alone();
    let Some(postgres) = postgres(&["max_connections=20", "superuser_reserved_connections=0"])
    else {
        return;
    };
    let keys = json!({ "maxOpenConns": CONNECTIONS, "maxIdleConns": 0, "connMaxLifetime": "1s" });
    let mut config = on(&postgres.url(), &keys);
    config["limits"] = json!({ "requests": 24, "requestTimeout": REQUEST, "instances": 2 });
    let installation = filled(config);
    let server = installation.serve(&["--sync=false"]);
    let questions = questions(&server);
    drop(flood(&server, &questions, 300));
    let before = resident(&server);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| occupy(&postgres.url(), &over));
        let _end = End(&over);
        let refused = until("connections to run out", PATIENCE, || {
            let answer = fresh(&server, "/v0.1/servers?limit=2");
            (answer.status != 200).then_some(answer)
        });
        assert_eq!(refused.status, 503, "{}", refused.text());
        assert!(refused.has("retry-after"));
        for _ in 0..rounds(1, 6) {
            assert_bounded(&flood(&server, &questions, rounds(300, 600)));
            let grown = resident(&server).saturating_sub(before);
            println!("{} KiB more than before", grown >> 10);
            assert!(grown < WAITING, "{grown} bytes more");
        }
    });
    let took = recovery(&server);
    assert!(took < RECOVERY, "well again after {took:?}");
}
