//! What a real server promises beyond the store suite.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "support/postgres.rs"]
mod support;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cairn::{
    db::{
        Postgres,
        postgres::{Failure, Session},
    },
    migrate,
};
use cairn_registry::{
    ErrorKind,
    store::{Db, Statement, Value},
};
use support::{Fresh, fresh, without_extensions};

async fn database() -> Option<Fresh> {
    let fresh = fresh().await?;
    fresh
        .db
        .script("CREATE TABLE t (id BIGINT PRIMARY KEY, name TEXT); CREATE TABLE u (x TEXT)")
        .await
        .unwrap();
    Some(fresh)
}

fn insert(id: i64) -> Statement {
    Statement::new(
        "INSERT INTO t (id, name) VALUES (?1, ?2)",
        vec![id.into(), format!("n{id}").into()],
    )
}

async fn count(db: &Postgres) -> i64 {
    let rows = db.query("SELECT count(*) FROM t", vec![]).await.unwrap();
    rows.into_iter().next().unwrap().integer().unwrap()
}

#[tokio::test]
async fn values_come_back_as_they_went_in() {
    let Some(fresh) = database().await else {
        return;
    };
    let values = vec![
        Value::Null,
        Value::Integer(i64::MIN),
        Value::Real(0.5),
        Value::Text("ü ?1".to_owned()),
        Value::Text(String::new()),
        Value::Blob(vec![0, 255]),
        Value::Blob(vec![]),
    ];
    let answer = fresh
        .db
        .session()
        .run(
            "SELECT ?1::text, ?2::bigint, ?3::float8, ?4::text, ?5::text, ?6::bytea, ?7::bytea, '?1'",
            &values,
        )
        .await
        .unwrap();
    let mut expected = values;
    expected.push(Value::Text("?1".to_owned()));
    assert_eq!(answer.rows, [expected]);
    fresh.end().await;
}

#[tokio::test]
async fn what_an_operator_can_mend_is_said() {
    let Some(fresh) = fresh().await else {
        return;
    };
    let error = fresh
        .db
        .query("SELECT 1 FROM view", vec![])
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("cairn migrate up"), "{error}");

    let mut nowhere = fresh.settings.clone();
    nowhere.database = "nowhere".to_owned();
    let mut closed = fresh.settings.clone();
    closed.port = 1;
    for (settings, word) in [
        (nowhere, "no database of that name"),
        (closed, "cannot be reached"),
    ] {
        let db = Postgres::new(&settings).unwrap();
        let error = db.query("SELECT 1", vec![]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(error.message().contains(word), "{error}");
    }
    fresh.end().await;
}

async fn moves(db: &Postgres, before: u64) {
    let moved = async {
        while db.generation() == before {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(1), moved)
        .await
        .expect("it moves within a second");
}

#[tokio::test]
async fn a_commit_of_somebody_else_is_noticed_with_and_without_a_notice() {
    let Some(fresh) = fresh().await else {
        return;
    };
    migrate::up(&fresh.db, None).await.unwrap();
    let other = fresh.again();
    other.follow();
    let bump = |value: i64| {
        Statement::new(
            "INSERT INTO generation (namespace, value, change_seq, entry_id) VALUES ('n', ?1, 0, 0) \
             ON CONFLICT (namespace) DO UPDATE SET value = excluded.value",
            vec![value.into()],
        )
    };
    for (value, noticed) in [(1, true), (2, true), (3, false)] {
        if !noticed {
            let silent = "ALTER TABLE generation DISABLE TRIGGER announce";
            fresh.db.script(silent).await.unwrap();
        }
        let before = other.generation();
        fresh.db.batch(vec![bump(value)]).await.unwrap();
        moves(&other, before).await;
    }
    let before = fresh.db.generation();
    fresh.db.batch(vec![bump(4), insert(1)]).await.unwrap_err();
    assert_eq!(fresh.db.generation(), before, "a batch that failed");
    drop(other);
    fresh.end().await;
}

#[tokio::test]
async fn a_session_has_a_connection_of_its_own_inside_a_transaction() {
    let Some(fresh) = database().await else {
        return;
    };
    let run = async |session: &Session, sql: &str| session.run(sql, &[]).await.unwrap().rows;
    let count = "SELECT count(*) FROM t";
    let (one, two) = (fresh.db.session(), fresh.db.session());
    run(&one, "ROLLBACK").await;
    run(&one, "BEGIN").await;
    run(&one, "INSERT INTO t VALUES (1, 'a')").await;
    assert_eq!(
        run(&one, count).await,
        [[Value::Integer(1)]],
        "its own write"
    );
    assert_eq!(
        run(&two, count).await,
        [[Value::Integer(0)]],
        "nobody else's business"
    );
    drop(one);
    let three = fresh.db.session();
    run(&three, "BEGIN").await;
    assert_eq!(
        run(&three, count).await,
        [[Value::Integer(0)]],
        "undone with its session"
    );
    run(&three, "INSERT INTO t VALUES (2, 'b')").await;
    run(&three, "COMMIT").await;
    assert_eq!(run(&two, count).await, [[Value::Integer(1)]], "committed");
    fresh.end().await;
}

#[tokio::test]
async fn a_batch_that_nobody_waits_for_any_more_leaves_nothing() {
    let Some(fresh) = database().await else {
        return;
    };
    let mut statements: Vec<Statement> = (0..500).map(insert).collect();
    statements.push(Statement::new("SELECT pg_sleep(20)", vec![]));
    let batch = fresh.db.batch(statements);
    let cut = tokio::time::timeout(Duration::from_millis(300), batch).await;
    assert!(cut.is_err(), "it was still under way");
    assert_eq!(count(&fresh.db).await, 0);
    fresh.end().await;
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_given_up_by_the_server() {
    let Some(fresh) = fresh().await else {
        return;
    };
    let mut settings = fresh.settings.clone();
    settings.statement_timeout = Duration::from_millis(200);
    let db = Postgres::new(&settings).unwrap();
    // Whoever asks gives up too, a second later: by then the server has.
    let begun = Instant::now();
    let failure = db.session().run("SELECT pg_sleep(20)", &[]).await;
    let took = begun.elapsed();
    let Err(Failure::Refused(refusal)) = failure else {
        panic!("not the server's word: {failure:?}");
    };
    assert_eq!(refusal.code, "57014", "{refusal:?}");
    assert!(refusal.message.contains("statement timeout"), "{refusal:?}");
    assert!((200..1_100).contains(&took.as_millis()), "{took:?}");
    let sleep = Statement::new("SELECT pg_sleep(?1)", vec![Value::Real(20.0)]);
    let error = db.batch(vec![sleep]).await.unwrap_err();
    assert!(error.cause().unwrap().contains("timeout"), "{error:?}");
    drop(db);
    fresh.end().await;
}

#[tokio::test]
async fn connections_are_bounded_and_kept() {
    let Some(fresh) = database().await else {
        return;
    };
    let mut settings = fresh.settings.clone();
    settings.connections = 3;
    let db = Arc::new(Postgres::new(&settings).unwrap());
    let reads = (0..50).map(|_| {
        let db = Arc::clone(&db);
        tokio::spawn(async move { count(&db).await })
    });
    for read in reads.collect::<Vec<_>>() {
        assert_eq!(read.await.unwrap(), 0);
    }
    assert!((1..=3).contains(&db.open_connections()));
    db.close();
    let closed = async {
        while db.open_connections() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let closed = tokio::time::timeout(Duration::from_secs(1), closed).await;
    closed.expect("what is idle is closed");
    let error = db.query("SELECT 1", vec![]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    fresh.end().await;
}

#[tokio::test]
async fn a_connection_that_was_cut_off_while_idle_is_no_failure() {
    let Some(fresh) = database().await else {
        return;
    };
    for _ in 0..3 {
        count(&fresh.db).await;
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        fresh.again().session().run(cut, &[]).await.unwrap();
    }
    fresh.end().await;
}

#[tokio::test]
async fn ten_that_migrate_at_once_apply_each_step_once() {
    let Some(fresh) = fresh().await else {
        return;
    };
    let databases: Vec<_> = (0..10).map(|_| fresh.again()).collect();
    let ups = databases.iter().map(|db| migrate::up(db, None));
    let done = futures_util::future::join_all(ups).await;
    let applied: usize = done.into_iter().map(|done| done.unwrap().len()).sum();
    assert_eq!(applied, migrate::STEPS.len());
    assert_eq!(
        migrate::down(&fresh.db, 100).await.unwrap().len(),
        migrate::STEPS.len()
    );
    migrate::up(&fresh.db, None).await.unwrap();
    drop(databases);
    fresh.end().await;
}

#[tokio::test]
async fn the_schema_does_without_the_right_to_make_an_extension() {
    let Some(fresh) = without_extensions().await else {
        return;
    };
    migrate::up(&fresh.db, None).await.unwrap();
    let found = fresh.db.query(
        "SELECT indexname::text FROM pg_indexes WHERE tablename = ?1",
        vec!["entry".into()],
    );
    let indexes = found.await.unwrap().into_iter().map(|mut row| row.text());
    let indexes: Vec<String> = indexes.collect::<Result<_, _>>().unwrap();
    assert!(indexes.contains(&"entry_key".to_owned()), "{indexes:?}");
    assert!(!indexes.contains(&"entry_search".to_owned()), "{indexes:?}");
    fresh.end().await;
}
