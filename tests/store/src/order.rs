//! Search among names that begin alike, have many versions, or lie far apart: pages follow the list all the same.

use super::fixture::{Dice, World, record};
use cairn_registry::{
    model::Filter,
    ops::{browse::Query, pass::Mode},
    store::Db,
};

/// More records than are sorted where names begin alike, so that the list is walked.
const ALIKE: usize = 4100;

/// As many as are sorted by name before their texts are looked at, and more than are on a page.
const BESIDE: usize = 300;

#[derive(Clone)]
struct Known {
    name: String,
    version: String,
    word: &'static str,
}

/// Names in no order: some begin alike, others stand before, between and behind them and have three versions each.
fn scattered() -> Vec<Known> {
    let alike = |owner: &str, index: usize| Known {
        name: format!("io.github.{owner}-organisation-of-a-long-name/n{index:04}"),
        version: "1.0.0".to_owned(),
        word: if index % 9 == 4 { "ninth" } else { "alike" },
    };
    let fronts = [
        "A/x",
        "ai.smithery/n",
        "com.acme/",
        "io.github.an/",
        "io.github.ü/n",
        "io.gitlab/n",
        "zz/",
    ];
    let other = |index: usize| Known {
        name: format!("{}{}", fronts[index % 7], index / 21),
        version: format!("{}.0.0", index / 7 % 3),
        word: if index.is_multiple_of(4) {
            "ninth"
        } else {
            "other"
        },
    };
    let mut all: Vec<_> = (0..ALIKE).map(|index| alike("an", index)).collect();
    all.extend((0..BESIDE).map(|index| alike("another", index)));
    all.extend((0..210).map(other));
    let mut dice = Dice::new(3);
    for at in 1..all.len() {
        all.swap(at, dice.below(at + 1));
    }
    all
}

pub(super) async fn hits_are_paged_in_list_order_wherever_they_lie(db: &impl Db) {
    let mut world = World::new(db);
    let registries: [(&str, &[&str]); 3] =
        [("all", &["a", "b"]), ("most", &["a"]), ("few", &["b"])];
    world.configure(&registries, &Filter::default()).await;
    let all = scattered();
    // The second source has some names from everywhere: too small a part of all for following the index.
    let is_few = |one: &Known| one.name.ends_with('2') && one.word != "alike";
    let (few, most): (Vec<_>, Vec<_>) = all.iter().cloned().partition(is_few);
    assert!(few.len() > 20);
    sync(&mut world, "a", &most).await;
    sync(&mut world, "b", &few).await;
    for (order, front) in [("ASC", "A/x"), ("DESC", "zz/")] {
        let sql = format!("SELECT name FROM entry ORDER BY id {order} LIMIT 1");
        let name = db.query(&sql, Vec::new()).await.unwrap()[0].text().unwrap();
        assert!(name.starts_with(front), "{name} is first by id {order}");
    }
    for (registry, shown) in [("all", &all), ("most", &most), ("few", &few)] {
        for (term, version, limit) in [
            ("ninth", None, 60),
            ("other", None, 7),
            ("alike", None, 100),
            ("another", None, 7),
            ("another", Some("latest"), 100),
            ("io.git", None, 100),
            ("com.acme", None, 100),
            ("n004", Some("latest"), 3),
            ("ther", Some("latest"), 9),
            ("ther", Some("2.0.0"), 9),
            ("none at all", None, 9),
        ] {
            let query = Query {
                search: Some(term.to_owned()),
                version: version.map(str::to_owned),
                limit,
                ..Query::default()
            };
            let found = world.list(registry, query).await;
            let found = found.iter().map(|one| (&*one.name, &*one.version));
            let expected = expected(shown, term, version);
            assert!(found.eq(expected), "{term} {version:?} in {registry}");
        }
    }
}

async fn sync<D: Db>(world: &mut World<'_, D>, source: &str, all: &[Known]) {
    let pass = world.begin(source, Mode::Full).await;
    for page in all.chunks(2500) {
        let page = page
            .iter()
            .map(|one| record(&one.name, &one.version, one.word))
            .collect();
        world.take(&pass, page, "").await.unwrap();
    }
    world.complete(pass).await;
}

fn expected<'a>(all: &'a [Known], term: &str, version: Option<&str>) -> Vec<(&'a str, &'a str)> {
    let is_latest = |one: &Known| {
        let is_later = |other: &Known| other.name == one.name && other.version > one.version;
        !all.iter().any(is_later)
    };
    let mut expected: Vec<_> = all
        .iter()
        .filter(|one| one.name.contains(term) || one.word.contains(term))
        .filter(|one| match version {
            None => true,
            Some("latest") => is_latest(one),
            Some(version) => one.version == version,
        })
        .map(|one| (&*one.name, &*one.version))
        .collect();
    expected.sort_unstable();
    expected
}
