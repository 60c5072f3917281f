//! Everything out of one engine and into the other: what is exported there again is the same, and so is every answer.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "support/history.rs"]
mod history;
#[path = "support/postgres.rs"]
mod postgres;

use std::sync::atomic::{AtomicUsize, Ordering};

use cairn::{
    db::{Libsql, Store},
    migrate,
};
use cairn_registry::{
    Error, ErrorKind, Result,
    kinds::Kind,
    model::{Namespace, Timestamp},
    ops::{
        browse::{self, Query, Scope},
        configure, pass, report,
        transfer::{Begun, Import, export},
    },
    store::{Db, Engine, Row, Statement, Value},
};
use history::{Dice, Side, query};

const REGISTRIES: [&str; 3] = ["both", "only-b", "strict"];

/// An empty database in a file.
async fn file() -> Store {
    let db = Store::from(Libsql::temporary().expect("a file"));
    migrate::up(&db, None).await.expect("a schema");
    db
}

fn side(db: Store, namespace: &str) -> Side {
    Side {
        db,
        namespace: Namespace::new(namespace).expect("a name"),
    }
}

/// Writes a history into two namespaces. In one all passes have been completed, in the other one is under way.
async fn live(db: &Store) {
    for (namespace, steps) in [("default", 24), ("other", 6)] {
        let side = side(db.clone(), namespace);
        let mut step = 0;
        while step < steps || is_cut(&side).await != (namespace == "other") {
            let mut dice = Dice(step + namespace.len() as u64);
            let now = time(step);
            if step % 8 == 0 {
                side.configure(now, &mut dice).await;
            }
            side.sync(now, &mut dice).await;
            step += 1;
            assert!(step < 80, "passes end as they should not");
        }
    }
    let side = side(db.clone(), "default");
    let lease = pass::claim(side.cx(time(150)), "a", "daemon", 600).await;
    assert!(lease.expect("an answer").is_some());
}

async fn is_cut(side: &Side) -> bool {
    let sources = report::sources(side.cx(0)).await.expect("sources");
    sources.iter().any(|source| source.pass_state != "idle")
}

fn time(step: u64) -> i64 {
    1_000_000_000 + i64::try_from(step).unwrap_or(0) * 1_000_000
}

async fn exported(db: &Store, now: i64) -> Vec<u8> {
    let snapshot = db.snapshot().await.expect("a snapshot");
    let mut text = Vec::new();
    let now = Timestamp::from_micros(now);
    let tally = export(&snapshot, now, "1.2.3", &mut text, |_| {}).await;
    let lines = text.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(tally.expect("an export").lines, lines as u64);
    text
}

/// All lines but the first, which has the time.
fn behind_header(export: &[u8]) -> &str {
    let text = std::str::from_utf8(export).expect("UTF-8");
    text.split_once('\n').expect("a header").1
}

async fn imported(db: &impl Db, export: &[u8]) -> Result<Begun> {
    let mut import = Import::new(db);
    for line in export.split_inclusive(|byte| *byte == b'\n') {
        import.line(line.trim_ascii_end()).await?;
    }
    import.finish().map(|(begun, _)| begun)
}

/// All that can be asked, in full.
async fn answers(db: &Store) -> String {
    let mut told = String::new();
    for namespace in ["default", "other"] {
        let side = side(db.clone(), namespace);
        for registry in REGISTRIES {
            let everything = Query {
                limit: 1000,
                include_deleted: Some(true),
                ..Query::default()
            };
            told += &side.page(time(99), registry, everything).await.0;
            let mut dice = Dice(5);
            for _ in 0..60 {
                let asked = query(&mut dice, time(20));
                told += &side.page(time(99), registry, asked).await.0;
            }
            for number in 0..30 {
                let name = format!("io.test/n{number}");
                let scope = Scope::Named(registry);
                let (cx, kind) = (side.cx(time(99)), Kind::Server);
                let all = browse::versions(cx, scope, kind, &name, true).await;
                let latest = browse::version(cx, scope, kind, (&name, "latest"), false).await;
                told += &format!("{all:?}\n{latest:?}\n");
            }
        }
        let overview = browse::overview(side.cx(time(99))).await.expect("one");
        told += &format!("{:?}\n", overview.registries);
    }
    told
}

/// From one to the other and back, each time with the same lines and the same answers.
async fn there_and_back(from: Store, over: Store, back: Store) {
    live(&from).await;
    let (first, expected) = (exported(&from, 1).await, answers(&from).await);
    for sort in ["source", "registry", "finding", "entry", "view", "change"] {
        assert!(
            behind_header(&first).contains(&format!("\n{{\"{sort}\":")),
            "{sort}"
        );
    }
    assert!(behind_header(&first).contains("\"tombstone\":true"));
    let mut last = first.clone();
    for db in [&over, &back] {
        assert_eq!(imported(db, &last).await.expect("an import"), Begun::Anew);
        assert_eq!(answers(db).await, expected);
        last = exported(db, 2).await;
        assert_eq!(behind_header(&last), behind_header(&first));
    }
    // Life goes on alike, wherever it was brought.
    for db in [&from, &over, &back] {
        let side = side(db.clone(), "default");
        for step in 1000..1004 {
            side.configure(time(step), &mut Dice(step)).await;
            side.sync(time(step), &mut Dice(step)).await;
        }
    }
    let (last, expected) = (exported(&from, 3).await, answers(&from).await);
    assert!(behind_header(&last) != behind_header(&first));
    for db in [from, over, back] {
        assert_eq!(behind_header(&exported(&db, 4).await), behind_header(&last));
        assert_eq!(answers(&db).await, expected);
        db.close().await;
    }
}

#[tokio::test]
async fn a_database_moves_between_files() {
    there_and_back(file().await, file().await, file().await).await;
}

#[tokio::test]
async fn a_database_moves_from_a_file_to_a_server_and_back() {
    let Some(fresh) = postgres::fresh().await else {
        return;
    };
    migrate::up(&fresh.db, None).await.expect("a schema");
    there_and_back(file().await, fresh.again().into(), file().await).await;
    fresh.end().await;
}

#[tokio::test]
async fn a_database_moves_from_a_server_to_a_file_and_back() {
    let (Some(one), Some(two)) = (postgres::fresh().await, postgres::fresh().await) else {
        return;
    };
    for fresh in [&one, &two] {
        migrate::up(&fresh.db, None).await.expect("a schema");
    }
    there_and_back(one.again().into(), file().await, two.again().into()).await;
    one.end().await;
    two.end().await;
}

#[tokio::test]
async fn an_export_shows_one_moment() {
    let Some(fresh) = postgres::fresh().await else {
        return;
    };
    migrate::up(&fresh.db, None).await.expect("a schema");
    for db in [file().await, fresh.again().into()] {
        live(&db).await;
        let before = exported(&db, 1).await;
        let snapshot = db.snapshot().await.expect("a snapshot");
        let side = side(db.clone(), "other");
        side.configure(time(300), &mut Dice(3)).await;
        side.sync(time(301), &mut Dice(4)).await;
        let mut text = Vec::new();
        let now = Timestamp::from_micros(1);
        let done = export(&snapshot, now, "1.2.3", &mut text, |_| {}).await;
        done.expect("an export");
        assert!(text == before, "what came later is in it");
        assert!(exported(&db, 1).await != before, "nothing came later");
        drop(snapshot);
        db.close().await;
    }
    fresh.end().await;
}

/// A database that is lost after so many batches.
struct Dying<'a> {
    db: &'a Store,
    left: AtomicUsize,
}

impl Db for Dying<'_> {
    fn engine(&self) -> Engine {
        self.db.engine()
    }

    async fn query(&self, sql: &str, parameters: Vec<Value>) -> Result<Vec<Row>> {
        self.db.query(sql, parameters).await
    }

    async fn batch(&self, statements: Vec<Statement>) -> Result<()> {
        let less = |left: usize| left.checked_sub(1);
        match self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less)
        {
            Ok(_) => self.db.batch(statements).await,
            Err(_) => Err(Error::unavailable("gone", "as the test wants it")),
        }
    }
}

async fn killed_after(db: &Store, batches: usize, export: &[u8]) -> bool {
    let dying = Dying {
        db,
        left: AtomicUsize::new(batches),
    };
    imported(&dying, export).await.is_err()
}

/// Nobody is served a part, and nobody makes a whole of it.
async fn assert_closed(db: &Store) {
    let side = side(db.clone(), "default");
    let cx = side.cx(time(99));
    for scope in [Scope::Default, Scope::Named("both")] {
        let query = Query {
            limit: 10,
            ..Query::default()
        };
        let error = browse::list(cx, scope, Kind::Server, query).await.err();
        let kind = error.expect("a part is served").kind();
        assert!(
            matches!(kind, ErrorKind::Unavailable | ErrorKind::NotFound(_)),
            "{kind:?}"
        );
    }
    let error = configure::apply(cx, &[], &[]).await;
    let error = error.expect_err("somebody writes");
    assert!(error.message().contains("cairn import"), "{error}");
    let snapshot = db.snapshot().await.expect("a snapshot");
    let mut text = Vec::new();
    let again = export(&snapshot, Timestamp::default(), "1", &mut text, |_| {}).await;
    assert!(again.is_err(), "a part is exported");
}

#[tokio::test]
async fn an_import_may_be_cut_off_after_any_batch() {
    let fresh = postgres::fresh().await;
    let from = file().await;
    live(&from).await;
    let (whole, expected) = (exported(&from, 1).await, answers(&from).await);
    // Another export, which some leave unfinished.
    let other = exported(&from, 2).await;
    let mut batches = 0;
    loop {
        let db = file().await;
        if !killed_after(&db, batches, &whole).await {
            break;
        }
        if batches > 0 {
            assert_closed(&db).await;
        }
        let (next, begun) = match batches % 3 {
            // It is killed again on its way.
            0 if killed_after(&db, 1, &whole).await => (&whole, Begun::Behind(0)),
            1 => (&other, Begun::InsteadOfAnother),
            _ => (&whole, Begun::Behind(0)),
        };
        let how = imported(&db, next).await.expect("an import");
        let same = std::mem::discriminant(&how) == std::mem::discriminant(&begun);
        assert!(same || how == Begun::Anew, "{how:?} after {batches}");
        assert_eq!(
            behind_header(&exported(&db, 3).await),
            behind_header(&whole)
        );
        assert_eq!(answers(&db).await, expected, "after {batches} batches");
        db.close().await;
        batches += 1;
    }
    assert!(batches > 8, "only {batches} batches");
    if let Some(fresh) = fresh {
        migrate::up(&fresh.db, None).await.expect("a schema");
        let db = Store::from(fresh.again());
        for batches in [3, 2, 0, 2] {
            assert!(killed_after(&db, batches, &whole).await);
        }
        assert!(killed_after(&db, 4, &other).await);
        imported(&db, &other).await.expect("an import");
        assert_eq!(
            behind_header(&exported(&db, 3).await),
            behind_header(&whole)
        );
        assert_eq!(answers(&db).await, expected);
        db.close().await;
        fresh.end().await;
    }
}

#[tokio::test]
async fn an_import_goes_into_an_empty_database_and_once() {
    let (from, to) = (file().await, file().await);
    live(&from).await;
    let export = exported(&from, 1).await;
    let refused = imported(&from, &export).await.expect_err("it is not empty");
    assert!(refused.message().contains("not empty"), "{refused}");
    imported(&to, &export).await.expect("an import");
    let again = imported(&to, &export).await.expect("nothing to do");
    assert_eq!(again, Begun::AfterItsEnd);
    let another = exported(&from, 2).await;
    let refused = imported(&to, &another).await.expect_err("it is not empty");
    assert!(refused.message().contains("not empty"), "{refused}");
    assert_eq!(
        behind_header(&exported(&to, 1).await),
        behind_header(&export)
    );
}

#[tokio::test]
async fn a_bad_line_is_named_and_nothing_of_it_is_served() {
    let from = file().await;
    live(&from).await;
    let export = exported(&from, 1).await;
    let lines: Vec<&str> = std::str::from_utf8(&export).unwrap().lines().collect();
    let first = |sort: &str| {
        let start = format!("{{\"{sort}\":");
        let at = lines.iter().position(|line| line.starts_with(&start));
        at.expect("such a line")
    };
    let changed = |at: usize, line: &str| {
        let mut changed: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        changed[at] = line.to_owned();
        changed
    };
    let replaced = |at: usize, old: &str, new: &str| {
        assert!(lines[at].contains(old), "{} has no {old}", lines[at]);
        (at, changed(at, &lines[at].replacen(old, new, 1)))
    };
    let without = |at: usize| {
        let mut less = changed(at, "");
        less.remove(at);
        less
    };
    let (entry, view, change) = (first("entry"), first("view"), first("change"));
    let cases: [(&str, (usize, Vec<String>)); 13] = [
        ("does not begin an export", (0, changed(0, "{}"))),
        (
            "reads format 1",
            replaced(0, "\"format\":1", "\"format\":2"),
        ),
        ("before the line of a namespace", (1, without(1))),
        ("column", (entry, changed(entry, "{\"entry\":"))),
        (
            "unknown field `digesd`",
            replaced(entry, "\"digest\"", "\"digesd\""),
        ),
        (
            "unknown variant `entries`",
            replaced(entry, "{\"entry\":", "{\"entries\":"),
        ),
        (
            "is not an RFC 3339 time",
            replaced(entry, "\"publishedAt\":\"", "\"publishedAt\":\"x"),
        ),
        (
            "NUL",
            replaced(entry, "\"statusMessage\":\"", "\"statusMessage\":\"\\u0000"),
        ),
        (
            "the document is",
            replaced(entry, "\"name\":\"", "\"name\":\"a"),
        ),
        ("comes twice", (entry + 1, changed(entry + 1, lines[entry]))),
        (
            "no line tells of the registry",
            replaced(view, "\"registry\":\"", "\"registry\":\"a"),
        ),
        (
            "above that of its namespace",
            replaced(change, "\"sequence\":1", "\"sequence\":1000000"),
        ),
        ("some are missing", (lines.len() - 2, without(change))),
    ];
    for (why, (at, export)) in cases {
        let db = file().await;
        let error = imported(&db, export.join("\n").as_bytes()).await;
        let error = error.expect_err(why);
        let place = format!("line {} ", at + 1);
        assert!(
            error.message().starts_with(&place) && error.message().contains(why),
            "{why}: {error}"
        );
        if at > 1 {
            assert_closed(&db).await;
        }
        db.close().await;
    }
    let db = file().await;
    let cut = lines[..lines.len() - 1].join("\n");
    let error = imported(&db, cut.as_bytes()).await.expect_err("cut off");
    assert!(error.message().contains("cut off"), "{error}");
    assert_closed(&db).await;
}
