//! What the last release sends has to run on the schema as it is now: its replicas go on while a newer one migrates, and
//! whoever rolls back brings them back. `released/` holds that SQL, recorded by `cargo xtask record-sql` when a version
//! is released.
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

#[path = "support/place.rs"]
mod place;
#[path = "support/postgres.rs"]
mod postgres;
#[path = "support/schema.rs"]
mod schema;

use std::collections::BTreeSet;

use cairn_registry::store::Engine;
use place::{Place, released};
use schema::{left_out, perform, refused};

const ENGINES: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];
const NOTHING: BTreeSet<String> = BTreeSet::new();

/// Statements of the last release, and a database for each engine that is here.
async fn each() -> Vec<(Vec<String>, Place)> {
    let mut all = Vec::new();
    for engine in ENGINES {
        if let Some(place) = Place::on(engine).await {
            all.push((released(engine), place));
        }
    }
    all
}

#[tokio::test]
async fn what_the_last_release_sends_runs_on_this_schema() {
    for (statements, place) in each().await {
        assert!(statements.len() > 50, "only {}", statements.len());
        assert_eq!(refused(&place.db, &statements).await, [""; 0]);
        assert_eq!(left_out(&place.db, &statements).await, NOTHING);
        place.end().await;
    }
}

#[tokio::test]
async fn a_column_a_table_or_a_key_that_it_needs_is_missed() {
    for (taken, names) in [
        ("ALTER TABLE change DROP COLUMN digest", "digest"),
        ("DROP TABLE finding", "finding"),
        (
            "DROP TABLE registry; CREATE TABLE registry (namespace TEXT, name TEXT, is_default BIGINT, valid_only BIGINT, \
             loaded BIGINT, projected BIGINT, records BIGINT, names BIGINT)",
            "ON CONFLICT (namespace, name)",
        ),
    ] {
        for (statements, place) in each().await {
            perform(&place.db, taken).await;
            let refused = refused(&place.db, &statements).await;
            assert!(!refused.is_empty(), "{taken}");
            let others: Vec<_> = refused.iter().filter(|sql| !sql.contains(names)).collect();
            assert_eq!(others, [&""; 0], "{taken}");
            place.end().await;
        }
    }
}

#[tokio::test]
async fn an_index_that_is_named_is_missed() {
    let place = Place::on(Engine::Sqlite).await.expect("a file");
    perform(&place.db, "DROP INDEX view_entry").await;
    let statements = released(Engine::Sqlite);
    let refused = refused(&place.db, &statements).await;
    assert!(!refused.is_empty());
    assert!(
        refused
            .iter()
            .all(|sql| sql.contains("INDEXED BY view_entry")),
        "{refused:?}"
    );
    place.end().await;
}

#[tokio::test]
async fn a_column_that_it_does_not_fill_is_missed() {
    for (statements, place) in each().await {
        let harmless = "ALTER TABLE import ADD COLUMN more BIGINT NOT NULL DEFAULT 0; \
                        ALTER TABLE import ADD COLUMN other TEXT";
        perform(&place.db, harmless).await;
        assert_eq!(left_out(&place.db, &statements).await, NOTHING);
        let harmful = "DROP TABLE import; CREATE TABLE import (namespace TEXT NOT NULL PRIMARY KEY, \
                       export TEXT NOT NULL, line BIGINT NOT NULL, complete BIGINT NOT NULL, more BIGINT NOT NULL)";
        perform(&place.db, harmful).await;
        assert_eq!(refused(&place.db, &statements).await, [""; 0]);
        let left = left_out(&place.db, &statements).await;
        assert_eq!(left, BTreeSet::from(["import.more".to_owned()]));
        place.end().await;
    }
}
