//! What a real file promises beyond the store suite.

use cairn_registry::ErrorKind;

use super::*;

async fn database() -> Arc<Libsql> {
    let db = Libsql::temporary().unwrap();
    db.script("CREATE TABLE t (id BIGINT PRIMARY KEY, name TEXT) ; CREATE TABLE u (x TEXT);")
        .await
        .unwrap();
    Arc::new(db)
}

fn insert(id: i64) -> Statement {
    Statement::expecting(
        1,
        "INSERT INTO t (id, name) VALUES (?1, ?2)",
        vec![id.into(), format!("n{id}").into()],
    )
}

async fn count(db: &Libsql) -> i64 {
    let rows = db.query("SELECT count(*) FROM t", vec![]).await.unwrap();
    rows.into_iter().next().unwrap().integer().unwrap()
}

#[tokio::test]
async fn statements_without_rows_count_nothing_even_after_one_that_did() {
    let db = database().await;
    db.batch(vec![
        insert(1),
        Statement::expecting(0, "CREATE TABLE v (x TEXT)", vec![]),
        Statement::expecting(0, "UPDATE t SET name = 'x' WHERE id = 2", vec![]),
    ])
    .await
    .unwrap();
}

#[tokio::test]
async fn values_come_back_as_they_went_in() {
    let db = database().await;
    let values = vec![
        Value::Null,
        Value::Integer(i64::MIN),
        Value::Real(0.5),
        Value::Text("ü".to_owned()),
        Value::Text(String::new()),
        Value::Blob(vec![0, 255]),
        Value::Blob(vec![]),
    ];
    let table = db
        .read("SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7", &values)
        .unwrap()
        .unwrap();
    assert_eq!(table.rows, vec![values]);
}

#[tokio::test]
async fn a_missing_schema_names_its_remedy() {
    let db = Libsql::temporary().unwrap();
    let error = db.query("SELECT 1 FROM asset", vec![]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("cairn migrate up"), "{error}");
}

#[tokio::test]
async fn the_generation_moves_with_commits_and_only_with_them() {
    let db = database().await;
    let before = db.generation();
    db.batch(vec![insert(1), insert(1)]).await.unwrap_err();
    assert_eq!(db.generation(), before, "a batch that failed");
    db.batch(vec![insert(1)]).await.unwrap();
    assert_ne!(db.generation(), before, "a batch");
}

#[tokio::test]
async fn a_commit_of_somebody_else_is_noticed() {
    let db = database().await;
    let before = db.generation();
    let mut other = Connection::open(db.path(), Role::Writer, Duration::from_secs(5)).unwrap();
    other.script("INSERT INTO u VALUES ('x')").unwrap();
    let noticed = async {
        while db.generation() == before {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), noticed)
        .await
        .unwrap();
}

#[tokio::test]
async fn reading_goes_on_during_a_long_batch() {
    let db = database().await;
    let writing = tokio::spawn({
        let db = Arc::clone(&db);
        async move { db.batch((0..20_000).map(insert).collect()).await }
    });
    let mut reads = 0;
    while !writing.is_finished() {
        let seen = count(&db).await;
        assert!(
            seen == 0 || seen == 20_000,
            "half a batch was visible: {seen}"
        );
        reads += 1;
        tokio::task::yield_now().await;
    }
    writing.await.unwrap().unwrap();
    assert!(reads > 1, "no read got through");
}

#[tokio::test]
async fn a_session_reads_from_the_pool_and_writes_on_its_own() {
    let db = database().await;
    let (mut one, two) = (db.session(), db.session());
    let run = |session: &mut Session, sql: &str| session.run(sql.to_owned(), vec![]);

    assert!(
        one.read("INSERT INTO t VALUES (1, 'a')", &[])
            .unwrap()
            .is_none()
    );
    assert!(
        one.read(
            "WITH x AS (SELECT 1) INSERT INTO t SELECT 1, 'a' FROM x",
            &[]
        )
        .unwrap()
        .is_none()
    );
    run(&mut one, "BEGIN").await.unwrap();
    run(&mut one, "INSERT INTO t VALUES (1, 'a')")
        .await
        .unwrap();
    assert_eq!((one.changes(), one.last_insert_rowid()), (1, 1));
    let seen = run(&mut one, "SELECT count(*) FROM t").await.unwrap().rows;
    assert_eq!(seen, [[Value::Integer(1)]], "its own write");
    let seen = two
        .read("SELECT count(*) FROM t", &[])
        .unwrap()
        .unwrap()
        .rows;
    assert_eq!(
        seen,
        [[Value::Integer(0)]],
        "nobody else's business before the commit"
    );
    drop(one);
    assert_eq!(
        count(&db).await,
        0,
        "an unfinished transaction ends with its session"
    );
}

#[tokio::test]
async fn a_closed_database_leaves_one_file_and_says_that_it_is_closed() {
    let db = database().await;
    db.batch(vec![insert(1)]).await.unwrap();
    db.close().await;
    let log = db.path().with_extension("db-wal");
    assert!(!log.exists() || log.metadata().unwrap().len() == 0);
    for error in [
        db.batch(vec![insert(2)]).await.unwrap_err(),
        db.query("SELECT 1", vec![]).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    }
}

#[tokio::test]
async fn a_full_database_refuses_writes_whole_and_goes_on_when_there_is_room() {
    let db = database().await;
    let most = |pages: u32| format!("PRAGMA max_page_count = {pages}");
    let large = |id: i64| {
        let parameters = vec![id.into(), "x".repeat(3000).into()];
        Statement::new("INSERT INTO t (id, name) VALUES (?1, ?2)", parameters)
    };
    db.script(&most(24)).await.unwrap();
    let mut kept = 0;
    let error = loop {
        match db.batch((kept..kept + 4).map(large).collect()).await {
            Ok(()) => kept += 4,
            Err(error) => break error,
        }
        assert!(kept < 100, "it is never full");
    };
    assert_eq!(error.kind(), ErrorKind::Full, "{error}");
    assert_eq!(count(&db).await, kept, "reads go on, and see whole batches");
    db.script(&most(1000)).await.unwrap();
    db.batch((kept..kept + 4).map(large).collect())
        .await
        .unwrap();
    assert_eq!(count(&db).await, kept + 4);
    let check = db.query("PRAGMA integrity_check", vec![]).await.unwrap();
    let said = check.into_iter().next().unwrap().text().unwrap();
    assert_eq!(said, "ok");
}
