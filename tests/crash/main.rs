//! What is left after a daemon was killed at any moment of a large sync: a whole database, and a pass that goes on from
//! its last committed page to the same end. Killed 20 times, or `CAIRN_CRASHES` times.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "failing loudly is a test's purpose"
)]

mod database;

use std::{
    env,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use cairn_tests::{
    Installation, Upstream,
    installation::of_source,
    upstream::{Asked, Given, pages},
};
use fastrand::Rng;
use serde_json::json;

use crate::database::Database;

/// Pages of the upstream, and records on each.
const PAGES: usize = 200;
const SIZE: usize = 100;

fn installation(upstream: &Upstream) -> Installation {
    let source =
        json!({ "api": { "endpoint": upstream.url() }, "syncPolicy": { "interval": "1h" } });
    let mut config = of_source(source);
    // A daemon that died keeps others from its source for as long: the shortest there is.
    config["sync"] = json!({ "lease": "1s" });
    Installation::new(config)
}

fn crashes() -> usize {
    let given = env::var("CAIRN_CRASHES").ok();
    given.map_or(20, |number| {
        number.parse().expect("CAIRN_CRASHES is a number")
    })
}

/// The same every time, when it is given the number that was printed.
fn seeded() -> Rng {
    let given = env::var("CAIRN_SEED").ok();
    let seed = given.map_or_else(
        || fastrand::u64(..),
        |seed| seed.parse().expect("CAIRN_SEED is a number"),
    );
    println!("CAIRN_SEED={seed}");
    Rng::with_seed(seed)
}

/// A little slower than a list from memory, so that moments between pages are met too.
fn upstream() -> Upstream {
    let answer = pages(PAGES, SIZE);
    Upstream::start(move |asked: &Asked| -> Given {
        thread::sleep(Duration::from_millis(2));
        answer(asked)
    })
}

fn begin(installation: &Installation) -> Child {
    let mut command = installation.command(&["sync", "--once"]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().expect("the binary")
}

/// Kills a run that got `time` from its first request on; `false` when it came to its end before.
fn run_for(installation: &Installation, upstream: &Upstream, time: Duration) -> bool {
    upstream.forget();
    let mut child = begin(installation);
    let mut first = None;
    loop {
        if let Some(status) = child.try_wait().expect("a child") {
            assert!(status.success(), "{status}");
            return false;
        }
        if first.is_none() && !upstream.asked().is_empty() {
            first = Some(Instant::now());
        }
        if first.is_some_and(|first| first.elapsed() >= time) {
            child.kill().expect("a child");
            child.wait().expect("a child");
            return true;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// An undisturbed run: how long it takes from its first request on, and what it leads to.
fn undisturbed() -> (Duration, Vec<String>) {
    let upstream = upstream();
    let installation = installation(&upstream);
    let begun = Instant::now();
    assert!(!run_for(&installation, &upstream, Duration::MAX));
    let took = begun.elapsed();
    assert_eq!(upstream.asked().len(), PAGES);
    let database = Database::open(&installation.database());
    database.assert_whole();
    let content = database.content();
    assert_eq!(content.len(), PAGES * SIZE);
    (took, content)
}

#[test]
fn a_daemon_may_be_killed_at_any_moment() {
    let (whole, expected) = undisturbed();
    let mut rng = seeded();
    let upstream = upstream();
    let (mut kills, mut resumed, mut finished) = (0, 0, 0);
    let mut place = installation(&upstream);
    while kills < crashes() {
        // Mostly short runs, so that one pass is cut several times; some that come close to its end.
        let time = whole.mul_f64(rng.f64().powi(2));
        let was_killed = run_for(&place, &upstream, time);
        let database = Database::open(&place.database());
        database.assert_whole();
        database.assert_at_a_border(SIZE, PAGES);
        resumed += usize::from(
            upstream
                .asked()
                .first()
                .is_some_and(|first| first.parameter("cursor").is_some()),
        );
        if was_killed {
            kills += 1;
        } else {
            assert_eq!(database.content(), expected, "after {kills} kills");
            finished += 1;
            place = installation(&upstream);
        }
    }
    if place.database().exists() {
        assert!(!run_for(&place, &upstream, Duration::MAX));
        let database = Database::open(&place.database());
        database.assert_whole();
        assert_eq!(database.content(), expected);
        finished += 1;
    }
    println!("{kills} kills, {resumed} runs resumed, {finished} passes came to the same end");
    assert!(resumed > 0, "no run ever went on from a saved page");
}
