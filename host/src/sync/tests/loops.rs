//! Loops whose outcome cannot be written, and tasks that panic.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::{Site, row, until};
use crate::{
    db::Store,
    serve::Health,
    sync::{Outcome, Watch, daemon::Daemon},
};

/// Rows of sources can be read and not be written.
const REFUSE: &str =
    "ALTER TABLE source RENAME TO stored; CREATE VIEW source AS SELECT * FROM stored";
const ACCEPT: &str = "DROP VIEW source; ALTER TABLE stored RENAME TO source";

const INTERVAL: Duration = Duration::from_millis(100);

fn names(count: usize) -> Vec<String> {
    (0..count).map(|index| format!("n/{index}")).collect()
}

/// Runs a script on the connection that writes.
async fn on_writer(db: &Store, sql: &str) {
    let Store::Libsql(file) = db else {
        panic!("an embedded database")
    };
    file.script(sql).await.expect(sql);
}

/// Attempts of that outcome so far.
fn attempts(site: &Site, outcome: &str) -> u64 {
    let text = site.metrics.render().expect("metrics");
    let begins = "stacklok_registry_sync_duration_seconds_count";
    let of = |line: &&str| line.starts_with(begins) && line.contains(outcome);
    let line = text.lines().find(of).unwrap_or("0");
    let number = line.rsplit(' ').next().expect("a number");
    number.parse().expect("a number")
}

async fn runs(daemon: &Arc<Daemon>) -> tokio::task::JoinHandle<()> {
    let task = tokio::spawn(Arc::clone(daemon).run());
    until("the source is read", async || {
        let found = daemon.sources().await.unwrap_or_default();
        found.iter().any(|source| source.phase == "complete")
    })
    .await;
    task
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn databases_that_take_no_writes_are_tried_with_growing_pauses() {
    let site = Site::new();
    site.list(&names(3));
    let db = site.open().await;
    let daemon = Arc::new(site.daemon(&db, INTERVAL));
    let health = Arc::new(Health::default());
    let watch = Watch::new(db.clone(), Arc::clone(&health), Arc::clone(&site.metrics));
    let watch = watch.beside(&daemon);
    let task = runs(&daemon).await;

    on_writer(&db, REFUSE).await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    let failed = attempts(&site, "failure");
    assert!((1..=6).contains(&failed), "{failed} attempts in 6 s");
    watch.look().await;
    let answer = health.ready(&db).await.1;
    let components = &answer["components"];
    assert_eq!(
        components["sources"]["source"]["status"], "failed",
        "{answer}"
    );
    let figures = site.metrics.render().expect("metrics");
    let failures = figures
        .lines()
        .find(|line| line.starts_with("cairn_source_failures"));
    assert!(
        failures.is_some_and(|line| !line.ends_with(" 0")),
        "{failures:?}"
    );

    let before = attempts(&site, "success");
    on_writer(&db, ACCEPT).await;
    let back = async || attempts(&site, "success") > before;
    let soon = tokio::time::timeout(Duration::from_secs(5), until("writes", back));
    soon.await.expect("recovery within 5 s");
    watch.look().await;
    let answer = health.ready(&db).await.1;
    assert_eq!(
        answer["components"]["sources"]["source"]["status"],
        "complete"
    );
    daemon.stop();
    task.await.expect("an end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn panicking_tasks_are_marked_failed_and_started_again() {
    let site = Site::new();
    site.list(&names(3));
    let db = site.open().await;
    let broken = Arc::new(AtomicBool::default());
    let breaks = Arc::clone(&broken);
    let clock = move || {
        assert!(
            !breaks.swap(false, Ordering::Relaxed),
            "the clock is broken"
        );
        crate::clock::now()
    };
    let daemon = site.daemon(&db, INTERVAL).by_clock(Box::new(clock));
    let daemon = Arc::new(daemon);
    let task = runs(&daemon).await;
    broken.store(true, Ordering::Relaxed);
    until("the panic is written", async || {
        row(&db).await.phase == "failed"
    })
    .await;
    let failed = row(&db).await;
    assert!(
        failed.message.contains("the clock is broken"),
        "{}",
        failed.message
    );
    assert_eq!(failed.attempts, 1);
    let text = site.metrics.render().expect("metrics");
    let counted = text
        .lines()
        .any(|line| line.contains(r#"error_type="panic""#));
    assert!(counted, "{text}");
    until("the source is read again", async || {
        row(&db).await.phase == "complete"
    })
    .await;
    daemon.stop();
    task.await.expect("an end");
}

#[tokio::test]
async fn committed_records_are_counted_while_sources_are_read() {
    let site = Site::new();
    site.list(&names(30));
    let db = site.open().await;
    let daemon = site.daemon(&db, Duration::from_secs(3600));
    daemon.apply().await.expect("applied");
    assert_eq!(daemon.committed(), 0);
    let outcomes = daemon.once(None, &|_, _| {}).await;
    assert!(
        matches!(outcomes[..], [(_, Outcome::Complete { .. })]),
        "{outcomes:?}"
    );
    assert_eq!(daemon.committed(), 30);
    db.close().await;
}
