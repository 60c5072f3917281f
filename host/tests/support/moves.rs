//! A database with a history, its export, and all that it answers.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses its own part"
)]
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use cairn::{
    db::{Libsql, Store},
    migrate,
};
use cairn_registry::{
    Result,
    kinds::Kind,
    model::{Namespace, Timestamp},
    ops::{
        browse::{self, Query, Scope},
        pass, report,
        transfer::{Begun, Import, export},
    },
    store::Db,
};

use crate::history::{Dice, Side, query};

const REGISTRIES: [&str; 3] = ["both", "only-b", "strict"];

/// An empty database in a file.
pub async fn file() -> Store {
    let db = Store::from(Libsql::temporary().expect("a file"));
    migrate::up(&db, None).await.expect("a schema");
    db
}

pub fn side(db: Store, namespace: &str) -> Side {
    Side {
        namespace: Namespace::new(namespace).expect("a name"),
        ..Side::new(db)
    }
}

/// Writes a history into two namespaces. In one all passes have been completed, in the other one is under way.
pub async fn live(db: &Store) {
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
    side.configure(time(150), &mut Dice(0)).await;
    let claim = pass::claim(side.cx(time(150)), &side.source("a"), "daemon", 600).await;
    assert!(claim.expect("an answer").granted().is_some());
}

pub async fn is_cut(side: &Side) -> bool {
    let sources = report::sources(side.cx(0)).await.expect("sources");
    sources.iter().any(|source| source.pass_state != "idle")
}

pub fn time(step: u64) -> i64 {
    1_000_000_000 + i64::try_from(step).unwrap_or(0) * 1_000_000
}

pub async fn exported(db: &Store, now: i64) -> Vec<u8> {
    let snapshot = db.snapshot().await.expect("a snapshot");
    let mut text = Vec::new();
    let now = Timestamp::from_micros(now);
    let tally = export(&snapshot, now, "1.2.3", &mut text, |_| {}).await;
    let lines = text.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(tally.expect("an export").lines, lines as u64);
    text
}

/// All lines but the first, which has the time.
pub fn behind_header(export: &[u8]) -> &str {
    let text = std::str::from_utf8(export).expect("UTF-8");
    text.split_once('\n').expect("a header").1
}

pub async fn imported(db: &impl Db, export: &[u8]) -> Result<Begun> {
    let mut import = Import::new(db);
    for line in export.split_inclusive(|byte| *byte == b'\n') {
        import.line(line.trim_ascii_end()).await?;
    }
    import.finish().map(|(begun, _)| begun)
}

/// All that can be asked, in full.
pub async fn answers(db: &Store) -> String {
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
