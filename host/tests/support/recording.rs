//! The SQL of this program, written down while it is sent: by the store suite, and by what else the program does.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{fs, path::PathBuf};

use cairn::{
    db::{Store, postgres::GENERATIONS},
    migrate,
};
use cairn_registry::{
    kinds::Kind,
    model::{Filter, Namespace, RegistryName, SourceName, Timestamp},
    ops::{
        Cx,
        browse::{self, Query, Scope},
        configure::{self, RegistrySpec, SourceSpec},
        ingest::{Incoming, Item},
        pass::{self, Ending, Mode},
        removals::Removals,
        report,
        transfer::export,
    },
    store::{Db, Engine, postgres::PLANNING},
};
use cairn_store_suite::{Record, Recorder};

use crate::moves::{exported, imported, live};

/// An engine whose statements are noted.
pub(crate) fn recorded(db: &Store, record: &Record) -> Recorder<Store> {
    Recorder {
        db: db.clone(),
        record: record.clone(),
    }
}

fn cx<'a, D>(db: &'a D, namespace: &'a Namespace, step: i64) -> Cx<'a, D> {
    Cx {
        db,
        namespace,
        now: Timestamp::from_micros(1_000_000_000 + step * 1_000_000),
    }
}

/// Sends what the store suite leaves out, to two empty databases.
pub(crate) async fn send_the_rest(one: &Store, two: &Store, record: &Record) {
    let db = recorded(one, record);
    migrate::status(&db).await.expect("steps");
    if one.engine() == Engine::Postgres {
        record.note(GENERATIONS);
        record.note(PLANNING);
    }
    passes(&db).await;
    pages(&db).await;
    moves(one, two, record).await;
}

/// Every way in which an attempt at a source ends.
async fn passes(db: &impl Db) {
    let namespace = Namespace::default();
    let cx = |step| cx(db, &namespace, step);
    let name = SourceName::new("a").unwrap();
    let source = |origin: &str| SourceSpec {
        name: name.clone(),
        origin: origin.to_owned(),
        filter: Filter::default(),
    };
    for origin in ["test:a", "test:moved"] {
        let registry = RegistrySpec {
            name: RegistryName::new("all").unwrap(),
            sources: vec![name.clone()],
            valid_only: false,
        };
        configure::apply(cx(1), &[source(origin)], &[registry])
            .await
            .unwrap();
    }
    let ending = Ending {
        fingerprint: "seen",
        next_run: Timestamp::default(),
        removals: Removals::Unbounded,
    };
    let claim = async |step| {
        let claim = pass::claim(cx(step), &source("test:moved"), "tester", 60).await;
        claim.unwrap().granted().unwrap()
    };
    let lease = claim(2).await;
    pass::renew(cx(3), &lease).await.unwrap();
    pass::abandon(cx(4), &lease).await.unwrap();
    pass::unchanged(cx(5), &lease, ending).await.unwrap();
    let lease = claim(6).await;
    pass::fail(cx(7), &lease, "as it happens", Timestamp::default())
        .await
        .unwrap();
    pass::release(cx(8), &lease).await.unwrap();
    let lease = claim(9).await;
    let pass = pass::begin(
        cx(9),
        lease,
        Kind::Server,
        Filter::default(),
        Mode::Full,
        true,
    );
    let pass = pass.await.unwrap();
    pass::take(cx(9), &pass, vec![record()], "next")
        .await
        .unwrap();
    pass::complete(cx(10), pass, ending).await.unwrap();
}

/// One that is filtered by something and points to something.
fn record() -> Item {
    let document = serde_json::json!({
        "name": "io.test/n", "version": "1.0.0", "description": "d",
        "packages": [{ "registryType": "npm", "identifier": "n", "version": "1.0.0", "transport": { "type": "stdio" } }],
        "_meta": { "io.modelcontextprotocol.registry/publisher-provided": { "tags": ["t"] } },
    });
    Item::Record(Incoming {
        position: "0".to_owned(),
        document: document.to_string().into_bytes(),
        official: None,
    })
}

/// Every way in which a list is asked for, and whatever else is read.
async fn pages(db: &impl Db) {
    let namespace = Namespace::default();
    let cx = cx(db, &namespace, 20);
    for number in 0..4 * 2 * 3 * 2 {
        let of = |choices: usize, stride: usize| number / stride % choices;
        let query = Query {
            limit: 10,
            search: [None, Some("i"), Some("io"), Some("io.")][of(4, 1)].map(str::to_owned),
            updated_since: [None, Some(Timestamp::default())][of(2, 4)],
            version: [None, Some("latest"), Some("1.0.0")][of(3, 8)].map(str::to_owned),
            include_deleted: [None, Some(true)][of(2, 24)],
            ..Query::default()
        };
        browse::list(cx, Scope::Default, Kind::Server, query)
            .await
            .unwrap();
    }
    for deleted in [false, true] {
        let name = "io.test/n";
        browse::versions(cx, Scope::Default, Kind::Server, name, deleted)
            .await
            .unwrap();
        for version in ["latest", "1.0.0"] {
            let key = (name, version);
            browse::version(cx, Scope::Default, Kind::Server, key, deleted)
                .await
                .unwrap();
        }
    }
    browse::ping(cx).await.unwrap();
    browse::overview(cx).await.unwrap();
    report::list(cx, report::MOST).await.unwrap();
    report::source(cx, "a").await.unwrap();
}

/// An export, and an import that takes the place of another one, which was cut off.
async fn moves(from: &Store, to: &Store, record: &Record) {
    live(from).await;
    let snapshot = Recorder {
        db: from.snapshot().await.unwrap(),
        record: record.clone(),
    };
    let mut text = Vec::new();
    let now = Timestamp::from_micros(1);
    export(&snapshot, now, "1.2.3", &mut text, |_| {})
        .await
        .unwrap();
    let to = recorded(to, record);
    let other = exported(from, 2).await;
    imported(&to, &other[..other.len() / 2]).await.unwrap_err();
    imported(&to, &text).await.unwrap();
}

pub(crate) fn write(engine: Engine, statements: &[String]) {
    let name = match engine {
        Engine::Sqlite => "sqlite",
        Engine::Postgres => "postgres",
    };
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/released");
    let mut text = format!(
        "-- What {} sends to this engine. Made by `cargo xtask record-sql`; not to be edited.\n",
        env!("CARGO_PKG_VERSION")
    );
    for sql in statements {
        assert!(!sql.contains('\n'), "a statement of several lines: {sql}");
        text += &format!("{sql};\n");
    }
    fs::write(folder.join(format!("{name}.sql")), text).expect("the record is written");
}
