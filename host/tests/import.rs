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
