//! What the server does by itself: pgbench with the statement that a request leads to, its parameters and its session.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use cairn_registry::{
    kinds::Kind,
    model::{Namespace, Timestamp},
    ops::{
        Cx,
        browse::{self, Query, Scope},
    },
    store::{
        Db, Engine, Row, Statement, Value,
        postgres::{PLANNING, numbered},
    },
};

use crate::server::{Database, Server, program};

/// Connections that it keeps busy.
const CLIENTS: &str = "16";

/// By its name: pgbench has no empty parameters.
const SCOPE: Scope<'_> = Scope::Named("default");

/// One statement with its parameters.
pub(super) struct Question {
    sql: String,
    parameters: Vec<Value>,
}

impl Question {
    /// The page of 30 that a cursor leads to.
    pub(super) async fn page(database: &Database, cursor: &str) -> Result<Self> {
        asked(database, async |cx| {
            let query = Query {
                limit: 30,
                cursor: Some(cursor.to_owned()),
                ..Query::default()
            };
            let page = browse::list(cx, SCOPE, Kind::Server, query).await?;
            Ok(page.records.len())
        })
        .await
    }

    /// The latest version of a name.
    pub(super) async fn latest(database: &Database, name: &str) -> Result<Self> {
        asked(database, async |cx| {
            let found = browse::version(cx, SCOPE, Kind::Server, (name, "latest"), false).await?;
            Ok(found.len())
        })
        .await
    }
}

/// Passes statements on and remembers them.
struct Listener<'a> {
    db: &'a cairn::db::Postgres,
    heard: Mutex<Vec<Question>>,
}

impl Db for Listener<'_> {
    fn engine(&self) -> Engine {
        self.db.engine()
    }

    async fn query(&self, sql: &str, parameters: Vec<Value>) -> cairn_registry::Result<Vec<Row>> {
        if let Ok(mut heard) = self.heard.lock() {
            heard.push(Question {
                sql: sql.to_owned(),
                parameters: parameters.clone(),
            });
        }
        self.db.query(sql, parameters).await
    }

    async fn batch(&self, statements: Vec<Statement>) -> cairn_registry::Result<()> {
        self.db.batch(statements).await
    }
}

/// The only statement that an operation sends, which has to find something.
async fn asked(
    database: &Database,
    ask: impl AsyncFnOnce(Cx<'_, Listener<'_>>) -> cairn_registry::Result<usize>,
) -> Result<Question> {
    let listener = Listener {
        db: &database.db,
        heard: Mutex::default(),
    };
    let namespace = Namespace::default();
    let found = ask(Cx {
        db: &listener,
        namespace: &namespace,
        now: Timestamp::default(),
    })
    .await?;
    ensure!(found > 0, "the statement to compare with finds nothing");
    let mut heard = listener.heard.into_inner().unwrap_or_default();
    ensure!(
        heard.len() == 1,
        "{} statements for one answer",
        heard.len()
    );
    heard.pop().context("no statement")
}

/// A run of pgbench that is ready to begin.
pub(super) struct Pgbench {
    program: PathBuf,
    arguments: Vec<String>,
    session: String,
}

impl Pgbench {
    /// `None` where there is no such program.
    pub(super) fn new(
        folder: &Path,
        server: &Server,
        database: &Database,
        question: &Question,
    ) -> Result<Option<Self>> {
        let Some(program) = program("pgbench") else {
            return Ok(None);
        };
        let script = folder.join("pgbench.sql");
        fs::write(&script, format!("{};\n", named(&question.sql)))?;
        let port = server.port().to_string();
        let mut arguments: Vec<String> = ["-h", "127.0.0.1", "-U", "cairn", "-p", &port]
            .into_iter()
            .chain(["-n", "-M", "prepared", "-c", CLIENTS, "-j", "2", "-f"])
            .map(str::to_owned)
            .collect();
        arguments.push(script.display().to_string());
        for (value, number) in question.parameters.iter().zip(1..) {
            arguments.push("-D".to_owned());
            arguments.push(format!("p{number}={}", told(value)?));
        }
        arguments.push(database.name.to_owned());
        Ok(Some(Self {
            program,
            arguments,
            session: session(PLANNING),
        }))
    }

    /// Statements per second, over at least one.
    pub(super) fn rate(&self, length: Duration) -> Result<f64> {
        let seconds = length.as_secs().max(1).to_string();
        let output = Command::new(&self.program)
            .args(["-T", &seconds])
            .args(&self.arguments)
            .env("PGOPTIONS", &self.session)
            .output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        let failed = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "pgbench: {failed}");
        rate(&said).with_context(|| format!("pgbench tells no rate: {said}"))
    }
}

fn rate(said: &str) -> Option<f64> {
    let line = said.lines().find_map(|line| line.strip_prefix("tps = "))?;
    line.split(' ').next()?.parse().ok()
}

/// Parameters as pgbench has them: `$1` is `:p1`.
fn named(sql: &str) -> String {
    numbered(sql).replace('$', ":p")
}

fn told(value: &Value) -> Result<String> {
    match value {
        Value::Integer(number) => Ok(number.to_string()),
        Value::Text(text) => Ok(text.clone()),
        other => bail!("pgbench cannot be told {other:?}"),
    }
}

/// The settings of a session, out of the statement that makes them, as an option for a connection.
fn session(planning: &str) -> String {
    let settings = planning.split("set_config('").skip(1);
    let option = |setting: &str| {
        let (name, rest) = setting.split_once("', '")?;
        let (value, _) = rest.split_once('\'')?;
        Some(format!("-c {name}={value}"))
    };
    settings.filter_map(option).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_and_its_session_are_told_as_pgbench_reads_them() {
        assert_eq!(
            named("SELECT a FROM t WHERE b = ?1 AND c = '?' LIMIT CAST(?12 AS BIGINT)"),
            "SELECT a FROM t WHERE b = :p1 AND c = '?' LIMIT CAST(:p12 AS BIGINT)"
        );
        let options = session(PLANNING);
        assert!(
            options.contains("-c plan_cache_mode=force_generic_plan"),
            "{options}"
        );
        assert_eq!(
            options.matches("-c ").count(),
            PLANNING.matches("set_config").count()
        );
    }

    #[test]
    fn the_rate_is_the_one_without_connecting() {
        let said = "latency average = 1.2 ms\ninitial connection time = 20 ms\ntps = 13012.5 (without initial connection time)\n";
        assert_eq!(rate(said), Some(13012.5));
        assert_eq!(rate("nothing"), None);
    }
}
