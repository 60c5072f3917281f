//! The file that the migrations make, in the hands of stock SQLite; and stores that cannot answer.

use cairn_component::router;
use cairn_registry::{
    Error, Result,
    model::Namespace,
    store::{Db, Engine, Row, Statement, Value},
};
use futures_util::FutureExt as _;
use http::Request;

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

#[test]
fn what_only_reads_is_read_from_the_standby() {
    let folder = tempfile::tempdir().expect("a folder");
    let standby = fixture::file(&folder.path().join("registry.db"));
    // Whoever asks the other one is told that it has no schema.
    let registry = Registry::reading(Sqlite::without_schema(), standby);
    for target in [
        "/v0.1/servers?limit=2",
        "/v0.1/servers?search=alpha",
        "/v0.1/servers/io.acme%2Falpha/versions",
        "/v0.1/servers/io.acme%2Falpha/versions/latest",
        "/health",
    ] {
        assert_eq!(registry.get(target).status, 200, "{target}");
    }
    let alone = Registry::over(Sqlite::without_schema());
    assert_eq!(alone.get("/v0.1/servers").status, 503);
}

/// A store without room.
struct Full;

impl Db for Full {
    fn engine(&self) -> Engine {
        Engine::Sqlite
    }

    async fn query(&self, _: &str, _: Vec<Value>) -> Result<Vec<Row>> {
        Err(Error::full("of no concern to clients"))
    }

    async fn batch(&self, _: Vec<Statement>) -> Result<()> {
        Err(Error::full("of no concern to clients"))
    }
}

#[test]
fn a_store_without_room_is_told_as_such_in_either_dialect() {
    let registry = router(Full, Namespace::default());
    for (target, media) in [
        ("/v0.1/servers", "application/problem+json"),
        ("/registry/default/v0.1/servers", "application/json"),
    ] {
        let request = Request::get(target).body(()).expect("a request");
        let answer = registry.answer(&request).now_or_never().expect("at once");
        assert_eq!(answer.status(), 507, "{target}");
        assert_eq!(answer.headers()["content-type"], media);
        assert!(!answer.headers().contains_key("retry-after"));
        let body = String::from_utf8_lossy(answer.body());
        assert!(
            body.contains("\"error\":\"the database has no room left\""),
            "{body}"
        );
        assert!(!body.contains("no concern"), "{body}");
    }
}

/// A store that never answers.
struct Silent;

impl Db for Silent {
    fn engine(&self) -> Engine {
        Engine::Postgres
    }

    async fn query(&self, _: &str, _: Vec<Value>) -> Result<Vec<Row>> {
        std::future::pending().await
    }

    async fn batch(&self, _: Vec<Statement>) -> Result<()> {
        std::future::pending().await
    }
}

#[test]
fn a_store_that_never_answers_is_a_503_when_the_time_is_over() {
    let silent = router(Silent, Namespace::default());
    let ask = |target: &str| {
        let request = Request::get(target).body(()).expect(target);
        let answer = silent.answer_before(&request, 10, std::future::ready(()));
        answer.now_or_never().expect("an answer")
    };
    for target in ["/v0.1/servers", "/registry/a/v0.1/servers", "/health", "/"] {
        let answer = ask(target);
        assert_eq!(answer.status(), 503, "{target}");
        assert_eq!(answer.headers()["retry-after"], "2", "{target}");
        let body = std::str::from_utf8(answer.body()).expect("a text");
        assert!(
            body.contains(r#""error":"the database did not answer within 10 s"#),
            "{body}"
        );
    }
    assert_eq!(ask("/ping").status(), 200);
}

#[test]
fn only_the_sign_of_life_needs_no_database() {
    for (target, needed) in [
        ("/ping", false),
        ("/registry/a/v0.1/ping/", false),
        ("/health", true),
        ("/v0.1/servers/a/versions/ping", true),
        ("/nothing", true),
    ] {
        let uri = target.parse().expect(target);
        assert_eq!(cairn_component::needs_database(&uri), needed, "{target}");
    }
}
