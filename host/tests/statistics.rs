//! What the planner knows of tables that a batch has filled, and what it costs others to let it know.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "support/postgres.rs"]
mod support;

use std::time::{Duration, Instant};

use cairn::{db::Postgres, migrate};
use cairn_registry::store::{Db, Statement};
use support::{Fresh, fresh};

async fn database() -> Option<Fresh> {
    let fresh = fresh().await?;
    migrate::up(&fresh.db, None).await.unwrap();
    Some(fresh)
}

async fn count(db: &Postgres) -> i64 {
    let rows = db.query(
        "SELECT count(*) FROM reference WHERE namespace = 'other'",
        vec![],
    );
    let row = rows.await.unwrap().into_iter().next();
    row.unwrap().integer().unwrap()
}

/// As soon as its generation is another one than when it was opened.
async fn has_moved(db: &Postgres) {
    let moved = async {
        while db.generation() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let moved = tokio::time::timeout(Duration::from_secs(1), moved).await;
    moved.expect("it moves within a second");
}

fn reference(id: i64) -> Statement {
    Statement::new(
        "INSERT INTO reference (namespace, entry_id, relation, target) VALUES (?1, ?2, ?3, ?4)",
        vec![
            "default".into(),
            id.into(),
            "package".into(),
            "x".repeat(200).into(),
        ],
    )
}

#[tokio::test]
async fn a_table_that_a_batch_has_filled_is_known_to_the_planner() {
    let Some(fresh) = database().await else {
        return;
    };
    let known = "SELECT count(*) FROM pg_stats WHERE tablename = 'reference'";
    let known = async || fresh.db.query(known, vec![]).await.unwrap()[0].integer();
    fresh.db.batch(vec![reference(0)]).await.unwrap();
    assert_eq!(known().await.unwrap(), 0, "a row is no reason");
    fresh
        .db
        .batch((1..2_000).map(reference).collect())
        .await
        .unwrap();
    assert_eq!(known().await.unwrap(), 4, "columns");
    fresh.end().await;
}

#[tokio::test]
async fn a_large_batch_is_known_before_its_tables_are_looked_at() {
    let Some(fresh) = database().await else {
        return;
    };
    let mut settings = fresh.settings.clone();
    settings.connections = 1;
    settings.statement_timeout = Duration::from_secs(2);
    let db = Postgres::new(&settings).unwrap();
    let locker = fresh.db.session();
    for sql in [
        "BEGIN",
        "LOCK TABLE reference IN SHARE UPDATE EXCLUSIVE MODE",
    ] {
        locker.run(sql, &[]).await.unwrap();
    }
    let mut batch = Box::pin(db.batch((0..2_000).map(reference).collect()));
    tokio::select! {
        _ = &mut batch => unreachable!("whoever looks has to wait for the lock"),
        () = has_moved(&db) => {}
    }
    drop(batch);
    // Nobody waits behind the look that was left.
    let begun = Instant::now();
    assert_eq!(count(&db).await, 0);
    assert!(begun.elapsed() < Duration::from_secs(1));
    let batch = db.batch((2_000..8_000).map(reference).collect());
    batch.await.expect("whether there was a look or not");
    drop(locker);
    fresh.end().await;
}
