//! The store suite on stock SQLite.

use cairn_store_suite as suite;
use futures_util::FutureExt as _;

use crate::sqlite::Sqlite;

#[test]
fn the_store_suite_passes() {
    for (name, case) in suite::cases() {
        println!("{name}");
        let db = Sqlite::without_schema();
        db.migrate();
        case(&db).now_or_never().expect("this engine never waits");
    }
}
