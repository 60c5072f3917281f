//! A Postgres server as one would run it, for the time of a measurement: it waits for its disk and keeps pages in memory.

use anyhow::{Result, anyhow};
use cairn::{
    config::{self, Lookup, Overrides},
    db,
};
use cairn_registry::store::Value;

/// Shared with the tests, which ask for less safety.
#[path = "../../../tests/src/postgres.rs"]
#[expect(
    unreachable_pub,
    dead_code,
    reason = "a library has it too, for tests that do more with a server"
)]
mod postgres;

/// The last one of a name counts.
const SETTINGS: [&str; 6] = [
    "fsync=on",
    "synchronous_commit=on",
    "full_page_writes=on",
    "shared_buffers=512MB",
    "effective_cache_size=2GB",
    "max_wal_size=4GB",
];

/// Statements are counted where a database says so; elsewhere that costs nothing.
const COUNTING: [&str; 2] = [
    "shared_preload_libraries=pg_stat_statements",
    "pg_stat_statements.track=none",
];

/// A server that ends with this value.
pub(crate) struct Server {
    postgres: postgres::Postgres,
    /// Whether it can count statements.
    pub(crate) counts: bool,
}

impl Server {
    pub(crate) fn start() -> Result<Self> {
        let counting: Vec<&str> = SETTINGS.into_iter().chain(COUNTING).collect();
        let (postgres, counts) = match postgres::Postgres::with(&counting, &[]) {
            Ok(postgres) => (postgres, true),
            Err(_) => {
                let plain = postgres::Postgres::with(&SETTINGS, &[]);
                (plain.map_err(|why| anyhow!(why))?, false)
            }
        };
        Ok(Self { postgres, counts })
    }

    pub(crate) fn port(&self) -> u16 {
        self.postgres.port()
    }

    /// Makes a database of that name.
    pub(crate) async fn database(&self, name: &'static str) -> Result<Database> {
        let first = Database::open("postgres", self.postgres.url())?;
        first.run(&format!("CREATE DATABASE {name}")).await?;
        Database::open(name, self.postgres.url_of(name))
    }
}

/// A database on a server.
pub(crate) struct Database {
    pub(crate) name: &'static str,
    pub(crate) url: String,
    pub(crate) db: db::Postgres,
}

impl Database {
    fn open(name: &'static str, url: String) -> Result<Self> {
        let config = config::load(None, &Overrides::default(), &Url(url.clone()))?;
        let settings = config.database.postgres.as_ref();
        let settings = settings.ok_or_else(|| anyhow!("no server at {url}"))?;
        let db = db::Postgres::new(settings)?;
        Ok(Self { name, url, db })
    }

    /// One statement, and the rows it gives.
    pub(crate) async fn run(&self, sql: &str) -> Result<Vec<Vec<Value>>> {
        let answer = self.db.session().run(sql, &[]).await;
        Ok(answer.map_err(cairn_registry::Error::from)?.rows)
    }
}

/// An environment that names a server and nothing else.
struct Url(String);

const VARIABLE: &str = "DATABASE_URL";

impl Lookup for Url {
    fn get(&self, name: &str) -> Option<String> {
        (name == VARIABLE).then(|| self.0.clone())
    }

    fn names(&self) -> Vec<String> {
        vec![VARIABLE.to_owned()]
    }
}

/// A client's program that belongs to the server's.
pub(crate) fn program(name: &str) -> Option<std::path::PathBuf> {
    let program = postgres::programs()?.join(name);
    program.is_file().then_some(program)
}
