//! Two processes with different configurations, as in a rolling update: the later one counts, and whatever the earlier one
//! is still at goes no further.

use std::sync::Mutex;

use cairn_registry::{
    Error, ErrorKind, Result,
    model::{Filter, RegistryName},
    ops::{
        Cx,
        configure::{self, RegistrySpec, SourceSpec},
        pass::{self, Claim, Mode},
    },
    store::{Db, Engine, Row, Statement, Value},
};

use super::fixture::{World, record, with_deleted};

const ALL: &[(&str, &[&str])] = &[("all", &["a"])];

fn hiding(name: &str) -> Filter {
    Filter {
        exclude_names: vec![name.to_owned()],
        ..Filter::default()
    }
}

pub(super) async fn a_reader_with_an_older_configuration_writes_nothing(db: &impl Db) {
    let mut world = World::new(db);
    world.configure(ALL, &Filter::default()).await;
    let (before, slow) = (world.source("a"), world.begin("a", Mode::Full).await);
    let page = vec![record("n/x", "1.0.0", "d"), record("n/y", "1.0.0", "d")];
    world.take(&slow, page, "next").await.unwrap();
    world.configure(ALL, &hiding("n/x")).await;
    let late = world
        .take(&slow, vec![record("n/x", "2.0.0", "d")], "")
        .await;
    assert_eq!(late.err().map(|error| error.kind()), Some(ErrorKind::Stale));
    let claim = pass::claim(world.cx(), &before, "older", 60).await;
    assert!(matches!(claim, Ok(Claim::Overruled)), "{claim:?}");
    let moved = SourceSpec {
        origin: "test:elsewhere".to_owned(),
        ..world.source("a")
    };
    let claim = pass::claim(world.cx(), &moved, "older", 60).await;
    assert!(matches!(claim, Ok(Claim::Overruled)), "{claim:?}");
    world
        .sync("a", Mode::Full, vec![record("n/y", "1.0.0", "d")])
        .await;
    assert_eq!(
        world.shown("all", with_deleted()).await,
        ["n/x@1.0.0*!deleted", "n/y@1.0.0*"]
    );
}

pub(super) async fn a_source_that_comes_again_remembers_nothing(db: &impl Db) {
    let both: &[(&str, &[&str])] = &[("all", &["a", "b"])];
    let mut world = World::new(db);
    world.configure(both, &Filter::default()).await;
    let source = world.source("a");
    let records = || vec![record("n/x", "1.0.0", "d"), record("n/y", "1.0.0", "d")];
    world.sync("a", Mode::Full, records()).await;
    let old = world.begin("a", Mode::Full).await;
    world
        .configure(&[("all", &["b"])], &Filter::default())
        .await;
    world.configure(both, &Filter::default()).await;
    // As often as the source of that name was claimed before.
    let claim = async || pass::claim(world.cx(), &source, "another", 60).await;
    claim().await.unwrap();
    let lease = claim().await.unwrap().granted().expect("its own lease");
    let late = world.take(&old, records(), "").await;
    assert_eq!(late.err().map(|error| error.kind()), Some(ErrorKind::Stale));
    pass::release(world.cx(), &lease).await.unwrap();
    // Its first pass, like the one of the source that was taken out.
    let taken = world
        .sync("a", Mode::Full, vec![record("n/x", "1.0.0", "d")])
        .await;
    assert_eq!(taken.duplicates, 0, "{taken:?}");
    assert_eq!(
        world.shown("all", with_deleted()).await,
        ["n/x@1.0.0*", "n/y@1.0.0*!deleted"]
    );
}

pub(super) async fn a_view_that_nobody_has_made_is_not_called_made(db: &impl Db) {
    let mut world = World::new(db);
    world
        .configure(&[("all", &["a"]), ("other", &["b"])], &Filter::default())
        .await;
    for source in ["a", "b"] {
        let records = vec![record(&format!("n/{source}"), "1.0.0", "d")];
        world.sync(source, Mode::Full, records).await;
    }
    let sources = ["a", "b"].map(|name| world.source(name));
    let all = |of: &[usize]| RegistrySpec {
        name: RegistryName::new("all").unwrap(),
        sources: of.iter().map(|at| sources[*at].name.clone()).collect(),
        valid_only: false,
    };
    let (first, second) = ([all(&[0, 1])], [all(&[1])]);
    // The first process has made its view and is about to say so.
    let slow = Cut::before(db, "projected = 1");
    slow.apply(&world, &sources, &first).await;
    // Another one wants another view, and dies when it comes to make it.
    let dying = Cut::before(db, " view");
    dying.apply(&world, &sources, &second).await;
    let said = db.batch(slow.last()).await;
    assert_eq!(said.err().map(|error| error.kind()), Some(ErrorKind::Stale));
    // Whoever comes next makes it.
    configure::apply(world.cx(), &sources, &second)
        .await
        .unwrap();
    assert_eq!(
        world.shown("all", with_deleted()).await,
        ["n/a@1.0.0*!deleted", "n/b@1.0.0*"]
    );
}

pub(super) async fn what_was_judged_by_another_filter_since_is_not_called_judged(db: &impl Db) {
    let mut world = World::new(db);
    world.configure(ALL, &Filter::default()).await;
    let records = || ["n/x", "n/y"].map(|name| record(name, "1.0.0", "d")).into();
    world.sync("a", Mode::Full, records()).await;
    let hidden = |name| SourceSpec {
        filter: hiding(name),
        ..world.source("a")
    };
    let (first, second) = ([hidden("n/x")], [hidden("n/y")]);
    let registries = [RegistrySpec {
        name: RegistryName::new("all").unwrap(),
        sources: vec![first[0].name.clone()],
        valid_only: false,
    }];
    // One process has judged everything and is about to say so.
    let slow = Cut::before(db, " filter = ?4 WHERE");
    slow.apply(&world, &first, &registries).await;
    // Another one judges by another filter, and dies when it comes to say so.
    let dying = Cut::before(db, " filter = ?4 WHERE");
    dying.apply(&world, &second, &registries).await;
    let said = db.batch(slow.last()).await;
    assert_eq!(said.err().map(|error| error.kind()), Some(ErrorKind::Stale));
    for source in [&first[0], &second[0]] {
        let claim = pass::claim(world.cx(), source, "any", 60).await;
        assert!(!matches!(claim, Ok(Claim::Granted(_))), "{claim:?}");
    }
    // Whoever comes next judges by its own.
    configure::apply(world.cx(), &first, &registries)
        .await
        .unwrap();
    let late = db.batch(dying.last()).await;
    assert_eq!(late.err().map(|error| error.kind()), Some(ErrorKind::Stale));
    assert_eq!(
        world.shown("all", with_deleted()).await,
        ["n/x@1.0.0*!deleted", "n/y@1.0.0*"]
    );
}

/// A process that gets no further than to the batch with that text.
struct Cut<'a, D> {
    db: &'a D,
    text: &'static str,
    last: Mutex<Option<Vec<Statement>>>,
}

impl<'a, D: Db> Cut<'a, D> {
    fn before(db: &'a D, text: &'static str) -> Self {
        Self {
            db,
            text,
            last: Mutex::default(),
        }
    }

    async fn apply(&self, world: &World<'_, D>, sources: &[SourceSpec], of: &[RegistrySpec]) {
        let cx = world.cx();
        let cx = Cx {
            db: self,
            namespace: cx.namespace,
            now: cx.now,
        };
        configure::apply(cx, sources, of).await.unwrap_err();
    }

    /// The batch it did not get to.
    fn last(self) -> Vec<Statement> {
        self.last.into_inner().unwrap().expect("it came that far")
    }
}

impl<D: Db> Db for Cut<'_, D> {
    fn engine(&self) -> Engine {
        self.db.engine()
    }

    async fn query(&self, sql: &str, parameters: Vec<Value>) -> Result<Vec<Row>> {
        self.db.query(sql, parameters).await
    }

    async fn batch(&self, statements: Vec<Statement>) -> Result<()> {
        if statements.iter().any(|one| one.sql.contains(self.text)) {
            *self.last.lock().unwrap() = Some(statements);
            return Err(Error::internal("cut off"));
        }
        self.db.batch(statements).await
    }
}
