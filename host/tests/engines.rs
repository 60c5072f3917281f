//! Both engines side by side, Postgres once more without an index of trigrams: a made-up history of writes, and after each of
//! them every kind of read. What one answers, the others have to answer byte for byte.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "support/history.rs"]
mod history;
#[path = "support/postgres.rs"]
mod postgres;

use cairn::{db::Libsql, migrate};
use history::{Dice, Side, query};

/// Steps of a history. Each writes, then everything is read.
const STEPS: usize = 40;

#[tokio::test]
async fn engines_answer_a_made_up_history_alike() {
    let Some(fresh) = postgres::fresh().await else {
        return;
    };
    let poor = postgres::without_extensions().await.expect("the server");
    let sides = [
        Side::new(Libsql::temporary().expect("a file").into()),
        Side::new(fresh.again().into()),
        Side::new(poor.again().into()),
    ];
    for side in &sides {
        migrate::up(&side.db, None).await.expect("a schema");
    }
    let mut now = 1_000_000_000;
    let mut shown = 0;
    for step in 0..STEPS {
        now += 1_000_000;
        let seed = u64::try_from(step).unwrap_or(0) + 7;
        for side in &sides {
            let mut dice = Dice(seed);
            if step % 10 == 0 {
                side.configure(now, &mut dice).await;
            }
            side.sync(now, &mut dice).await;
        }
        let [first, others @ ..] = &sides;
        let reports = first.reports(now).await;
        for other in others {
            assert_eq!(reports, other.reports(now).await, "step {step}");
        }
        let mut dice = Dice(seed + 1000);
        for _ in 0..20 {
            let registry = ["both", "only-b", "strict"][dice.below(3)];
            let query = query(&mut dice, now);
            let told = format!("step {step}, {registry}: {query:?}");
            let (page, count) = first.page(now, registry, query.clone()).await;
            for other in others {
                let (same, _) = other.page(now, registry, query.clone()).await;
                assert_eq!(page, same, "{told}");
            }
            shown += count;
        }
    }
    assert!(shown > 1000, "only {shown} records were compared");
    for side in &sides {
        side.db.close().await;
    }
    fresh.end().await;
    poor.end().await;
}
