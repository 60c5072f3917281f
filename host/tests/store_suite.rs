//! The store suite on both engines, and a record of all that it and the rest of the program send. `CAIRN_RECORD_SQL` has the
//! record written down, as that of a release: see `released.rs`.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says which case it is at"
)]

#[path = "support/history.rs"]
mod history;
#[path = "support/moves.rs"]
mod moves;
#[path = "support/place.rs"]
mod place;
#[path = "support/postgres.rs"]
mod postgres;
#[path = "support/recording.rs"]
mod recording;
#[path = "support/schema.rs"]
mod schema;
#[path = "support/source.rs"]
mod source;

use std::sync::Mutex;

use cairn::db::Store;
use cairn_registry::store::Engine;
use cairn_store_suite::{self as suite, Record, Recorder};
use place::{Place, released};
use recording::{recorded, send_the_rest, write};
use schema::{columns, is_needed, refused};

/// Cases that send statements of their own.
const OWN: [&str; 3] = [
    "a_batch_is_all_or_nothing",
    "a_large_batch_is_one_all_the_same",
    "an_id_that_is_taken_is_not_given_again",
];

/// Runs the suite and notes what it sends; `None` where there is no such engine.
async fn run(engine: Engine) -> Option<Record> {
    let record = Record::default();
    for (name, case) in suite::cases::<Recorder<Store>>() {
        println!("{name}");
        let place = Place::on(engine).await?;
        let own = Record::default();
        let noted = if OWN.contains(&name) { &own } else { &record };
        case(&recorded(&place.db, noted)).await;
        place.end().await;
    }
    Some(record)
}

/// Each column is used by this program or by the last release, each text of the store's source is sent to some engine.
async fn check(engine: Engine, record: Record) {
    static SENT: Mutex<Vec<Vec<String>>> = Mutex::new(Vec::new());
    let place = Place::on(engine).await.expect("another one");
    let statements = record.statements();
    assert_eq!(refused(&place.db, &statements).await, [""; 0]);
    let both = [statements.clone(), released(engine)].concat();
    for column in columns(&place.db).await {
        let needed = is_needed(&place.db, &column, &both).await;
        assert!(needed, "{column:?} is nobody's");
    }
    place.end().await;
    if std::env::var_os("CAIRN_RECORD_SQL").is_some() {
        write(engine, &statements);
    }
    let mut sent = SENT.lock().expect("the other test has not failed");
    sent.push(statements);
    // Whichever comes last looks at both.
    if sent.len() == 2 {
        assert_eq!(source::unrecorded(&sent.concat()), [""; 0]);
    }
}

async fn passes_on(engine: Engine) {
    let Some(record) = run(engine).await else {
        return;
    };
    let (one, two) = (Place::on(engine).await, Place::on(engine).await);
    let (one, two) = (one.expect("a place"), two.expect("another"));
    send_the_rest(&one.db, &two.db, &record).await;
    one.end().await;
    two.end().await;
    check(engine, record).await;
}

#[tokio::test]
async fn the_store_suite_passes_on_libsql() {
    passes_on(Engine::Sqlite).await;
}

#[tokio::test]
async fn the_store_suite_passes_on_postgres() {
    passes_on(Engine::Postgres).await;
}

#[tokio::test]
async fn the_store_suite_passes_on_postgres_without_trigrams() {
    for (name, case) in suite::cases() {
        println!("{name}");
        let Some(place) = Place::without_trigrams().await else {
            return;
        };
        case(&place.db).await;
        place.end().await;
    }
}
