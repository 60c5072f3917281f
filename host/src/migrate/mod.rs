//! The schema: which steps there are, which have been applied, and going up or down. Each step is one transaction with its
//! row in `schema_version`, so that two processes that start at once apply it once. No step is decided here.

mod foreign;
mod grant;
mod standing;
mod steps;

use std::time::{Duration, Instant};

use cairn_registry::{
    Error, ErrorKind, Result,
    store::{BUSY, Db, Engine, NO_SCHEMA, Row, Statement, Value},
};

pub use standing::{Applied, Standing, pending, standing, unknown};
pub use steps::{STEPS, Step};

const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_version \
                     (number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL, \
                     since BIGINT NOT NULL)";

/// What has been applied.
pub(crate) const APPLIED: &str =
    "SELECT number, name, applied_at, since FROM schema_version ORDER BY number";

/// The steps that have been applied, in order; none on an empty database.
pub async fn status(db: &impl Db) -> Result<Vec<Applied>> {
    let rows = match db.query(APPLIED, Vec::new()).await {
        Ok(rows) => rows,
        // There is no table yet: an adapter says so by naming the remedy.
        Err(error) if is(&error, NO_SCHEMA) => {
            foreign::refuse(db).await?;
            return Ok(Vec::new());
        }
        Err(error) => return Err(error),
    };
    rows.into_iter().map(applied).collect()
}

/// From a row of [`APPLIED`].
pub(crate) fn applied(mut row: Row) -> Result<Applied> {
    Ok(Applied {
        number: row.integer()?,
        name: row.text()?,
        at: row.integer()?,
        since: row.integer()?,
    })
}

/// Whether an adapter said just this.
fn is(error: &Error, message: &str) -> bool {
    error.kind() == ErrorKind::Unavailable && error.message() == message
}

/// Applies at most `most` missing steps (all without it) and gives those that this call applied.
pub async fn up(db: &impl Db, most: Option<usize>) -> Result<Vec<&'static Step>> {
    up_for(db, most, None).await
}

/// The same, and lets another user of the server read and write all tables. Each transaction that makes tables grants them,
/// so that the user never meets a table that it may not use.
pub async fn up_for(
    db: &impl Db,
    most: Option<usize>,
    user: Option<&str>,
) -> Result<Vec<&'static Step>> {
    foreign::refuse(db).await?;
    let grants = match user {
        Some(user) => grant::statements(db, user).await?,
        None => Vec::new(),
    };
    let table = vec![Statement::new(TABLE, Vec::new())];
    alone(db, [table, grants.clone()].concat()).await?;
    let applied = status(db).await?;
    standing(&applied)?;
    let mut done = Vec::new();
    for step in pending(&applied).take(most.unwrap_or(usize::MAX)) {
        if apply(db, step, &grants).await? {
            done.push(step);
        }
    }
    Ok(done)
}

/// `false` when another process was faster.
async fn apply(db: &impl Db, step: &'static Step, grants: &[Statement]) -> Result<bool> {
    let mut statements = vec![Statement::expecting(
        1,
        "INSERT INTO schema_version (number, name, applied_at, since) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        vec![
            step.number.into(),
            step.name.into(),
            Value::Integer(crate::clock::now().as_micros() / 1_000_000),
            step.since.into(),
        ],
    )];
    statements.extend(step.up(db.engine()));
    statements.extend_from_slice(grants);
    match alone(db, statements).await {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::Stale => Ok(false),
        Err(error) => Err(error),
    }
}

/// Undoes the last `most` steps and gives those that were undone.
pub async fn down(db: &impl Db, most: usize) -> Result<Vec<&'static Step>> {
    let applied = status(db).await?;
    standing::require_all_known(&applied)?;
    let mut done = Vec::new();
    let known = STEPS
        .iter()
        .rev()
        .filter(|step| applied.iter().any(|one| one.number == step.number));
    for step in known.take(most) {
        let mut statements = vec![Statement::expecting(
            1,
            "DELETE FROM schema_version WHERE number = ?1",
            vec![step.number.into()],
        )];
        statements.extend(step.down());
        alone(db, statements).await?;
        done.push(step);
    }
    Ok(done)
}

/// Pauses between attempts at a database that another process writes to, and between log lines about it.
const PAUSE: Duration = Duration::from_millis(500);
const LOGGED: Duration = Duration::from_secs(10);

/// Gives a row when this transaction got the lock of migrations.
const LOCK: &str = "SELECT 1 WHERE pg_try_advisory_xact_lock(4849183527413)";

/// Returns true if another process has the lock of migrations.
fn is_locked_out(error: &Error) -> bool {
    let cause = error.cause().unwrap_or_default();
    error.kind() == ErrorKind::Stale && cause.contains(LOCK)
}

/// Runs a batch during which no other migration runs, and waits as long as one does. A server is asked for a lock of its
/// own again and again, because no statement waits longer than it may take. A file has one writer anyway. Either lock ends
/// with its holder, so that it needs no time to run out.
async fn alone(db: &impl Db, statements: Vec<Statement>) -> Result<()> {
    let lock: &[&str] = match db.engine() {
        Engine::Sqlite => &[],
        Engine::Postgres => &["SET LOCAL statement_timeout = 0"],
    };
    let lock = lock.iter().map(|sql| Statement::new(*sql, Vec::new()));
    let taken =
        (db.engine() == Engine::Postgres).then(|| Statement::expecting(1, LOCK, Vec::new()));
    let batch: Vec<Statement> = lock.chain(taken).chain(statements).collect();
    let mut logged: Option<Instant> = None;
    loop {
        match db.batch(batch.clone()).await {
            Err(error) if is(&error, BUSY) || is_locked_out(&error) => {
                if logged.is_none_or(|at| at.elapsed() >= LOGGED) {
                    logged = Some(Instant::now());
                    tracing::warn!(%error, "waiting for another process that changes the database");
                }
                tokio::time::sleep(PAUSE).await;
            }
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Libsql;

    #[tokio::test]
    async fn steps_go_up_and_down_one_by_one() {
        let db = Libsql::temporary().expect("database");
        assert_eq!(status(&db).await.expect("status"), []);
        assert_eq!(up(&db, Some(1)).await.expect("up").len(), 1);
        let applied = status(&db).await.expect("status");
        assert_eq!(
            standing(&applied).expect("standing"),
            Standing::Behind(STEPS.len() - 1)
        );
        up(&db, None).await.expect("up");
        assert_eq!(up(&db, None).await.expect("nothing left").len(), 0);
        let applied = status(&db).await.expect("status");
        assert_eq!(standing(&applied).expect("standing"), Standing::Current);
        assert_eq!(down(&db, 100).await.expect("down").len(), STEPS.len());
        assert_eq!(status(&db).await.expect("status"), []);
        up(&db, None).await.expect("up again");
    }

    #[tokio::test]
    async fn a_newer_database_is_worked_on_or_refused_as_its_steps_say() {
        let db = Libsql::temporary().expect("database");
        up(&db, None).await.expect("up");
        db.script("INSERT INTO schema_version VALUES (9998, '9998_more', 0, 3)")
            .await
            .expect("script");
        assert_eq!(up(&db, None).await.expect("nothing to do").len(), 0);
        let applied = status(&db).await.expect("status");
        assert_eq!(standing(&applied).expect("standing"), Standing::Ahead(1));
        let error = down(&db, 1).await.expect_err("there is one above");
        assert!(error.message().contains("9998_more"), "{error}");
        assert_eq!(status(&db).await.expect("status"), applied);
        db.script("INSERT INTO schema_version VALUES (9999, '9999_other', 0, 9998)")
            .await
            .expect("script");
        let error = up(&db, None).await.expect_err("newer");
        assert!(error.message().contains("9999_other"), "{error}");
    }

    #[tokio::test]
    async fn two_at_once_apply_each_step_once() {
        let db = Libsql::temporary().expect("database");
        let (a, b) = tokio::join!(up(&db, None), up(&db, None));
        assert_eq!(
            a.expect("first").len() + b.expect("second").len(),
            STEPS.len()
        );
    }
}
