//! Registries as views: shadowing, filters, strictness, and what a mirror gets to know.

use std::collections::BTreeMap;

use super::fixture::{Dice, World, official, raw, record, with_deleted, word};
use cairn_registry::{
    model::{Filter, Timestamp},
    ops::{
        browse::{self, Query},
        ingest::Item,
        pass::Mode,
    },
    store::Db,
};

pub(super) async fn an_earlier_source_shadows_a_later_one(db: &impl Db) {
    let mut world = World::new(db);
    let registries: &[(&str, &[&str])] = &[
        ("both", &["a", "b"]),
        ("turned", &["b", "a"]),
        ("only-b", &["b"]),
    ];
    world.configure(registries, &Filter::default()).await;
    world
        .sync(
            "b",
            Mode::Full,
            vec![record("n/x", "2.0.0", "b"), record("n/y", "1.0.0", "b")],
        )
        .await;
    assert_eq!(
        world.shown("", Query::default()).await,
        ["n/x@2.0.0*", "n/y@1.0.0*"]
    );
    world
        .sync("a", Mode::Full, vec![record("n/x", "1.0.0", "a")])
        .await;
    assert_eq!(
        world.shown("", Query::default()).await,
        ["n/x@1.0.0*", "n/y@1.0.0*"]
    );
    assert_eq!(
        world.shown("turned", Query::default()).await,
        ["n/x@2.0.0*", "n/y@1.0.0*"]
    );
    assert_eq!(
        world.shown("only-b", Query::default()).await,
        ["n/x@2.0.0*", "n/y@1.0.0*"]
    );
    assert_eq!(
        world.shown("", with_deleted()).await,
        ["n/x@1.0.0*", "n/x@2.0.0!deleted", "n/y@1.0.0*"]
    );

    // Deleted upstream, it still shadows; vanished, it does not.
    world
        .sync(
            "a",
            Mode::Full,
            vec![official("n/x", "1.0.0", "a", "deleted", 1)],
        )
        .await;
    assert_eq!(world.shown("", Query::default()).await, ["n/y@1.0.0*"]);
    world.sync("a", Mode::Full, Vec::new()).await;
    assert_eq!(
        world.shown("", Query::default()).await,
        ["n/x@2.0.0*", "n/y@1.0.0*"]
    );

    // Another order in the configuration works at once.
    world
        .sync("a", Mode::Full, vec![record("n/x", "1.0.0", "a")])
        .await;
    world
        .configure(&[("both", &["b", "a"])], &Filter::default())
        .await;
    assert_eq!(
        world.shown("", Query::default()).await,
        ["n/x@2.0.0*", "n/y@1.0.0*"]
    );
}

fn tagged(name: &str, tag: &str) -> Item {
    raw(
        name,
        &format!(
            r#"{{"name":"{name}","version":"1.0.0","description":"d","_meta":{{"io.modelcontextprotocol.registry/publisher-provided":{{"p":{{"k":{{"tags":["{tag}"]}}}}}}}}}}"#
        ),
    )
}

pub(super) async fn a_filter_change_hides_and_shows_without_a_fetch(db: &impl Db) {
    let mut world = World::new(db);
    let registries: &[(&str, &[&str])] = &[("all", &["a", "b"])];
    world.configure(registries, &Filter::default()).await;
    let records = (0..7).map(|index| {
        tagged(
            &format!("n/{index}"),
            if index % 2 == 0 { "even" } else { "odd" },
        )
    });
    world.sync("a", Mode::Full, records.collect()).await;
    world
        .sync("b", Mode::Full, vec![record("n/1", "9.0.0", "from b")])
        .await;
    let filter = Filter {
        include_tags: vec!["even".to_owned()],
        exclude_names: vec!["n/4".to_owned()],
        ..Filter::default()
    };
    // The filter of b hides its only record too, as it has no tags.
    world.configure(registries, &filter).await;
    assert_eq!(
        world.shown("", Query::default()).await,
        ["n/0@1.0.0*", "n/2@1.0.0*", "n/6@1.0.0*"]
    );
    world.configure(registries, &Filter::default()).await;
    assert_eq!(world.shown("", Query::default()).await.len(), 7);
}

pub(super) async fn a_strict_registry_hides_records_with_warnings(db: &impl Db) {
    let mut world = World::new(db);
    world
        .configure(&[("all", &["a"]), ("strict", &["a"])], &Filter::default())
        .await;
    let dirty = raw(
        "0",
        r#"{"name":"n/dirty","version":"1.0.0","description":"d","repository":{}}"#,
    );
    world
        .sync(
            "a",
            Mode::Full,
            vec![dirty, record("n/clean", "1.0.0", "d")],
        )
        .await;
    assert_eq!(
        world.shown("all", Query::default()).await,
        ["n/clean@1.0.0*", "n/dirty@1.0.0*"]
    );
    assert_eq!(
        world.shown("strict", Query::default()).await,
        ["n/clean@1.0.0*"]
    );
}

/// A mirror that begins with a whole list and then asks for what changed since its last look must hold what we hold,
/// whatever happened in between.
pub(super) async fn a_mirror_that_polls_misses_nothing(db: &impl Db) {
    let mut world = World::new(db);
    let mut dice = Dice::new(23);
    let mut registries: Vec<(&str, &[&str])> = vec![("all", &["a", "b"])];
    let mut filter = Filter::default();
    world.configure(&registries, &filter).await;
    // During the first load the times of change are upstream's, so that is when a mirror reads everything.
    for source in ["a", "b"] {
        world
            .sync(source, Mode::Full, vec![random_record(&mut dice)])
            .await;
    }
    let mut mirror: BTreeMap<(String, String), String> = BTreeMap::new();
    let mut since = None;
    for round in 0..40 {
        match dice.below(6) {
            0 => {
                registries = vec![(
                    "all",
                    if dice.below(2) == 0 {
                        &["b", "a"]
                    } else {
                        &["a", "b"]
                    },
                )]
            }
            1 => filter.exclude_names = vec![format!("n/{}", dice.below(6))],
            _ => {
                let source = dice.pick(&["a", "b"]);
                let records = (0..dice.below(8))
                    .map(|_| random_record(&mut dice))
                    .collect();
                world.sync(source, Mode::Full, records).await;
            }
        }
        world.configure(&registries, &filter).await;
        let query = Query {
            updated_since: since,
            include_deleted: since.is_none().then_some(true),
            ..Query::default()
        };
        for element in world.list("", query).await {
            mirror.insert(
                (element.name.clone(), element.version.clone()),
                word(&element),
            );
        }
        since = Some(Timestamp::from_micros(world.now));
        let ours: BTreeMap<_, _> = world
            .list("", with_deleted())
            .await
            .iter()
            .map(|element| {
                (
                    (element.name.clone(), element.version.clone()),
                    word(element),
                )
            })
            .collect();
        assert_eq!(mirror, ours, "round {round}");
    }
}

fn random_record(dice: &mut Dice) -> Item {
    let status = dice.pick(&["active", "active", "deprecated", "deleted"]);
    let (name, version) = (
        format!("n/{}", dice.below(6)),
        format!("1.{}.0", dice.below(3)),
    );
    official(
        &name,
        &version,
        dice.pick(&["one", "two"]),
        status,
        i64::try_from(dice.below(50)).unwrap(),
    )
}

pub(super) async fn a_source_taken_out_leaves_tombstones(db: &impl Db) {
    let mut world = World::new(db);
    world
        .configure(
            &[("all", &["a", "b"]), ("gone", &["b"])],
            &Filter::default(),
        )
        .await;
    world
        .sync("a", Mode::Full, vec![record("n/x", "1.0.0", "a")])
        .await;
    world
        .sync("b", Mode::Full, vec![record("n/y", "1.0.0", "b")])
        .await;
    world
        .configure(&[("all", &["a"])], &Filter::default())
        .await;
    assert_eq!(
        world.shown("all", with_deleted()).await,
        ["n/x@1.0.0*", "n/y@1.0.0*!deleted"]
    );
    let there = browse::overview(world.cx()).await.unwrap();
    let names: Vec<_> = there.registries.into_iter().map(|one| one.name).collect();
    assert_eq!(names, ["all"]);
}
