//! Lists, filters and search against plain code in memory.

use super::fixture::{Dice, World, official, record, with_deleted};
use cairn_registry::{
    ErrorKind,
    error::What,
    kinds::Kind,
    model::{Filter, Timestamp, fold},
    ops::{
        browse::{self, Query, Scope},
        pass::Mode,
    },
    store::Db,
};

pub(super) async fn pages_follow_the_byte_order_of_names_and_versions(db: &impl Db) {
    let mut world = World::new(db);
    world
        .configure(&[("all", &["a"])], &Filter::default())
        .await;
    let keys = [
        ("b/x", "1.0.0"),
        ("B/x", "1.0.0"),
        ("a/x-y", "1.0.0"),
        ("a/x", "1.10.0"),
        ("a/x", "1.9.0"),
        ("a/x.y", "1.0.0"),
        ("a/é", "1.0.0"),
    ];
    let records = keys
        .iter()
        .map(|(name, version)| record(name, version, "text"))
        .collect();
    world.sync("a", Mode::Full, records).await;
    let expected = [
        "B/x@1.0.0*",
        "a/x@1.10.0*",
        "a/x@1.9.0",
        "a/x-y@1.0.0*",
        "a/x.y@1.0.0*",
        "a/é@1.0.0*",
        "b/x@1.0.0*",
    ];
    for limit in [1, 2, 7, 100] {
        let query = Query {
            limit,
            ..Query::default()
        };
        assert_eq!(world.shown("", query).await, expected, "pages of {limit}");
    }
}

/// A text of few different letters, so that terms are met often, with everything that a query language could trip over.
fn text(dice: &mut Dice, length: usize) -> String {
    let parts = [
        "a", "b", "ab", "ba", "A", "é", "É", "%", "_", "*", "\"", "'", "\\", " ", "-", "日", "本",
        "😀", ".", "AND", "\n",
    ];
    (0..length).map(|_| dice.pick(&parts)).collect()
}

pub(super) async fn search_finds_what_a_plain_substring_test_finds(db: &impl Db) {
    let mut world = World::new(db);
    let mut dice = Dice::new(7);
    world
        .configure(&[("all", &["a"])], &Filter::default())
        .await;
    let texts: Vec<(String, String)> = (0..120)
        .map(|index| {
            (
                format!("io.test/n{index:03}"),
                format!("x{}", text(&mut dice, 12)),
            )
        })
        .collect();
    let records = texts
        .iter()
        .map(|(name, text)| record(name, "1.0.0", text))
        .collect();
    world.sync("a", Mode::Full, records).await;
    for length in 1..=5 {
        for _ in 0..60 {
            check_search(&world, &texts, &text(&mut dice, length)).await;
        }
    }
    for term in ["IO.TEST", "n0", "/n11", "zzz", "zz", "\0a", " "] {
        check_search(&world, &texts, term).await;
    }
}

async fn check_search<D: Db>(world: &World<'_, D>, texts: &[(String, String)], term: &str) {
    let wanted = fold(term);
    let expected: Vec<&str> = texts
        .iter()
        .filter(|(name, text)| {
            [name, text]
                .iter()
                .any(|field| fold(field).contains(&wanted))
        })
        .map(|(name, _)| name.as_str())
        .collect();
    let query = Query {
        search: Some(term.to_owned()),
        limit: 50,
        ..Query::default()
    };
    let found = world.list("", query).await;
    let found: Vec<&str> = found.iter().map(|element| element.name.as_str()).collect();
    assert_eq!(found, expected, "{term:?}");
}

/// More records than a narrowing index is worth using for, so that the other plan is taken.
const MANY: usize = 1300;

pub(super) async fn terms_in_many_records_are_paged_like_terms_in_few(db: &impl Db) {
    let mut world = World::new(db);
    world
        .configure(&[("all", &["a"])], &Filter::default())
        .await;
    let pass = world.begin("a", Mode::Full).await;
    let word = |index: usize| if index % 100 == 7 { "seldom" } else { "often" };
    let records = (0..MANY)
        .map(|index| record(&format!("n/{index:04}"), "1.0.0", word(index)))
        .collect();
    world.take(&pass, records, "").await.unwrap();
    world.complete(pass).await;
    for term in ["often", "seldom", "of", "s", "record", "n/13"] {
        let expected: Vec<String> = (0..MANY)
            .filter(|index| format!("n/{index:04}\n\n{}", word(*index)).contains(term))
            .map(|index| format!("n/{index:04}"))
            .collect();
        let query = Query {
            search: Some(term.to_owned()),
            limit: 100,
            ..Query::default()
        };
        let found = world.list("", query.clone()).await;
        let found: Vec<&str> = found.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(found, expected, "{term}");
        let since = Query {
            updated_since: Some(Timestamp::default()),
            ..query
        };
        assert_eq!(world.list("", since).await.len(), expected.len(), "{term}");
    }
    let since = Query {
        updated_since: Some(Timestamp::default()),
        limit: 100,
        ..Query::default()
    };
    assert_eq!(world.list("", since).await.len(), MANY);
}

struct Known {
    name: String,
    version: String,
    description: String,
    status: &'static str,
    updated: i64,
    latest: bool,
}

pub(super) async fn every_filter_agrees_with_a_filter_in_memory(db: &impl Db) {
    let mut world = World::new(db);
    let mut dice = Dice::new(11);
    world
        .configure(&[("all", &["a"])], &Filter::default())
        .await;
    let mut known = Vec::new();
    for name in 0..40 {
        let versions = 1 + dice.below(4);
        for version in 0..versions {
            known.push(Known {
                name: format!("io.test/n{name:02}"),
                version: format!("1.{version}.0"),
                description: format!("word{}", dice.below(3)),
                status: dice.pick(&["active", "active", "active", "deprecated", "deleted"]),
                updated: i64::try_from(dice.below(100)).unwrap(),
                latest: false,
            });
        }
    }
    mark_latest(&mut known);
    let records = known
        .iter()
        .map(|one| {
            official(
                &one.name,
                &one.version,
                &one.description,
                one.status,
                one.updated,
            )
        })
        .collect();
    world.sync("a", Mode::Full, records).await;
    for _ in 0..150 {
        let query = Query {
            limit: u32::try_from(1 + dice.below(40)).unwrap(),
            search: (dice.below(2) == 0)
                .then(|| dice.pick(&["word1", "WORD", "n1", "2"]).to_owned()),
            version: (dice.below(2) == 0)
                .then(|| dice.pick(&["latest", "1.0.0", "1.1.0"]).to_owned()),
            updated_since: (dice.below(3) == 0).then(|| {
                Timestamp::default().plus_seconds(i64::try_from(dice.below(100)).unwrap())
            }),
            include_deleted: (dice.below(3) == 0).then_some(true),
            cursor: None,
        };
        let expected: Vec<&Known> = known.iter().filter(|one| matches(one, &query)).collect();
        let found = world.list("", query.clone()).await;
        let found: Vec<_> = found
            .iter()
            .map(|one| (one.name.as_str(), one.version.as_str()))
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|one| (one.name.as_str(), one.version.as_str()))
            .collect();
        assert_eq!(found, expected, "{query:?}");
    }
}

fn mark_latest(known: &mut [Known]) {
    for index in 0..known.len() {
        let same = |other: &&Known| other.name == known[index].name;
        let living = |other: &&Known| other.status != "deleted";
        let any_living = known.iter().filter(same).any(|other| living(&other));
        let highest = known
            .iter()
            .filter(same)
            .rfind(|other| living(other) || !any_living);
        known[index].latest =
            highest.is_some_and(|highest| highest.version == known[index].version);
    }
}

fn matches(one: &Known, query: &Query) -> bool {
    let deleted_too = query
        .include_deleted
        .unwrap_or(query.updated_since.is_some());
    let text = format!("{}\n{}", one.name, one.description);
    (deleted_too || one.status != "deleted")
        && query
            .search
            .as_ref()
            .is_none_or(|term| fold(&text).contains(&fold(term)))
        && query
            .version
            .as_ref()
            .is_none_or(|version| match version.as_str() {
                "latest" => one.latest,
                version => one.version == version,
            })
        && query
            .updated_since
            .is_none_or(|since| Timestamp::default().plus_seconds(one.updated) > since)
}

pub(super) async fn what_is_unknown_is_named(db: &impl Db) {
    let mut world = World::new(db);
    world
        .configure(&[("all", &["a"])], &Filter::default())
        .await;
    world
        .sync("a", Mode::Full, vec![record("a/x", "1.0.0", "text")])
        .await;
    let check = async |scope, name: &str, version: &str, expected| {
        let found = browse::version(world.cx(), scope, Kind::Server, (name, version), false).await;
        assert_eq!(
            found.err().map(|error| error.kind()),
            expected,
            "{scope:?} {name} {version}"
        );
    };
    check(Scope::Default, "a/x", "1.0.0", None).await;
    check(Scope::Named("all"), "a/x", "latest", None).await;
    check(
        Scope::Default,
        "a/x",
        "2.0.0",
        Some(ErrorKind::NotFound(What::Version)),
    )
    .await;
    check(
        Scope::Named("none"),
        "a/x",
        "1.0.0",
        Some(ErrorKind::NotFound(What::Registry)),
    )
    .await;
    let missing = browse::versions(world.cx(), Scope::Default, Kind::Server, "a/y", false).await;
    assert_eq!(
        missing.err().map(|error| error.kind()),
        Some(ErrorKind::NotFound(What::Server))
    );
    let all = world.list("", with_deleted()).await;
    assert_eq!(all.len(), 1);
}
