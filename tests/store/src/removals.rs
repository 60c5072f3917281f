//! Removals of a whole pass, and leases that another holder may take.

use super::fixture::{World, record, with_deleted};
use cairn_registry::{
    model::{Filter, SourceName},
    ops::{
        browse::Query,
        configure,
        ingest::Item,
        pass::{self, Claim, Mode},
        removals::Removals,
        report,
    },
    store::{Db, Statement},
};

const ALL: &[(&str, &[&str])] = &[("all", &["a"])];

/// Seconds that a removal waits.
const AFTER: i64 = 60;

fn records(range: std::ops::Range<usize>) -> Vec<Item> {
    range
        .map(|index| record(&format!("n/{index:03}"), "1.0.0", "d"))
        .collect()
}

async fn confirming<D: Db>(db: &D, count: usize) -> World<'_, D> {
    let mut world = World::new(db);
    world.removals = Removals::Confirmed { after: AFTER };
    world.configure(ALL, &Filter::default()).await;
    world.sync("a", Mode::Full, records(0..count)).await;
    world
}

async fn living<D: Db>(world: &World<'_, D>) -> usize {
    world.list("", Query::default()).await.len()
}

async fn row<D: Db>(world: &World<'_, D>) -> report::Source {
    report::source(world.cx(), "a").await.unwrap()
}

pub(super) async fn removals_of_most_records_wait_for_a_second_pass(db: &impl Db) {
    let mut world = confirming(db, 30).await;
    for left in [0, 2] {
        let found = move || -> Vec<Item> {
            records(0..left)
                .into_iter()
                .chain(records(90..91 * left / 2))
                .collect()
        };
        let more = usize::from(left > 0);
        // Twice within the time: what comes is taken, nothing is removed.
        for _ in 0..2 {
            world.sync("a", Mode::Full, found()).await;
            assert_eq!(living(&world).await, 30 + more, "{left} left");
            let row = row(&world).await;
            assert_eq!(
                (row.phase.as_str(), row.held_removals),
                ("held", 30 - i64::try_from(left).unwrap())
            );
            assert!(row.message.contains("--allow-removals"), "{}", row.message);
            assert_eq!((row.fingerprint.as_str(), row.mark.as_str()), ("", ""));
            assert_eq!(row.attempts, 0);
        }
        // An honest pass in between ends it.
        world.sync("a", Mode::Full, records(0..30)).await;
        let honest = row(&world).await;
        assert_eq!(
            (honest.phase.as_str(), honest.held_removals),
            ("complete", 0)
        );
        world.now += AFTER * 1_000_000;
        world.sync("a", Mode::Full, found()).await;
        assert!(living(&world).await >= 30, "it waits anew");
        world.sync("a", Mode::Full, records(0..30)).await;
    }
    world.sync("a", Mode::Full, records(0..2)).await;
    world.now += AFTER * 1_000_000;
    world.sync("a", Mode::Full, records(0..2)).await;
    assert_eq!(living(&world).await, 2, "confirmed");
    let row = row(&world).await;
    assert_eq!(
        (row.phase.as_str(), row.held_removals, row.held_since),
        ("complete", 0, None)
    );
    // The last of few.
    world.sync("a", Mode::Full, Vec::new()).await;
    assert_eq!(living(&world).await, 2);
    assert_eq!(world.shown("", with_deleted()).await.len(), 31);
}

pub(super) async fn removals_of_few_records_and_unbounded_ones_do_not_wait(db: &impl Db) {
    let mut world = confirming(db, 30).await;
    world.sync("a", Mode::Full, records(0..3)).await;
    assert_eq!(living(&world).await, 3, "nine tenths");
    // One version in the place of another.
    world.sync("a", Mode::Full, records(3..6)).await;
    assert_eq!(living(&world).await, 3, "replaced");
    world.removals = Removals::Unbounded;
    world.sync("a", Mode::Full, Vec::new()).await;
    assert_eq!(living(&world).await, 0);
    assert_eq!(row(&world).await.phase, "complete");
}

pub(super) async fn sources_that_move_elsewhere_remove_at_once(db: &impl Db) {
    let mut world = confirming(db, 30).await;
    let moved = configure::SourceSpec {
        origin: "test:elsewhere".to_owned(),
        ..world.source("a")
    };
    configure::apply(world.cx(), &[moved], &[]).await.unwrap();
    world.configure(ALL, &Filter::default()).await;
    // The time at which a pass would be confirmed has come since the begin of time.
    world.now += AFTER * 1_000_000;
    world.sync("a", Mode::Full, records(40..41)).await;
    assert_eq!(living(&world).await, 1);
    assert_eq!(row(&world).await.held_since, None, "once only");
}

pub(super) async fn leases_of_gone_holders_and_wrong_clocks_are_free(db: &impl Db) {
    let mut world = World::new(db);
    world.configure(ALL, &Filter::default()).await;
    let spec = world.source("a");
    assert_eq!(spec.name, SourceName::new("a").unwrap());
    let claim = async |owner: &str, gone: &str| {
        let claim = pass::claim_from(world.cx(), &spec, owner, 60, gone).await;
        matches!(claim.unwrap(), Claim::Granted(_))
    };
    assert!(claim("first", "").await);
    assert!(!claim("second", "").await);
    assert!(!claim("second", "third").await);
    assert!(claim("second", "first").await);
    for (seconds, free) in [(100, false), (121, true), (400 * 24 * 3600, true)] {
        let until = world.now + seconds * 1_000_000;
        let set = "UPDATE source SET lease_owner = 'other', lease_until = ?1";
        db.batch(vec![Statement::new(set, vec![until.into()])])
            .await
            .unwrap();
        assert_eq!(claim("second", "").await, free, "{seconds} s ahead");
    }
}
