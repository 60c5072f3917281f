//! A clock that jumps between starts of the daemon.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use super::{Site, row, until};
use crate::{db::Store, serve::Health, sync::Watch};

const INTERVAL: Duration = Duration::from_millis(100);

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;

/// Longest time until a change is read: an interval, and the time of a pass on a busy machine.
const SOON: Duration = Duration::from_secs(4);

/// Moves the clock as far as a dead battery, a restored snapshot or a wrong time zone does.
fn jump(site: &Site, random: &mut fastrand::Rng) -> String {
    let right = crate::clock::now().as_micros();
    let before = site.ahead.load(Ordering::Relaxed);
    let (what, after) = match random.u8(..7) {
        0 => ("400 days ahead", before + 400 * DAY),
        1 => ("400 days back", before - 400 * DAY),
        2 => ("an hour ahead", before + HOUR),
        3 => ("an hour back", before - HOUR),
        4 => ("to 1970", -right),
        5 => ("half a minute back", before - HOUR / 120),
        _ => ("to the right time", 0),
    };
    let after = after.max(-right);
    site.ahead.store(after, Ordering::Relaxed);
    what.to_owned()
}

fn names(count: i64) -> Vec<String> {
    (0..count).map(|index| format!("n/{index}")).collect()
}

/// Changes the upstream and waits until it is read.
async fn follow(site: &Site, db: &Store, count: i64, story: &[String]) {
    site.list(&names(count));
    let begun = Instant::now();
    let read = async || {
        let row = row(db).await;
        assert!(begun.elapsed() < SOON, "{story:?}: {row:?}");
        row.phase == "complete" && row.records == count
    };
    until("the change is read", read).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sources_go_on_through_clocks_that_jump_between_starts() {
    let seed = 12;
    let mut random = fastrand::Rng::with_seed(seed);
    let site = Site::new();
    let db = site.open().await;
    let health = Arc::new(Health::default());
    let watch = Watch::new(db.clone(), health, Arc::clone(&site.metrics));
    let mut story = vec![format!("seed {seed}")];
    let mut count = 1;
    site.list(&names(count));
    let first = site.daemon(&db, INTERVAL);
    first.apply().await.expect("a configuration");
    for _ in 0..40 {
        story.push(jump(&site, &mut random));
        let daemon = Arc::new(site.daemon(&db, INTERVAL));
        let task = tokio::spawn(Arc::clone(&daemon).run());
        for _ in 0..2 {
            // Upstreams lose records, too.
            count = if count > 5 { count - 1 } else { count + 2 };
            follow(&site, &db, count, &story).await;
        }
        watch.look().await;
        daemon.stop();
        task.await.expect("an end");
    }
}
