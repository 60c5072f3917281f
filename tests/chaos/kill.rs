//! A replica is killed while it reads a source: on either engine another goes on with the same pass, within the time of the
//! lease, and what it comes to is what an undisturbed one comes to.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use cairn_tests::{
    Installation, Postgres, Server, Upstream, database,
    installation::of_source,
    until,
    upstream::{Asked, Given, pages},
};
use serde_json::{Value, json};

use crate::stage::{PATIENCE, alone, fresh, number, postgres, rounds};

/// Pages of the upstream, and records on each.
const PAGES: usize = 60;
const SIZE: usize = 100;

/// How long a replica keeps others from its source after it was heard of last.
const LEASE: Duration = Duration::from_secs(1);

/// A replica looks again every second whether the lease is free; the rest is a slow machine.
const TAKEN_OVER: Duration = Duration::from_secs(1 + 1 + 1);

fn upstream(pause: Duration, size: usize) -> Upstream {
    let answer = pages(PAGES, size);
    Upstream::start(move |asked: &Asked| -> Given {
        thread::sleep(pause);
        answer(asked)
    })
}

/// A slow upstream that gives no page from a certain one on: whoever reads it is held there.
struct Gate {
    upstream: Upstream,
    below: Arc<AtomicUsize>,
    held: Arc<AtomicUsize>,
}

impl Gate {
    /// Before the last page.
    fn new() -> Self {
        let (below, held) = (
            Arc::new(AtomicUsize::new(PAGES - 1)),
            Arc::<AtomicUsize>::default(),
        );
        let (end, count, answer) = (Arc::clone(&below), Arc::clone(&held), pages(PAGES, SIZE));
        let upstream = Upstream::start(move |asked: &Asked| -> Given {
            thread::sleep(Duration::from_millis(20));
            let is_closed = || page(asked) >= end.load(Ordering::Acquire);
            if is_closed() {
                count.fetch_add(1, Ordering::AcqRel);
                while is_closed() {
                    thread::sleep(Duration::from_millis(10));
                }
                count.fetch_sub(1, Ordering::AcqRel);
            }
            answer(asked)
        });
        Self {
            upstream,
            below,
            held,
        }
    }

    /// Gives nothing any more.
    fn close(&self) {
        self.below.store(0, Ordering::Release);
    }

    /// Gives all there is.
    fn open(&self) {
        self.below.store(PAGES, Ordering::Release);
    }

    /// Waits until the one who reads is held, and so asks for nothing more.
    fn until_held(&self) {
        until("the reader to be held", PATIENCE, || {
            (self.held.load(Ordering::Acquire) > 0).then_some(())
        });
    }

    /// Waits for the first request since the last ones were forgotten, and gives its page.
    fn resumed(&self) -> usize {
        let first = || self.upstream.asked().first().map(page);
        until("the other to take over", PATIENCE, first)
    }
}

fn page(asked: &Asked) -> usize {
    let cursor = asked.parameter("cursor").unwrap_or("0");
    cursor.parse().expect("a cursor of ours")
}

fn config(upstream: &Upstream, database: Option<&str>, lease: Duration) -> Value {
    let source =
        json!({ "api": { "endpoint": upstream.url() }, "syncPolicy": { "interval": "1h" } });
    let mut config = of_source(source);
    config["sync"] = json!({ "lease": format!("{}s", lease.as_secs()) });
    if let Some(url) = database {
        config["database"] = json!({ "url": url });
    }
    config
}

/// Whole pages, each record shown once, and nothing shown that is not there.
fn assert_whole(installation: &Installation, database: Option<&str>) -> usize {
    let number = |sql| number(installation, database, sql);
    let entries = number("SELECT count(*) FROM entry");
    assert_eq!(entries % SIZE, 0, "{entries} records: whole pages only");
    assert_eq!(number("SELECT count(*) FROM view"), entries);
    assert_eq!(number("SELECT count(*) FROM reference"), entries);
    let several =
        "SELECT count(*) FROM (SELECT name FROM view GROUP BY name HAVING sum(latest) <> 1) n";
    assert_eq!(
        number(several),
        0,
        "names without exactly one latest version"
    );
    entries
}

fn until_committed(installation: &Installation, database: Option<&str>) {
    until("the first commit", PATIENCE, || {
        (number(installation, database, "SELECT count(*) FROM entry") > 0).then_some(())
    });
}

/// Every page of the list.
fn listed(server: &Server) -> Vec<String> {
    let (mut keys, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = fresh(server, &format!("/v0.1/servers?limit=100{cursor}"));
        keys.extend(page.keys());
        match page.next() {
            Some(next) => cursor = format!("&cursor={}", cairn_tests::encode(&next)),
            None => return keys,
        }
    }
}

fn until_read(server: &Server) {
    until("the source to be read", PATIENCE, || {
        (server.source("source")["status"] == "complete").then_some(())
    });
}

/// Kills one replica so many pages after its first commit, and looks at what the other does. Gives what is listed in the
/// end.
fn succeed(database: Option<&str>, after: usize) -> Vec<String> {
    let gate = Gate::new();
    let upstream = &gate.upstream;
    let installation = Installation::new(config(upstream, database, LEASE));
    let first = installation.start(&[]);
    let asked = |pages: usize| {
        until("pages to be asked for", PATIENCE, || {
            (upstream.asked().len() >= pages.min(PAGES)).then_some(())
        });
    };
    asked(2);
    let second = installation.start(&[]);
    until_committed(&installation, database);
    asked(upstream.asked().len() + after);
    first.signal("KILL");
    let killed = Instant::now();
    drop(first);
    gate.close();
    upstream.forget();
    let resumed = gate.resumed();
    let took = killed.elapsed();
    // The other one is held at its first page, so that this is what the first one left.
    let committed = assert_whole(&installation, database);
    println!("{committed} records at the kill, taken over after {took:?}");
    assert!(took < TAKEN_OVER, "taken over after {took:?}");
    assert!(committed > 0 && committed < PAGES * SIZE);
    assert_eq!(
        resumed,
        committed / SIZE,
        "it goes on where the first one stopped"
    );
    gate.open();
    until_read(&second);
    assert_eq!(assert_whole(&installation, database), PAGES * SIZE);
    let keys = listed(&second);
    assert!(second.stop().success());
    keys
}

fn undisturbed() -> Vec<String> {
    let upstream = upstream(Duration::ZERO, SIZE);
    let installation = Installation::new(config(&upstream, None, LEASE));
    let server = installation.serve(&[]);
    until_read(&server);
    listed(&server)
}

#[test]
fn a_replica_that_is_killed_is_succeeded_within_its_lease() {
    let _alone = alone();
    let expected = undisturbed();
    assert!(expected.len() > PAGES * SIZE / 2, "{}", expected.len());
    let server: Option<Postgres> = postgres(&[]);
    for round in 0..rounds(1, 5) {
        let after = 5 * round;
        assert!(succeed(None, after) == expected, "on libsql, {after}");
        let Some(server) = &server else {
            continue;
        };
        let name = format!("kill_{round}");
        database::ask(&server.url(), &format!("CREATE DATABASE {name}"));
        let url = server.url_of(&name);
        assert!(
            succeed(Some(&url), after) == expected,
            "on Postgres, {after}"
        );
    }
}

#[test]
fn a_replica_that_is_slow_is_not_robbed_of_its_source() {
    let _alone = alone();
    // No page takes long enough to be noticed, and nothing is committed before the last one.
    let upstream = upstream(LEASE / 10, 10);
    let installation = Installation::new(config(&upstream, None, LEASE));
    let first = installation.start(&[]);
    until("the first pages", PATIENCE, || {
        (!upstream.asked().is_empty()).then_some(())
    });
    let second = installation.serve(&[]);
    until_read(&second);
    assert_eq!(upstream.asked().len(), PAGES, "each page is read once");
    assert!(first.stop().success() && second.stop().success());
}

/// Its lease would keep others out for longer than the case takes.
fn hand_over(database: Option<&str>) {
    let gate = Gate::new();
    let installation = Installation::new(config(&gate.upstream, database, PATIENCE * 10));
    let first = installation.start(&[]);
    until_committed(&installation, database);
    gate.close();
    gate.until_held();
    // What is asked from here on is asked by the other one.
    gate.upstream.forget();
    let second = installation.start(&[]);
    assert!(first.stop().success());
    let gone = Instant::now();
    let resumed = gate.resumed();
    let took = gone.elapsed();
    let committed = assert_whole(&installation, database);
    println!("{committed} records at the end, taken over after {took:?}");
    assert!(took < TAKEN_OVER, "taken over after {took:?}");
    assert!(committed < PAGES * SIZE);
    assert_eq!(resumed, committed / SIZE);
    gate.open();
    until_read(&second);
    assert_eq!(assert_whole(&installation, database), PAGES * SIZE);
    assert!(second.stop().success());
}

#[test]
fn a_replica_that_is_told_to_go_gives_its_source_back() {
    let _alone = alone();
    let server: Option<Postgres> = postgres(&[]);
    for _ in 0..rounds(1, 3) {
        hand_over(None);
    }
    let Some(server) = &server else {
        return;
    };
    for round in 0..rounds(1, 3) {
        let name = format!("handed_{round}");
        database::ask(&server.url(), &format!("CREATE DATABASE {name}"));
        hand_over(Some(&server.url_of(&name)));
    }
}
