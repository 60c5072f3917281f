//! Everything out of one engine and into the other: what is exported there again is the same, and so is every answer.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "support/history.rs"]
mod history;
#[path = "support/moves.rs"]
mod moves;
#[path = "support/postgres.rs"]
mod postgres;

use cairn::{db::Store, migrate};
use cairn_registry::{
    model::Timestamp,
    ops::transfer::{Begun, export},
};
use history::Dice;
use moves::{answers, behind_header, exported, file, imported, live, side, time};

/// From one to the other and back, each time with the same lines and the same answers.
async fn there_and_back(from: Store, over: Store, back: Store) {
    live(&from).await;
    let (first, expected) = (exported(&from, 1).await, answers(&from).await);
    for sort in ["source", "registry", "finding", "entry", "view", "change"] {
        assert!(
            behind_header(&first).contains(&format!("\n{{\"{sort}\":")),
            "{sort}"
        );
    }
    assert!(behind_header(&first).contains("\"tombstone\":true"));
    let mut last = first.clone();
    for db in [&over, &back] {
        assert_eq!(imported(db, &last).await.expect("an import"), Begun::Anew);
        assert_eq!(answers(db).await, expected);
        last = exported(db, 2).await;
        assert_eq!(behind_header(&last), behind_header(&first));
    }
    // Life goes on alike, wherever it was brought.
    for db in [&from, &over, &back] {
        let side = side(db.clone(), "default");
        for step in 1000..1004 {
            side.configure(time(step), &mut Dice(step)).await;
            side.sync(time(step), &mut Dice(step)).await;
        }
    }
    let (last, expected) = (exported(&from, 3).await, answers(&from).await);
    assert!(behind_header(&last) != behind_header(&first));
    for db in [from, over, back] {
        assert_eq!(behind_header(&exported(&db, 4).await), behind_header(&last));
        assert_eq!(answers(&db).await, expected);
        db.close().await;
    }
}

#[tokio::test]
async fn a_database_moves_between_files() {
    there_and_back(file().await, file().await, file().await).await;
}

#[tokio::test]
async fn a_database_moves_from_a_file_to_a_server_and_back() {
    let Some(fresh) = postgres::fresh().await else {
        return;
    };
    migrate::up(&fresh.db, None).await.expect("a schema");
    there_and_back(file().await, fresh.again().into(), file().await).await;
    fresh.end().await;
}

#[tokio::test]
async fn a_database_moves_from_a_server_to_a_file_and_back() {
    let (Some(one), Some(two)) = (postgres::fresh().await, postgres::fresh().await) else {
        return;
    };
    for fresh in [&one, &two] {
        migrate::up(&fresh.db, None).await.expect("a schema");
    }
    there_and_back(one.again().into(), file().await, two.again().into()).await;
    one.end().await;
    two.end().await;
}

#[tokio::test]
async fn an_export_shows_one_moment() {
    let Some(fresh) = postgres::fresh().await else {
        return;
    };
    migrate::up(&fresh.db, None).await.expect("a schema");
    for db in [file().await, fresh.again().into()] {
        live(&db).await;
        let before = exported(&db, 1).await;
        let snapshot = db.snapshot().await.expect("a snapshot");
        let side = side(db.clone(), "other");
        side.configure(time(300), &mut Dice(3)).await;
        side.sync(time(301), &mut Dice(4)).await;
        let mut text = Vec::new();
        let now = Timestamp::from_micros(1);
        let done = export(&snapshot, now, "1.2.3", &mut text, |_| {}).await;
        done.expect("an export");
        assert!(text == before, "what came later is in it");
        assert!(exported(&db, 1).await != before, "nothing came later");
        drop(snapshot);
        db.close().await;
    }
    fresh.end().await;
}
