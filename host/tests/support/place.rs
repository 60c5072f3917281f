//! A place for a registry on either engine, empty but for its schema, and what the last release sends there.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use cairn::{
    db::{Libsql, Store},
    migrate,
};
use cairn_registry::store::Engine;

use crate::postgres::{self, Fresh};

/// A database with a schema and nothing else.
pub(crate) struct Place {
    pub(crate) db: Store,
    fresh: Option<Fresh>,
}

impl Place {
    /// `None` where there is no such engine.
    pub(crate) async fn on(engine: Engine) -> Option<Self> {
        let place = match engine {
            Engine::Sqlite => {
                let db = Store::from(Libsql::temporary().expect("a file"));
                migrate::up(&db, None).await.expect("a schema");
                Self { db, fresh: None }
            }
            Engine::Postgres => Self::of(postgres::fresh().await?).await,
        };
        Some(place)
    }

    /// On a server where nobody has made an index of trigrams.
    pub(crate) async fn without_trigrams() -> Option<Self> {
        Some(Self::of(postgres::without_extensions().await?).await)
    }

    async fn of(fresh: Fresh) -> Self {
        migrate::up(&fresh.db, None).await.expect("a schema");
        Self {
            db: fresh.again().into(),
            fresh: Some(fresh),
        }
    }

    pub(crate) async fn end(self) {
        self.db.close().await;
        if let Some(fresh) = self.fresh {
            fresh.end().await;
        }
    }
}

/// Statements of the last release.
pub(crate) fn released(engine: Engine) -> Vec<String> {
    let record = match engine {
        Engine::Sqlite => include_str!("../released/sqlite.sql"),
        Engine::Postgres => include_str!("../released/postgres.sql"),
    };
    let lines = record.lines().filter(|line| !line.starts_with("--"));
    lines
        .map(|line| line.strip_suffix(';').expect("a statement ends with ;"))
        .map(str::to_owned)
        .collect()
}
