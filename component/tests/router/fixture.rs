//! A small registry, written row by row, and a client of the router over it.

use bytes::Bytes;
use cairn_component::{Router, router};
use cairn_registry::{
    model::{Digest, Namespace, fold, quote},
    store::{Db, Statement, Value, head},
};
use futures_util::FutureExt;
use http::{HeaderMap, Request, StatusCode};
use serde_json::Value as Json;

use crate::sqlite::Sqlite;

/// How many servers `io.many/…` there are, a version each.
pub(crate) const MANY: usize = 120;

/// A name that no path or page survives unescaped.
pub(crate) const ODD: &str = "io.odd/<b>'x\" &ä";
pub(crate) const ODD_VERSION: &str = "1/2+3";

/// Documents keep what they came with: order, spacing, unknown fields.
pub(crate) fn document(name: &str, version: &str) -> String {
    let (name, version) = (quote(name), quote(version));
    format!(
        r#"{{"version": {version},"name":{name},  "description":"Does <i>it</i>","unknown":1.0}}"#
    )
}

struct Record<'a> {
    registry: &'a str,
    name: &'a str,
    version: &'a str,
    status: &'a str,
    latest: bool,
    /// Seconds since the epoch, of publication and of change.
    time: i64,
}

fn statements(id: i64, record: &Record<'_>) -> Vec<Statement> {
    let Record {
        registry,
        name,
        version,
        status,
        latest,
        time,
    } = *record;
    let document = document(name, version);
    let tail = format!(
        r#","_meta":{{"io.modelcontextprotocol.registry/official":{{"status":"{status}","publishedAt":"2025-01-01T00:00:00Z","updatedAt":"2025-01-01T00:00:00Z","isLatest":{latest}}}}}}}"#
    );
    let digest = Digest::of([document.as_bytes(), tail.as_bytes()]);
    let size = document.len() + tail.len();
    let head = head(name, version, size, &digest);
    let digest = digest.as_bytes().to_vec();
    let search = fold(&format!("{name}\n\nDoes <i>it</i>"));
    let micros = time * 1_000_000;
    vec![
        Statement::new(
            "INSERT INTO entry (id, namespace, source, kind, name, version, document, digest, status, status_message, \
             status_changed_at, published_at, updated_at, gone, hidden, warned, warnings, search) \
             VALUES (?1, 'default', ?2, 'server', ?3, ?4, ?5, ?6, ?7, '', ?8, ?8, ?8, 0, 0, 0, '', ?9)",
            vec![
                id.into(),
                registry.into(),
                name.into(),
                version.into(),
                Value::Blob(document.into_bytes()),
                Value::Blob(digest.clone()),
                status.into(),
                micros.into(),
                search.as_str().into(),
            ],
        ),
        Statement::new(
            "INSERT INTO search (rowid, text) VALUES (?1, ?2)",
            vec![id.into(), search.as_str().into()],
        ),
        Statement::new(
            "INSERT INTO view (namespace, registry, kind, name, version, entry_id, status, latest, changed_at, digest, \
             head, tail, search) VALUES ('default', ?1, 'server', ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            vec![
                registry.into(),
                name.into(),
                version.into(),
                id.into(),
                status.into(),
                latest.into(),
                micros.into(),
                Value::Blob(digest),
                head.into(),
                Value::Blob(tail.into_bytes()),
                search.into(),
            ],
        ),
    ]
}

fn fill(db: &Sqlite) {
    let mut all = vec![Statement::new(
        "INSERT INTO registry (namespace, name, is_default, valid_only, loaded, projected, records, names) VALUES \
         ('default', 'main', 1, 0, 1, 1, 124, 122), ('default', 'second', 0, 0, 0, 1, 0, 0), ('default', 'empty', 0, 0, 1, 1, 0, 0)",
        Vec::new(),
    )];
    all.push(Statement::new(
        "INSERT INTO source (namespace, name, origin, filter, fence, lease_owner, lease_until, phase, message, attempts, \
         next_run_at, fingerprint, mark, pass, pass_state, pass_cursor, pass_mark, records, warned, hidden, \
         quarantined, duplicates, skipped, last_success_at) VALUES ('default', '<upstream>', '', '', 1, '', 0, \
         'complete', 'read from git.internal.example', 0, 0, '', '', 1, 'idle', '', '', 125, 0, 0, 0, 0, 0, 0)",
        Vec::new(),
    ));
    let plain = |registry, name, version, status, latest, time| Record {
        registry,
        name,
        version,
        status,
        latest,
        time,
    };
    let mut records = vec![
        plain("main", "io.acme/alpha", "1.0.0", "active", false, 100),
        plain("main", "io.acme/alpha", "1.10.0", "active", true, 300),
        plain("main", "io.acme/alpha", "1.2.0", "deprecated", false, 200),
        plain("main", "io.acme/gone", "1.0.0", "deleted", true, 400),
        plain("main", ODD, ODD_VERSION, "active", true, 100),
        plain("second", "io.acme/alpha", "9.0.0", "active", true, 100),
    ];
    let names: Vec<_> = (0..MANY)
        .map(|number| format!("io.many/s{number:03}"))
        .collect();
    records.extend(
        names
            .iter()
            .map(|name| plain("main", name, "1.0.0", "active", true, 50)),
    );
    all.extend(
        (1..)
            .zip(&records)
            .flat_map(|(id, record)| statements(id, record)),
    );
    db.batch(all)
        .now_or_never()
        .expect("done at once")
        .expect("a filled database");
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("a readable header"))
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a text")
    }

    pub(crate) fn json(&self) -> Json {
        serde_json::from_slice(&self.body).expect("valid JSON")
    }

    /// Name and version of every record of a list.
    pub(crate) fn records(&self) -> Vec<String> {
        let json = self.json();
        let servers = json["servers"].as_array().expect("a list of servers");
        let key = |field: &str, server: &Json| {
            server["server"][field].as_str().expect("a text").to_owned()
        };
        servers
            .iter()
            .map(|server| format!("{} {}", key("name", server), key("version", server)))
            .collect()
    }
}

/// The router and a client.
pub(crate) struct Registry(Router<Sqlite>);

impl Registry {
    pub(crate) fn new() -> Self {
        let db = Sqlite::without_schema();
        db.migrate();
        fill(&db);
        Self::over(db)
    }

    pub(crate) fn over(db: Sqlite) -> Self {
        Self(router(db, Namespace::default()))
    }

    /// Reads from another store than the one it writes to.
    pub(crate) fn reading(db: Sqlite, standby: Sqlite) -> Self {
        Self(router(db, Namespace::default()).reading(Some(standby)))
    }

    pub(crate) fn get(&self, target: &str) -> Answer {
        self.ask("GET", target, &[])
    }

    pub(crate) fn ask(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(()).expect(target);
        let answer = self
            .0
            .answer(&request)
            .now_or_never()
            .expect("nothing to wait for");
        let (head, body) = answer.into_parts();
        Answer {
            status: head.status,
            headers: head.headers,
            body,
        }
    }
}

/// A file with the same content, for tests that open it themselves.
pub(crate) fn file(path: &std::path::Path) -> Sqlite {
    let db = Sqlite::open(path);
    db.migrate();
    fill(&db);
    db
}
