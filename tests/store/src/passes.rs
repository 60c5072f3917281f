//! Passes: what is written, what is resumed, what is refused.

use super::fixture::{Dice, Element, World, official, raw, record, with_deleted};
use cairn_registry::{
    ErrorKind,
    kinds::Kind,
    model::{Filter, Timestamp},
    ops::{
        browse::Query,
        findings,
        ingest::Item,
        pass::{self, Claim, Mode},
        report::{self, Class},
    },
    store::{Db, Statement},
};

const ALL: &[(&str, &[&str])] = &[("all", &["a"])];

pub(super) async fn an_unchanged_record_is_not_written(db: &impl Db) {
    let mut world = World::new(db);
    world.configure(ALL, &Filter::default()).await;
    let records = || {
        (0..9)
            .map(|index| record(&format!("n/{index}"), "1.0.0", "d"))
            .collect::<Vec<_>>()
    };
    assert_eq!(world.sync("a", Mode::Full, records()).await.written, 9);
    let before = world.list("", with_deleted()).await;
    assert_eq!(world.sync("a", Mode::Full, records()).await.written, 0);
    let after = world.list("", with_deleted()).await;
    let tags = |list: &[Element]| list.iter().map(|one| one.tag.clone()).collect::<Vec<_>>();
    assert_eq!(tags(&before), tags(&after));
}

pub(super) async fn what_vanished_becomes_a_tombstone_after_a_complete_pass_only(db: &impl Db) {
    let mut world = World::new(db);
    world.configure(ALL, &Filter::default()).await;
    let records = |range: std::ops::Range<usize>| -> Vec<Item> {
        range
            .map(|index| record(&format!("n/{index}"), "1.0.0", "d"))
            .collect()
    };
    world.sync("a", Mode::Full, records(0..3)).await;
    let unfinished = world.begin("a", Mode::Full).await;
    world.take(&unfinished, records(0..1), "").await.unwrap();
    assert_eq!(
        world.shown("", with_deleted()).await,
        ["n/0@1.0.0*", "n/1@1.0.0*", "n/2@1.0.0*"]
    );
    world.sync("a", Mode::Incremental, records(0..1)).await;
    assert_eq!(
        world.shown("", with_deleted()).await,
        ["n/0@1.0.0*", "n/1@1.0.0*", "n/2@1.0.0*"]
    );
    world.sync("a", Mode::Full, records(0..1)).await;
    assert_eq!(
        world.shown("", with_deleted()).await,
        ["n/0@1.0.0*", "n/1@1.0.0*!deleted", "n/2@1.0.0*!deleted"]
    );
    world.sync("a", Mode::Full, records(1..2)).await;
    assert_eq!(
        world.shown("", with_deleted()).await,
        ["n/0@1.0.0*!deleted", "n/1@1.0.0*", "n/2@1.0.0*!deleted"]
    );
}

pub(super) async fn a_resumed_pass_ends_like_an_uninterrupted_one(db: &impl Db) {
    let mut world = World::new(db);
    let mut dice = Dice::new(5);
    world
        .configure(&[("all", &["a"]), ("twin", &["b"])], &Filter::default())
        .await;
    for source in ["a", "b"] {
        let old = (0..30)
            .map(|index| record(&format!("n/{index:02}"), "1.0.0", "old"))
            .collect();
        world.sync(source, Mode::Full, old).await;
    }
    let page = |number: usize| -> Vec<Item> {
        (0..5)
            .map(|index| record(&format!("n/{:02}", number * 5 + index), "1.1.0", "new"))
            .collect()
    };
    let whole = (0..4).flat_map(page).collect();
    world.sync("b", Mode::Full, whole).await;
    let mut number = 0;
    let mut pass = world.begin("a", Mode::Full).await;
    while number < 4 {
        if dice.below(2) == 0 {
            // The process dies here: all that is left of it is what was committed.
            drop(pass);
            pass = world.begin("a", Mode::Incremental).await;
            number = pass
                .resume
                .as_ref()
                .map_or(0, |cursor| cursor.parse().unwrap());
        }
        assert_eq!(
            pass.mode(),
            if number == 0 { pass.mode() } else { Mode::Full }
        );
        if number == 0 {
            pass = world.begin("a", Mode::Full).await;
        }
        world
            .take(&pass, page(number), &(number + 1).to_string())
            .await
            .unwrap();
        number += 1;
    }
    world.complete(pass).await;
    let resumed = world.shown("all", with_deleted()).await;
    assert_eq!(resumed, world.shown("twin", with_deleted()).await);
    assert_eq!(resumed.len(), 50);
}

pub(super) async fn a_lost_lease_stops_its_writer(db: &impl Db) {
    let mut world = World::new(db);
    world.configure(ALL, &Filter::default()).await;
    let slow = world.begin("a", Mode::Full).await;
    let source = world.source("a");
    let claim = pass::claim(world.cx(), &source, "other", 60).await;
    assert!(matches!(claim, Ok(Claim::Held(_))), "{claim:?}");
    world.now += 61_000_000;
    let claim = pass::claim(world.cx(), &source, "other", 60).await;
    let lease = claim.unwrap().granted().expect("the lease has expired");
    let other = pass::begin(
        world.cx(),
        lease,
        Kind::Server,
        Filter::default(),
        Mode::Full,
        true,
    )
    .await
    .unwrap();
    let late = world
        .take(&slow, vec![record("n/late", "1.0.0", "d")], "")
        .await;
    assert_eq!(late.err().map(|error| error.kind()), Some(ErrorKind::Stale));
    world
        .take(&other, vec![record("n/x", "1.0.0", "d")], "")
        .await
        .unwrap();
    world.complete(other).await;
    assert_eq!(world.shown("", with_deleted()).await, ["n/x@1.0.0*"]);
}

pub(super) async fn one_bad_record_never_costs_the_others(db: &impl Db) {
    let mut world = World::new(db);
    world.configure(ALL, &Filter::default()).await;
    let items = vec![
        raw("servers[0]", "17"),
        record("n/x", "1.0.0", "d"),
        raw(
            "servers[2]",
            r#"{"name":"n/y","version":"latest","description":"d"}"#,
        ),
        Item::Rejected {
            position: "servers[3]".to_owned(),
            name: Some("n/huge".to_owned()),
            reason: "larger than 1 MiB".to_owned(),
        },
        Item::Skipped {
            what: "skills".to_owned(),
            count: 4,
        },
        raw(
            "servers[4]",
            r#"{"name":"n/z","version":"^1.0","description":"x\u0000y"}"#,
        ),
    ];
    let taken = world.sync("a", Mode::Full, items).await;
    assert_eq!((taken.read, taken.written, taken.quarantined), (5, 2, 3));
    assert_eq!(
        world.shown("", Query::default()).await,
        ["n/x@1.0.0*", "n/z@^1.0*"]
    );
    let reports = async |most| report::list(world.cx(), most).await.unwrap();
    let report = reports(report::MOST).await.remove(0);
    let positions = |class| {
        let of = report
            .findings
            .lines
            .iter()
            .filter(|finding| finding.class == class);
        of.map(|finding| finding.position.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        positions(Class::Quarantined),
        ["servers[0]", "servers[2]", "servers[3]"]
    );
    assert_eq!(positions(Class::Skipped), ["skills"]);
    let warned = report.warned.lines.iter();
    let warned: Vec<&str> = warned.map(|one| one.name.as_str()).collect();
    assert_eq!(warned, ["n/z"]);
    assert!(!report.findings.more && !report.warned.more);
    for (most, lines, more) in [(4, 4, false), (3, 3, true), (0, 0, true)] {
        let findings = reports(most).await.remove(0).findings;
        assert_eq!(
            (findings.lines.len(), findings.more),
            (lines, more),
            "{most}"
        );
    }
    assert_eq!(
        (
            report.source.records,
            report.source.quarantined,
            report.source.skipped
        ),
        (2, 3, 4)
    );

    // Mended upstream, it leaves the list.
    world
        .sync("a", Mode::Full, vec![record("n/x", "1.0.0", "d")])
        .await;
    let findings = report::list(world.cx(), report::MOST)
        .await
        .unwrap()
        .remove(0)
        .findings;
    assert_eq!((findings.lines, findings.more), (vec![], false));
}

pub(super) async fn findings_of_a_pass_are_bounded(db: &impl Db) {
    const MORE: usize = 7;
    let mut world = World::new(db);
    world.configure(ALL, &Filter::default()).await;
    let pass = world.begin("a", Mode::Full).await;
    let rejected = |number: usize| Item::Rejected {
        position: format!("servers[{number}]"),
        name: None,
        reason: "is a number".to_owned(),
    };
    for page in [
        0..findings::MOST - 1,
        findings::MOST - 1..findings::MOST + MORE,
    ] {
        let page = page.map(rejected).collect();
        world.take(&pass, page, "").await.unwrap();
    }
    world.complete(pass).await;
    let most = u32::try_from(findings::MOST + MORE).unwrap();
    let found = report::list(world.cx(), most).await.unwrap().remove(0);
    let lines = found.findings.lines;
    assert_eq!(lines.len(), findings::MOST + 1);
    let remark = lines.iter().find(|one| one.position == findings::UNLISTED);
    assert_eq!(remark.unwrap().detail, MORE.to_string());
}

pub(super) async fn of_duplicates_the_later_one_wins(db: &impl Db) {
    let mut world = World::new(db);
    world.configure(ALL, &Filter::default()).await;
    // Pages of two: the first pair is on one page, the second on two.
    let items = vec![
        official("n/x", "1.0.0", "first", "active", 1),
        official("n/x", "1.0.0", "second", "active", 2),
        official("n/y", "1.0.0", "first", "active", 1),
        record("n/z", "1.0.0", "d"),
        official("n/y", "1.0.0", "second", "active", 2),
    ];
    assert_eq!(world.sync("a", Mode::Full, items).await.duplicates, 2);
    for element in world.list("", Query::default()).await.iter().take(2) {
        assert!(element.json.contains("second"), "{}", element.json);
    }
    let source = report::sources(world.cx()).await.unwrap().remove(0);
    assert_eq!((source.records, source.duplicates), (3, 2));
}

pub(super) async fn an_id_that_is_taken_is_not_given_again(db: &impl Db) {
    let mut world = World::new(db);
    world.configure(ALL, &Filter::default()).await;
    let versions = |numbers: std::ops::Range<u32>| {
        numbers
            .map(|number| record("n/x", &format!("1.0.{number}"), "d"))
            .collect::<Vec<_>>()
    };
    world.sync("a", Mode::Full, versions(0..4)).await;
    // As if serial numbers had begun anew.
    let again = Statement::new("UPDATE generation SET entry_id = 0", Vec::new());
    db.batch(vec![again]).await.unwrap();
    world.sync("a", Mode::Incremental, versions(4..9)).await;
    assert_eq!(world.list("", Query::default()).await.len(), 9);
}

pub(super) async fn a_source_is_due_when_its_row_says_so(db: &impl Db) {
    let mut world = World::new(db);
    world.configure(ALL, &Filter::default()).await;
    world.sync("a", Mode::Full, Vec::new()).await;
    let row = async || report::source(world.cx(), "a").await.unwrap();
    let before = row().await;
    report::probe(world.cx(), "a").await.unwrap();
    assert_eq!(row().await, before, "a probe changes nothing");
    let (sooner, later) = (Timestamp::from_micros(7), Timestamp::from_micros(9));
    report::reschedule(world.cx(), &before, sooner)
        .await
        .unwrap();
    assert_eq!(row().await.next_run_at, sooner);
    report::reschedule(world.cx(), &before, later)
        .await
        .unwrap();
    assert_eq!(row().await.next_run_at, sooner, "the row had moved");
}

pub(super) async fn records_met_by_an_unset_clock_are_no_older_than_their_format(db: &impl Db) {
    let mut world = World::new(db);
    world.now = 5;
    world.configure(ALL, &Filter::default()).await;
    let bare = r#"{"name":"n/a","version":"1.0.0","description":"d"}"#;
    world.sync("a", Mode::Full, vec![raw("0", bare)]).await;
    let listed = world.list("all", Query::default()).await;
    for time in ["publishedAt", "updatedAt", "statusChangedAt"] {
        let expected = format!(r#""{time}":"2025-09-08T00:00:00Z""#);
        assert!(listed[0].json.contains(&expected), "{}", listed[0].json);
    }
}
