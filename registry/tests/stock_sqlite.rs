//! The store suite on stock SQLite.

mod support;

use cairn_registry::suite;
use support::Sqlite;

#[test]
fn the_store_suite_passes() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("runtime");
    for (name, case) in suite::cases() {
        println!("{name}");
        runtime.block_on(case(&Sqlite::in_memory()));
    }
}
