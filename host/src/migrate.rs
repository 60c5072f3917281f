//! The schema: which steps there are, which have been applied, and going up or down. Each step is one transaction with its
//! row in `schema_version`, so that two processes that start at once apply it once. No step is decided here.

use cairn_registry::{
    Error, ErrorKind, Result,
    store::{Db, Engine, Statement, Value},
};

/// One step, as embedded.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    pub number: i64,
    pub name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
    down: &'static str,
}

impl Step {
    fn up(&self, engine: Engine) -> &'static str {
        match engine {
            Engine::Sqlite => self.sqlite,
            Engine::Postgres => self.postgres,
        }
    }
}

macro_rules! step {
    ($number:literal, $name:literal) => {
        step!($number, $name, "", "")
    };
    ($number:literal, $name:literal, $sqlite:literal, $postgres:literal) => {
        Step {
            number: $number,
            name: $name,
            sqlite: include_str!(concat!("../../migrations/", $name, $sqlite, ".sql")),
            postgres: include_str!(concat!("../../migrations/", $name, $postgres, ".sql")),
            down: include_str!(concat!("../../migrations/", $name, ".down.sql")),
        }
    };
}

/// All steps in order. A test compares them with the folder.
pub const STEPS: [Step; 3] = [
    step!(1, "0001_core"),
    step!(2, "0002_assets", ".sqlite", ".postgres"),
    step!(3, "0003_import"),
];

/// A step that has been applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    pub number: i64,
    pub name: String,
    /// Seconds since the epoch.
    pub at: i64,
}

const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_version \
                     (number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)";

/// The steps that have been applied, in order; none on an empty database.
pub async fn status(db: &impl Db) -> Result<Vec<Applied>> {
    let sql = "SELECT number, name, applied_at FROM schema_version ORDER BY number";
    let rows = match db.query(sql, Vec::new()).await {
        Ok(rows) => rows,
        // There is no table yet: an adapter says so by naming the remedy.
        Err(error) if lacks_schema(&error) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    rows.into_iter()
        .map(|mut row| {
            Ok(Applied {
                number: row.integer()?,
                name: row.text()?,
                at: row.integer()?,
            })
        })
        .collect()
}

fn lacks_schema(error: &Error) -> bool {
    error.kind() == ErrorKind::Unavailable && error.message().contains("cairn migrate up")
}

/// How far the database is from what this binary needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Current,
    /// That many steps are missing.
    Behind(usize),
}

/// Compares what has been applied with what is known; a database from a newer release is an error.
pub fn standing(applied: &[Applied]) -> Result<Standing> {
    let newest = STEPS.last().map_or(0, |step| step.number);
    if let Some(unknown) = applied.iter().find(|step| step.number > newest) {
        return Err(Error::unavailable(
            format!(
                "the database has schema step {} ({}), this binary knows steps up to {newest}: use the newer binary, \
                 or undo the step with it by `cairn migrate down`",
                unknown.number, unknown.name
            ),
            "schema newer than binary",
        ));
    }
    let missing = pending(applied).count();
    Ok(if missing == 0 {
        Standing::Current
    } else {
        Standing::Behind(missing)
    })
}

/// The steps that are still to be applied.
pub fn pending(applied: &[Applied]) -> impl Iterator<Item = &'static Step> {
    STEPS
        .iter()
        .filter(|step| !applied.iter().any(|done| done.number == step.number))
}

/// Applies at most `most` missing steps (all without it) and gives those that this call applied.
pub async fn up(db: &impl Db, most: Option<usize>) -> Result<Vec<&'static Step>> {
    let mut statements = alone(db.engine());
    statements.push(Statement::new(TABLE, Vec::new()));
    db.batch(statements).await?;
    let applied = status(db).await?;
    standing(&applied)?;
    let mut done = Vec::new();
    for step in pending(&applied).take(most.unwrap_or(usize::MAX)) {
        if apply(db, step).await? {
            done.push(step);
        }
    }
    Ok(done)
}

/// `false` when another process was faster.
async fn apply(db: &impl Db, step: &'static Step) -> Result<bool> {
    let mut statements = alone(db.engine());
    statements.push(Statement::expecting(
        1,
        "INSERT INTO schema_version (number, name, applied_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        vec![
            step.number.into(),
            step.name.into(),
            Value::Integer(crate::clock::now().as_micros() / 1_000_000),
        ],
    ));
    statements.extend(split(step.up(db.engine())));
    match db.batch(statements).await {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::Stale => Ok(false),
        Err(error) => Err(error),
    }
}

/// Undoes the last `most` steps and gives those that were undone.
pub async fn down(db: &impl Db, most: usize) -> Result<Vec<&'static Step>> {
    let applied = status(db).await?;
    standing(&applied)?;
    let mut done = Vec::new();
    let known = STEPS
        .iter()
        .rev()
        .filter(|step| applied.iter().any(|one| one.number == step.number));
    for step in known.take(most) {
        let mut statements = alone(db.engine());
        statements.push(Statement::expecting(
            1,
            "DELETE FROM schema_version WHERE number = ?1",
            vec![step.number.into()],
        ));
        statements.extend(split(step.down));
        db.batch(statements).await?;
        done.push(step);
    }
    Ok(done)
}

/// Lets another user of the same server read and write all tables there are.
pub async fn grant(db: &impl Db, user: &str) -> Result<()> {
    let schema = db.query("SELECT current_schema()", Vec::new()).await?;
    let schema = schema.into_iter().next().map(|mut row| row.text());
    let (schema, user) = (
        quoted(&schema.transpose()?.unwrap_or_default()),
        quoted(user),
    );
    let grants = [
        format!("GRANT USAGE ON SCHEMA {schema} TO {user}"),
        format!("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {user}"),
    ];
    let grants = grants.map(|sql| Statement::new(sql, Vec::new()));
    db.batch(grants.into()).await
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Keeps other migrations out until the batch ends, however long that takes. A SQLite file has one writer anyway.
fn alone(engine: Engine) -> Vec<Statement> {
    let wait: &[&str] = match engine {
        Engine::Sqlite => &[],
        Engine::Postgres => &[
            "SET LOCAL statement_timeout = 0",
            "SELECT pg_advisory_xact_lock(4849183527413)",
        ],
    };
    wait.iter()
        .map(|sql| Statement::new(*sql, Vec::new()))
        .collect()
}

/// The statements of a script. Comments are dropped; literals hold neither `--` nor `;`, a body between `$$` may.
fn split(script: &'static str) -> Vec<Statement> {
    let bare: Vec<&str> = script
        .lines()
        .map(|line| line.split_once("--").map_or(line, |(code, _)| code))
        .collect();
    let (mut statements, mut open) = (Vec::new(), String::new());
    for (part, is_body) in bare
        .join("\n")
        .split("$$")
        .zip([false, true].into_iter().cycle())
    {
        if is_body {
            open.extend(["$$", part, "$$"]);
            continue;
        }
        let mut ends = part.split(';');
        open.extend(ends.next());
        for next in ends {
            statements.push(std::mem::replace(&mut open, next.to_owned()));
        }
    }
    statements.push(open);
    statements
        .iter()
        .map(|sql| sql.trim())
        .filter(|sql| !sql.is_empty())
        .map(|sql| Statement::new(sql.to_owned(), Vec::new()))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;
    use crate::db::Libsql;

    #[test]
    fn every_file_of_the_folder_is_embedded() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
        let names: BTreeSet<String> = fs::read_dir(folder)
            .expect("migrations")
            .filter_map(|file| file.expect("file").file_name().into_string().ok())
            .filter_map(|name| {
                name.strip_suffix(".sql")?
                    .split('.')
                    .next()
                    .map(str::to_owned)
            })
            .collect();
        let embedded: BTreeSet<String> = STEPS.iter().map(|step| step.name.to_owned()).collect();
        assert_eq!(names, embedded);
        assert!(
            STEPS
                .iter()
                .zip(1..)
                .all(|(step, number)| step.number == number)
        );
    }

    #[test]
    fn a_script_is_split_at_its_ends_of_statements() {
        let check = |script, expected: &[&str]| {
            let found: Vec<_> = split(script)
                .iter()
                .map(|one| one.sql.to_string())
                .collect();
            assert_eq!(found, expected);
        };
        check("-- nothing; at all\n", &[]);
        check("A; -- b;\nC", &["A", "C"]);
        check(
            "A;\nDO $$ B; C; $$;\nD $$;$$ E;",
            &["A", "DO $$ B; C; $$", "D $$;$$ E"],
        );
    }

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
    async fn a_newer_database_is_refused() {
        let db = Libsql::temporary().expect("database");
        up(&db, None).await.expect("up");
        db.script("INSERT INTO schema_version VALUES (9999, '9999_later', 0)")
            .await
            .expect("script");
        let error = up(&db, None).await.expect_err("newer");
        assert!(error.message().contains("9999_later"), "{error}");
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
