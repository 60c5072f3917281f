//! The store suite on libsql.

use cairn::{db::Libsql, migrate};
use cairn_registry::suite;

#[tokio::test]
async fn the_store_suite_passes() {
    for (name, case) in suite::cases() {
        println!("{name}");
        let db = Libsql::temporary().expect("database");
        migrate::up(&db, None).await.expect("schema");
        case(&db).await;
        db.close().await;
    }
}
