//! The file that the migrations make, in the hands of stock SQLite.

use crate::{
    fixture::{self, Registry},
    sqlite::Sqlite,
};

#[test]
fn stock_sqlite_reads_the_file_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("registry.db");
    drop(fixture::file(&path));

    let db = Sqlite::open(&path);
    let text = |sql: &str| {
        let rows = db.read(sql, Vec::new()).expect("rows");
        rows.into_iter()
            .map(|mut row| row.text().expect("a text"))
            .collect::<Vec<_>>()
    };
    assert_eq!(text("PRAGMA integrity_check"), ["ok"]);
    assert_eq!(text("SELECT sqlite_version()").len(), 1);
    let answer = Registry::over(db).get("/v0.1/servers?search=alpha&version=latest");
    assert_eq!(answer.records(), ["io.acme/alpha 1.10.0"]);
}
