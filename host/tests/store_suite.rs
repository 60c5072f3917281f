//! The store suite on both engines.

#[path = "support/postgres.rs"]
mod postgres;

use cairn::{db::Libsql, migrate};
use cairn_registry::suite;

#[tokio::test]
async fn the_store_suite_passes_on_libsql() {
    for (name, case) in suite::cases() {
        println!("{name}");
        let db = Libsql::temporary().expect("database");
        migrate::up(&db, None).await.expect("schema");
        case(&db).await;
        db.close().await;
    }
}

#[tokio::test]
async fn the_store_suite_passes_on_postgres() {
    for (name, case) in suite::cases() {
        println!("{name}");
        let Some(fresh) = postgres::fresh().await else {
            return;
        };
        migrate::up(&fresh.db, None).await.expect("schema");
        case(&fresh.db).await;
        fresh.end().await;
    }
}
