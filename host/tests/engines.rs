//! Both engines side by side, Postgres once more without an index of trigrams: a made-up history of writes, and after each of
//! them every kind of read, as a client asks it: lists from their first page to the last, versions, single records, what
//! is deleted, the overview, and what an operator is told. What one answers, the others have to answer byte for byte.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "support/answers.rs"]
mod answers;
#[path = "support/history.rs"]
mod history;
#[path = "support/postgres.rs"]
mod postgres;

use answers::{Places, target};
use cairn::{db::Libsql, migrate};
use history::{Dice, Side, query};

/// Steps of a history. Each writes, then everything is read.
const STEPS: usize = 40;
/// Lists of a step; the first of them is read to its end.
const LISTS: usize = 20;
/// Records of a step that are asked for by name.
const RECORDS: usize = 6;

const REGISTRIES: [&str; 3] = ["both", "only-b", "strict"];

#[tokio::test]
async fn engines_answer_a_made_up_history_alike() {
    let Some(fresh) = postgres::fresh().await else {
        return;
    };
    let poor = postgres::without_extensions().await.expect("the server");
    let mut places = Places::over([
        Libsql::temporary().expect("a file").into(),
        fresh.again().into(),
        poor.again().into(),
    ]);
    for side in places.sides() {
        migrate::up(&side.db, None).await.expect("a schema");
    }
    let mut now = 1_000_000_000;
    for step in 0..STEPS {
        now += 1_000_000;
        let seed = u64::try_from(step).unwrap_or(0) + 7;
        for side in places.sides() {
            write(side, step, now, seed).await;
        }
        let mut dice = Dice(seed + 1000);
        for list in 0..LISTS {
            let registry = REGISTRIES[dice.below(REGISTRIES.len())];
            let pages = if list == 0 { usize::MAX } else { 2 };
            let first = target(registry, &query(&mut dice, now));
            places.walk(&first, pages).await;
        }
        for _ in 0..RECORDS {
            record(&mut places, &mut dice).await;
        }
        for root in ["/", "/v0.1/servers?limit=3", "/health"] {
            places.alike(root).await;
        }
        reports(&places, now, step).await;
    }
    let seen = &places.seen;
    assert!(seen.records > 10_000, "{seen:?}");
    assert!(seen.next_pages > 200, "{seen:?}");
    assert!(seen.deleted > 100, "{seen:?}");
    for side in places.sides() {
        side.db.close().await;
    }
    fresh.end().await;
    poor.end().await;
}

async fn write(side: &Side, step: usize, now: i64, seed: u64) {
    let mut dice = Dice(seed);
    if step.is_multiple_of(10) {
        side.configure(now, &mut dice).await;
    }
    side.sync(now, &mut dice).await;
}

/// A record that some list has shown, in every way it can be asked for in any registry.
async fn record(places: &mut Places, dice: &mut Dice) {
    let Some((name, version)) = places.some_record(dice) else {
        return;
    };
    let registry = REGISTRIES[dice.below(REGISTRIES.len())];
    let versions = format!("/registry/{registry}/v0.1/servers/{name}/versions");
    for deleted in ["", "?include_deleted=true"] {
        for path in ["", "/latest", &format!("/{version}"), "/no-such-version"] {
            places.alike(&format!("{versions}{path}{deleted}")).await;
        }
    }
}

async fn reports(places: &Places, now: i64, step: usize) {
    let mut told = Vec::new();
    for side in places.sides() {
        told.push(side.reports(now).await);
    }
    for other in &told {
        assert_eq!(told[0], *other, "step {step}");
    }
}
