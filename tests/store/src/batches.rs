//! What the port promises of a batch, on a table of its own.

use cairn_registry::{
    Error, ErrorKind,
    store::{Db, Statement},
};

fn insert(id: i64) -> Statement {
    Statement::new(
        "INSERT INTO t (id, name) VALUES (?1, ?2)",
        vec![id.into(), format!("n{id}").into()],
    )
}

fn rename(id: i64, rows: u64) -> Statement {
    Statement::expecting(
        rows,
        "UPDATE t SET name = 'x' WHERE id = ?1",
        vec![id.into()],
    )
}

async fn count(db: &impl Db) -> i64 {
    let rows = db.query("SELECT count(*) FROM t", vec![]).await.unwrap();
    rows.into_iter().next().unwrap().integer().unwrap()
}

async fn make_table(db: &impl Db) {
    let table = "CREATE TABLE t (id BIGINT PRIMARY KEY, name TEXT)";
    db.batch(vec![Statement::new(table, vec![])]).await.unwrap();
}

pub(super) async fn a_large_batch_is_one_all_the_same(db: &impl Db) {
    make_table(db).await;
    let with = |last: i64| (0..3000).chain([last]).map(insert).collect();
    let outcome: cairn_registry::Result<()> = db.batch(with(7)).await;
    let kind = outcome.err().map(|error| error.kind());
    assert_eq!(kind, Some(ErrorKind::Stale));
    assert_eq!(count(db).await, 0);
    db.batch(with(3000)).await.unwrap();
    assert_eq!(count(db).await, 3001);
}

pub(super) async fn a_batch_is_all_or_nothing(db: &impl Db) {
    make_table(db).await;
    let counted = Statement {
        expect: cairn_registry::store::Expect::Exactly(1),
        ..insert(1)
    };
    let cases: [(&str, Vec<Statement>, Option<ErrorKind>, i64); 7] = [
        ("plain", vec![counted, insert(2)], None, 2),
        (
            "constraint",
            vec![insert(3), insert(1)],
            Some(ErrorKind::Stale),
            2,
        ),
        (
            "unmet expectation",
            vec![insert(4), rename(99, 1)],
            Some(ErrorKind::Stale),
            2,
        ),
        (
            "rows are there for what follows",
            vec![insert(4), rename(4, 1)],
            None,
            3,
        ),
        (
            "a guard that reads",
            vec![
                Statement::expecting(1, "SELECT 1 FROM t WHERE id = 1", vec![]),
                insert(5),
            ],
            None,
            4,
        ),
        (
            "a table that is missing",
            vec![insert(6), Statement::new("DELETE FROM nowhere", vec![])],
            Some(ErrorKind::Unavailable),
            4,
        ),
        (
            "too few parameters",
            vec![Statement::new(
                "INSERT INTO t (id, name) VALUES (?1, ?2)",
                vec![7.into()],
            )],
            Some(ErrorKind::Internal),
            4,
        ),
    ];
    for (case, statements, expected, rows) in cases {
        let outcome = db.batch(statements).await;
        assert_eq!(
            outcome.as_ref().err().map(Error::kind),
            expected,
            "{case}: {outcome:?}"
        );
        assert_eq!(count(db).await, rows, "{case}");
    }
}
