//! Imports that are cut off, come twice, or are of lines that are none: nothing of a part is ever served.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "support/history.rs"]
mod history;
#[path = "support/moves.rs"]
mod moves;
#[path = "support/postgres.rs"]
mod postgres;

use std::sync::atomic::{AtomicUsize, Ordering};

use cairn::{db::Store, migrate};
use cairn_registry::{
    Error, ErrorKind, Result,
    kinds::Kind,
    model::Timestamp,
    ops::{
        browse::{self, Query, Scope},
        configure,
        transfer::{Begun, export},
    },
    store::{Db, Engine, Row, Statement, Value},
};
use moves::{answers, behind_header, exported, file, imported, live, side, time};

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
            // Or that was the last batch.
            0 => (&whole, Begun::AfterItsEnd),
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

/// Lines of an export that are changed for the worse.
struct Lines(Vec<String>);

impl Lines {
    /// Where the first one of a sort is.
    fn first(&self, sort: &str) -> usize {
        let start = format!("{{\"{sort}\":");
        let found = self.0.iter().position(|line| line.starts_with(&start));
        found.expect("such a line")
    }

    /// Another line in the place of one, with that place.
    fn changed(&self, at: usize, line: &str) -> (usize, Vec<String>) {
        let mut changed = self.0.clone();
        changed[at] = line.to_owned();
        (at, changed)
    }

    fn replaced(&self, at: usize, old: &str, new: &str) -> (usize, Vec<String>) {
        assert!(self.0[at].contains(old), "{} has no {old}", self.0[at]);
        self.changed(at, &self.0[at].replacen(old, new, 1))
    }

    /// Without one, and where that is noticed.
    fn without(&self, at: usize, noticed: usize) -> (usize, Vec<String>) {
        let mut less = self.0.clone();
        less.remove(at);
        (noticed, less)
    }
}

/// What is told of exports that are none, with the place of the line.
fn bad(of: &Lines) -> Vec<(&'static str, (usize, Vec<String>))> {
    let (entry, view, change) = (of.first("entry"), of.first("view"), of.first("change"));
    let end = of.0.len() - 2;
    vec![
        ("does not begin an export", of.changed(0, "{}")),
        (
            "reads format 1",
            of.replaced(0, "\"format\":1", "\"format\":2"),
        ),
        ("before the line of a namespace", of.without(1, 1)),
        ("column", of.changed(entry, "{\"entry\":")),
        (
            "unknown field `digesd`",
            of.replaced(entry, "\"digest\"", "\"digesd\""),
        ),
        (
            "unknown variant `entries`",
            of.replaced(entry, "\"entry\"", "\"entries\""),
        ),
        (
            "is not an RFC 3339 time",
            of.replaced(entry, "edAt\":\"", "edAt\":\"x"),
        ),
        (
            "NUL",
            of.replaced(entry, "Message\":\"", "Message\":\"\\u0000"),
        ),
        (
            "the document is",
            of.replaced(entry, "\"name\":\"", "\"name\":\"a"),
        ),
        ("comes twice", of.changed(entry + 1, &of.0[entry])),
        (
            "tells of the registry",
            of.replaced(view, "\"registry\":\"", "\"registry\":\"a"),
        ),
        ("tells of the entry", of.without(entry, usize::MAX)),
        (
            "above that of its namespace",
            of.replaced(change, "\":1,", "\":1000000,"),
        ),
        ("some are missing", of.without(change, end)),
        ("comes twice", of.changed(end, &of.0[1])),
    ]
}

#[tokio::test]
async fn a_bad_line_is_named_and_nothing_of_it_is_served() {
    let from = file().await;
    live(&from).await;
    let export = String::from_utf8(exported(&from, 1).await).unwrap();
    let of = Lines(export.lines().map(str::to_owned).collect());
    let end = of.0.len() - 2;
    for (why, (at, export)) in bad(&of) {
        let db = file().await;
        let error = imported(&db, export.join("\n").as_bytes()).await;
        let error = error.expect_err(why);
        let place = match at {
            usize::MAX => "line ".to_owned(),
            at => format!("line {} ", at + 1),
        };
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
    let cut = of.0[..=end].join("\n");
    let error = imported(&db, cut.as_bytes()).await.expect_err("cut off");
    assert!(error.message().contains("cut off"), "{error}");
    assert_closed(&db).await;
}
