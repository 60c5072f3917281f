//! What probes are answered from. Other rooms report here; this one asks only the database, and each time anew.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use cairn_registry::store::Db;
use serde::Serialize;
use serde_json::{Value, json};

use crate::db::{Store, postgres::Standing};

/// How long the database may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(2);

/// The state of the process, filled by those who know.
#[derive(Debug)]
pub struct Health {
    begun: Instant,
    draining: AtomicBool,
    loaded: AtomicBool,
    schema: Mutex<Schema>,
    sources: Mutex<BTreeMap<String, Source>>,
    /// Failure of the database when it was asked last.
    failure: Mutex<Option<String>>,
}

/// The schema of the database against that of this binary.
#[derive(Debug, Clone, Serialize)]
pub struct Schema {
    /// [`Schema::CURRENT`] and [`Schema::AHEAD`] serve; anything else (`unknown`, `missing`, `older`) does not.
    pub status: &'static str,
    /// Number of the last migration in the database.
    pub version: Option<u32>,
}

impl Schema {
    /// What this binary was made for.
    pub const CURRENT: &str = "current";
    /// Of a later release, which this binary can work with.
    pub const AHEAD: &str = "ahead";

    fn serves(&self) -> bool {
        [Self::CURRENT, Self::AHEAD].contains(&self.status)
    }
}

/// What a probe shows of a source. A failed one does not make the server unready: its last good data is served.
#[derive(Debug, Clone, Serialize)]
pub struct Source {
    pub status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_success: Option<String>,
    /// Records that the source lacks and that are served until another reading confirms it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_removals: Option<i64>,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            begun: Instant::now(),
            draining: AtomicBool::new(false),
            loaded: AtomicBool::new(false),
            schema: Mutex::new(Schema {
                status: "unknown",
                version: None,
            }),
            sources: Mutex::default(),
            failure: Mutex::default(),
        }
    }
}

impl Health {
    /// Reports what the migrations found.
    pub fn set_schema(&self, schema: Schema) {
        *lock(&self.schema) = schema;
    }

    /// Reports that every registry has been filled once, in this process or an earlier one.
    pub fn set_loaded(&self) {
        self.loaded.store(true, Ordering::Release);
    }

    /// Reports on all sources; those of an earlier report that are not among them are gone.
    pub fn set_sources(&self, sources: BTreeMap<String, Source>) {
        *lock(&self.sources) = sources;
    }

    /// Reports on a source.
    pub fn set_source(&self, name: &str, source: Source) {
        lock(&self.sources).insert(name.to_owned(), source);
    }

    /// From now on no new work should come here.
    pub(super) fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Failure of the database when it was asked last.
    pub(super) fn failure(&self) -> Option<String> {
        lock(&self.failure).clone()
    }

    /// The answer to whether this process lives.
    pub(super) fn alive(&self) -> Value {
        json!({ "status": "alive", "uptime": uptime(self.begun.elapsed()) })
    }

    /// The answer to whether requests should come here, and whether it is yes.
    pub(crate) async fn ready(&self, db: &Store) -> (bool, Value) {
        let failure = match tokio::time::timeout(PATIENCE, db.query("SELECT 1", Vec::new())).await {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("no answer within {} s", PATIENCE.as_secs())),
        };
        let up = failure.is_none();
        *lock(&self.failure) = failure;
        let schema = lock(&self.schema).clone();
        let loaded = self.loaded.load(Ordering::Acquire);
        let draining = self.draining.load(Ordering::Acquire);
        let standby = db.standby();
        // One that serves answers what clients ask, whoever is gone.
        let answers = up || standby.as_ref().is_some_and(|standing| standing.serves);
        let ready = answers && schema.serves() && loaded && !draining;
        let sources = lock(&self.sources).clone();
        let mut components = json!({
            "database": { "status": if up { db.writes().as_str() } else { "down" } },
            "schema": schema.clone(),
            "initial_load": { "status": if loaded { "complete" } else { "pending" } },
            "sources": sources,
        });
        if let (Some(components), Some(standing)) = (components.as_object_mut(), standby) {
            components.insert("standby".to_owned(), shown(&standing));
        }
        let unmet = [
            ("draining", draining),
            ("database", !answers),
            ("schema", !schema.serves()),
            ("initial_load", !loaded),
        ];
        let reason = unmet.into_iter().find_map(|(name, is)| is.then_some(name));
        let mut answer = json!({ "status": status(reason), "components": components });
        if let (Some(answer), Some(reason)) = (answer.as_object_mut(), reason) {
            answer.insert("reason".to_owned(), reason.into());
        }
        (ready, answer)
    }
}

/// The part of an answer that everybody may see: no names, addresses, paths or messages.
pub(super) fn short(answer: &Value) -> Value {
    let member = |name: &&str| {
        answer
            .get(name)
            .cloned()
            .map(|value| ((*name).to_owned(), value))
    };
    let kept = ["status", "reason"];
    Value::Object(kept.iter().filter_map(member).collect())
}

fn status(reason: Option<&str>) -> &'static str {
    match reason {
        None => "ready",
        Some("draining") => "draining",
        Some(_) => "not_ready",
    }
}

fn shown(standing: &Standing) -> Value {
    json!({
        "status": if standing.serves { "up" } else { "down" },
        "lag_seconds": standing.lag.as_secs(),
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A time as probes of this kind write it: `2m35s`, `1h0m3s`.
fn uptime(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m{seconds}s"),
        _ => format!("{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uptime_reads_like_a_duration() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m0s"),
            (155, "2m35s"),
            (3603, "1h0m3s"),
            (90_000, "25h0m0s"),
        ] {
            assert_eq!(uptime(Duration::from_secs(seconds)), text);
        }
    }

    #[tokio::test]
    async fn ready_means_database_schema_and_first_load() {
        let db = Store::from(crate::db::Libsql::temporary().unwrap());
        let health = Health::default();
        let schema = |status| Schema {
            status,
            version: Some(1),
        };
        let failed = Source {
            status: "failed".to_owned(),
            message: Some("unreachable".to_owned()),
            last_success: None,
            held_removals: None,
        };
        assert!(!health.ready(&db).await.0);
        health.set_schema(schema("current"));
        assert!(!health.ready(&db).await.0, "nothing loaded yet");
        health.set_loaded();
        health.set_source("one", failed);
        let (ready, answer) = health.ready(&db).await;
        assert!(ready, "a failed source does not unready");
        let expected = json!({
            "status": "ready",
            "components": {
                "database": { "status": "up" },
                "schema": { "status": "current", "version": 1 },
                "initial_load": { "status": "complete" },
                "sources": { "one": { "status": "failed", "message": "unreachable" } },
            },
        });
        assert_eq!(answer, expected);
        for (status, serves) in [("older", false), (Schema::AHEAD, true), ("missing", false)] {
            health.set_schema(schema(status));
            assert_eq!(health.ready(&db).await.0, serves, "{status}");
        }
        health.set_schema(schema(Schema::CURRENT));
        health.drain();
        let (ready, answer) = health.ready(&db).await;
        assert!(!ready, "draining");
        let expected = json!({ "status": "draining", "reason": "draining" });
        assert_eq!(short(&answer), expected);
        db.close().await;
        assert_eq!(
            health.ready(&db).await.1["components"]["database"]["status"],
            "down"
        );
    }
}
