//! An empty database for each test, on the server that `CAIRN_TEST_POSTGRES` names.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses its own part"
)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails, and tells what it could not check"
)]

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU32, Ordering},
};

use cairn::{config, db::Postgres};

/// A database of its own.
pub struct Fresh {
    pub db: Postgres,
    pub settings: config::Postgres,
    server: Postgres,
    /// Whose database it is, where that is not the user of the server.
    owner: Option<String>,
}

/// An empty database, without a schema; `None`, said aloud, where there is no server.
pub async fn fresh() -> Option<Fresh> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let Ok(url) = std::env::var("CAIRN_TEST_POSTGRES") else {
        println!("not checked: Postgres, because CAIRN_TEST_POSTGRES names no server");
        return None;
    };
    let mut settings = settings(url);
    let server = Postgres::new(&settings).unwrap();
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    settings.database = format!("cairn_test_{}_{number}", std::process::id());
    let fresh = Fresh {
        db: Postgres::new(&settings).unwrap(),
        settings,
        server,
        owner: None,
    };
    fresh.on_server("CREATE DATABASE").await;
    Some(fresh)
}

/// The same for a user who may make tables and no extension: there will be no index of trigrams.
pub async fn without_extensions() -> Option<Fresh> {
    of_user("LOGIN").await
}

/// The same for a user who may have so many connections at the same time.
pub async fn with_few_connections(most: usize) -> Option<Fresh> {
    of_user(&format!("LOGIN CONNECTION LIMIT {most}")).await
}

async fn of_user(rights: &str) -> Option<Fresh> {
    let mut fresh = fresh().await?;
    let user = format!("{}_user", fresh.settings.database);
    let grant = format!(
        "CREATE ROLE {user} {rights}; CREATE SCHEMA own AUTHORIZATION {user}; \
         ALTER ROLE {user} SET search_path = own"
    );
    fresh.db.script(&grant).await.unwrap();
    fresh.settings.login.user.clone_from(&user);
    fresh.db = fresh.again();
    fresh.owner = Some(user);
    Some(fresh)
}

/// As an operator gives them.
fn settings(url: String) -> config::Postgres {
    let given = BTreeMap::from([("DATABASE_URL".to_owned(), url)]);
    let config = config::load(None, &config::Overrides::default(), &Given(given)).unwrap();
    config.database.postgres.unwrap()
}

struct Given(BTreeMap<String, String>);

impl config::Lookup for Given {
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

impl Fresh {
    /// Another process's view of the same database.
    pub fn again(&self) -> Postgres {
        Postgres::new(&self.settings).unwrap()
    }

    pub async fn end(self) {
        self.db.close();
        self.on_server("DROP DATABASE").await;
        if let Some(owner) = &self.owner {
            let sql = format!("DROP ROLE {owner}");
            self.server.session().run(&sql, &[]).await.unwrap();
        }
    }

    async fn on_server(&self, verb: &str) {
        let force = if verb.starts_with("DROP") {
            " WITH (FORCE)"
        } else {
            ""
        };
        let sql = format!("{verb} \"{}\"{force}", self.settings.database);
        self.server.session().run(&sql, &[]).await.unwrap();
    }
}
