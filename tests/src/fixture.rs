//! The shipped fixture, read as the text it is, and what a registry that serves it has to answer.

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

use serde_json::Value;

use crate::raw;

/// The name under which a target serves the fixture.
pub const REGISTRY: &str = "default";

/// The bases under which it is served, each of which must give the same records.
pub const BASES: [&str; 6] = [
    "/v0.1",
    "/v0",
    "",
    "/registry/default/v0.1",
    "/registry/default/v0",
    "/registry/default",
];

/// One element of the file.
#[derive(Debug)]
pub struct Record {
    pub name: String,
    pub version: String,
    pub title: String,
    pub description: String,
    /// The `server` object, without white space between its tokens.
    pub server: String,
    /// The official block.
    pub official: Value,
}

impl Record {
    /// As [`crate::Answer::keys`] shows it.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{} {}", self.name, self.version)
    }

    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.official["status"] == "deleted"
    }

    #[must_use]
    pub fn is_latest(&self) -> bool {
        self.official["isLatest"] == true
    }

    /// A time of the official block; all are in UTC, so that as text with a full fraction they compare as times.
    #[must_use]
    pub fn time(&self, field: &str) -> String {
        comparable(self.official[field].as_str().expect("a time"))
    }
}

/// A UTC time with six digits of a second.
#[must_use]
pub fn comparable(time: &str) -> String {
    let bare = time.strip_suffix('Z').expect("a time in UTC");
    let (seconds, fraction) = bare.split_once('.').unwrap_or((bare, ""));
    format!("{seconds}.{fraction:0<6}Z")
}

/// A file of `tests/fixtures`.
#[must_use]
pub fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(file)
}

/// The records of `catalog.json` in the order of the file, which is that of a list.
pub fn catalog() -> &'static [Record] {
    static CATALOG: OnceLock<Vec<Record>> = OnceLock::new();
    CATALOG.get_or_init(|| {
        let text = std::fs::read_to_string(path("catalog.json")).expect("catalog.json");
        raw::servers(&text).iter().map(record).collect()
    })
}

fn record(element: &raw::Members) -> Record {
    let server = element["server"].get();
    let read: Value = serde_json::from_str(server).expect("a server");
    let meta: Value = serde_json::from_str(element["_meta"].get()).expect("a _meta");
    let text = |field: &str| read[field].as_str().unwrap_or_default().to_owned();
    Record {
        name: text("name"),
        version: text("version"),
        title: text("title"),
        description: text("description"),
        server: raw::compact(server),
        official: meta["io.modelcontextprotocol.registry/official"].clone(),
    }
}

/// The keys of the records that pass, in list order.
pub fn keys(passes: impl Fn(&Record) -> bool) -> Vec<String> {
    catalog()
        .iter()
        .filter(|record| passes(record))
        .map(Record::key)
        .collect()
}

/// Every name once, in list order.
#[must_use]
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = catalog()
        .iter()
        .map(|record| record.name.as_str())
        .collect();
    names.dedup();
    names
}
