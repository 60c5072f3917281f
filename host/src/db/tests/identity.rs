//! Files of cairn, of other programs, and files that are no database.

use std::{os::unix::fs::symlink, path::PathBuf};

use tempfile::TempDir;

use super::*;
use crate::{
    config::model::{Database, Server},
    db::Libsql,
    migrate,
};

fn made(folder: &TempDir, name: &str, sql: &str) -> PathBuf {
    let path = folder.path().join(name);
    let mut connection = Connection::open(&path, Role::Copier, Duration::ZERO).unwrap();
    connection.script(sql).unwrap();
    path
}

fn open(path: &Path) -> Result<Libsql> {
    Libsql::open(&Database {
        postgres: None,
        server: Server::default(),
        path: path.to_owned(),
        readers: 1,
        busy_timeout: Duration::ZERO,
    })
}

/// Names and contents of all files.
fn contents(folder: &TempDir) -> Vec<(PathBuf, Vec<u8>)> {
    let files = fs::read_dir(folder.path()).unwrap();
    let mut all: Vec<_> = files
        .map(|file| file.unwrap().path())
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    all.sort();
    all
}

#[test]
fn a_database_of_another_program_is_refused_untouched() {
    for sql in [
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)",
        "CREATE TABLE source (id INTEGER PRIMARY KEY, url TEXT)",
        "CREATE TABLE schema_version (version INTEGER); CREATE TABLE a (x)",
        "CREATE VIEW a AS SELECT 1",
        "PRAGMA application_id = 7",
        "PRAGMA journal_mode = WAL; CREATE TABLE users (id INTEGER)",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = made(&folder, "other ?#%.db", sql);
        let before = contents(&folder);
        let refused = open(&path).err().expect(sql);
        let said = refused.message();
        assert!(said.contains("of another program"), "{sql}: {said}");
        assert!(before == contents(&folder), "{sql}: something was written");
        symlink(&path, folder.path().join("link")).unwrap();
        assert!(open(&folder.path().join("link")).is_err(), "{sql}");
    }
}

#[test]
fn tables_in_a_log_count() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    let mut writer = Connection::open(&path, Role::Copier, Duration::ZERO).unwrap();
    writer
        .script("PRAGMA journal_mode = WAL; CREATE TABLE users (id INTEGER)")
        .unwrap();
    assert!(has_log(&path));
    let before = fs::read(&path).unwrap();
    let refused = open(&path).err().expect("it has tables");
    assert!(refused.message().contains("users"), "{refused}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn what_is_no_database_is_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    for text in ["x", "sources: []\n", &"no database at all ".repeat(100)] {
        let path = folder.path().join("file");
        fs::write(&path, text).unwrap();
        let refused = open(&path).err().expect("it is text");
        assert!(refused.message().contains("not a SQLite"), "{refused}");
        assert_eq!(fs::read_to_string(path).unwrap(), text);
        assert_eq!(contents(&folder).len(), 1);
    }
    let refused = open(folder.path()).err().expect("a folder");
    assert!(refused.to_string().contains("regular file"), "{refused}");
}

#[tokio::test]
async fn our_files_are_accepted_with_and_without_an_id() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cairn.db");
    fs::write(&path, b"").unwrap();
    let db = open(&path).unwrap();
    migrate::up(&db, None).await.unwrap();
    db.close().await;
    let id = fs::read(&path).unwrap().get(ID_AT).map(<[u8]>::to_vec);
    assert_eq!(id.as_deref(), Some(&b"CARN"[..]));
    for sql in ["PRAGMA application_id = 0", "PRAGMA user_version = 7"] {
        drop(made(&folder, "cairn.db", sql));
        let db = open(&path).unwrap();
        migrate::down(&db, 100).await.unwrap();
        db.close().await;
    }
    drop(open(&path).unwrap());
    assert!(!is_foreign(&path));
}
