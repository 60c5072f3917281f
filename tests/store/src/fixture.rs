//! A small world: sources and registries, records, and passes over them.

use serde_json::value::RawValue;

use cairn_registry::{
    Result,
    kinds::Kind,
    model::{Filter, Namespace, Position, RegistryName, SourceName, Timestamp},
    ops::{
        Cx,
        browse::{self, Listing, Query, Scope},
        configure::{self, RegistrySpec, SourceSpec},
        ingest::{Incoming, Item, Taken},
        pass::{self, Ending, Mode, Pass},
        removals::Removals,
        report::Source,
    },
    store::Db,
};

/// A database with a clock that is moved by hand.
pub(super) struct World<'a, D> {
    db: &'a D,
    namespace: Namespace,
    /// Of every source, as configured last.
    filter: Filter,
    pub(super) now: i64,
    pub(super) removals: Removals,
}

impl<'a, D: Db> World<'a, D> {
    pub(super) fn new(db: &'a D) -> Self {
        Self {
            db,
            namespace: Namespace::default(),
            filter: Filter::default(),
            now: 1_800_000_000_000_000,
            removals: Removals::Unbounded,
        }
    }

    pub(super) fn cx(&self) -> Cx<'_, D> {
        Cx {
            db: self.db,
            namespace: &self.namespace,
            now: Timestamp::from_micros(self.now),
        }
    }

    /// Registries `("all", ["a", "b"])`; every source named gets the filter.
    pub(super) async fn configure(&mut self, registries: &[(&str, &[&str])], filter: &Filter) {
        let strict = |name: &str| name.starts_with("strict");
        let mut names: Vec<&str> = registries
            .iter()
            .flat_map(|(_, sources)| sources.iter().copied())
            .collect();
        names.sort_unstable();
        names.dedup();
        self.filter = filter.clone();
        let sources: Vec<SourceSpec> = names.iter().map(|name| self.source(name)).collect();
        let registries: Vec<RegistrySpec> = registries
            .iter()
            .map(|(name, sources)| RegistrySpec {
                name: RegistryName::new(name).unwrap(),
                sources: sources
                    .iter()
                    .map(|source| SourceName::new(source).unwrap())
                    .collect(),
                valid_only: strict(name),
            })
            .collect();
        self.now += 1;
        configure::apply(self.cx(), &sources, &registries)
            .await
            .unwrap();
    }

    pub(super) fn source(&self, name: &str) -> SourceSpec {
        SourceSpec {
            name: SourceName::new(name).unwrap(),
            origin: format!("test:{name}"),
            filter: self.filter.clone(),
        }
    }

    pub(super) async fn begin(&mut self, source: &str, mode: Mode) -> Pass {
        self.now += 1;
        let claim = pass::claim(self.cx(), &self.source(source), "tester", 60).await;
        let lease = claim.unwrap().granted().expect("a free lease");
        let filter = self.filter.clone();
        pass::begin(self.cx(), lease, Kind::Server, filter, mode, true)
            .await
            .unwrap()
    }

    pub(super) async fn take(
        &mut self,
        pass: &Pass,
        records: Vec<Item>,
        cursor: &str,
    ) -> Result<Taken> {
        self.now += 1;
        pass::take(self.cx(), pass, records, cursor).await
    }

    pub(super) async fn complete(&mut self, pass: Pass) -> Source {
        self.now += 1;
        let ending = Ending {
            fingerprint: "seen",
            next_run: Timestamp::from_micros(self.now),
            removals: self.removals,
        };
        pass::complete(self.cx(), pass, ending).await.unwrap()
    }

    /// A whole pass with these records, a page each two.
    pub(super) async fn sync(&mut self, source: &str, mode: Mode, records: Vec<Item>) -> Taken {
        let pass = self.begin(source, mode).await;
        let mut all = Taken::default();
        let mut records = records.into_iter().peekable();
        while records.peek().is_some() {
            let page = records.by_ref().take(2).collect();
            all += self.take(&pass, page, "").await.unwrap();
        }
        let _ = self.complete(pass).await;
        all
    }

    /// Every page of a list with that query, and the number of pages.
    pub(super) async fn list(&self, registry: &str, query: Query) -> Vec<Element> {
        let scope = if registry.is_empty() {
            Scope::Default
        } else {
            Scope::Named(registry)
        };
        let mut elements = Vec::new();
        let mut cursor = None;
        loop {
            let asked = Query {
                cursor: cursor.take(),
                limit: if query.limit == 0 { 3 } else { query.limit },
                ..query.clone()
            };
            let page = browse::list(self.cx(), scope, Kind::Server, asked)
                .await
                .unwrap();
            elements.extend(elements_of(&page.records));
            match page.next {
                Some(next) => cursor = Some(next),
                None => return elements,
            }
        }
    }

    /// What a registry shows, as `name@version`, with `*` behind the latest and `!status` behind what is not active.
    pub(super) async fn shown(&self, registry: &str, query: Query) -> Vec<String> {
        self.list(registry, query).await.iter().map(word).collect()
    }
}

/// One response element.
pub(super) struct Element {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) tag: String,
    pub(super) json: String,
}

fn elements_of(records: &Listing) -> Vec<Element> {
    let mut json = b"[".to_vec();
    records.write(&mut json);
    json.push(b']');
    let all: Vec<&RawValue> = serde_json::from_slice(&json).unwrap();
    assert_eq!(all.len(), records.len());
    let heads = records.positions().into_iter().zip(records.tags());
    let element = |((position, tag), json): ((Position, &str), &RawValue)| Element {
        name: position.name,
        version: position.version,
        tag: tag.to_owned(),
        json: json.get().to_owned(),
    };
    heads.zip(all).map(element).collect()
}

pub(super) fn word(element: &Element) -> String {
    let meta = &element.json;
    let latest = if meta.contains(r#""isLatest":true"#) {
        "*"
    } else {
        ""
    };
    let status = ["deprecated", "deleted"]
        .iter()
        .find(|status| meta.contains(&format!(r#""status":"{status}""#)))
        .map_or(String::new(), |status| format!("!{status}"));
    format!("{}@{}{latest}{status}", element.name, element.version)
}

/// Everything, tombstones too.
pub(super) fn with_deleted() -> Query {
    Query {
        include_deleted: Some(true),
        ..Query::default()
    }
}

/// A clean record.
pub(super) fn record(name: &str, version: &str, description: &str) -> Item {
    official(name, version, description, "active", 1)
}

/// A clean record with a status and a time of publishing and updating, in seconds.
pub(super) fn official(
    name: &str,
    version: &str,
    description: &str,
    status: &str,
    seconds: i64,
) -> Item {
    let time = Timestamp::default().plus_seconds(seconds);
    let document = serde_json::json!({
        "$schema": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
        "name": name, "version": version, "description": description,
    });
    Item::Record(Incoming {
        position: format!("{name}@{version}"),
        document: document.to_string().into_bytes(),
        official: Some(format!(
            r#"{{"status":"{status}","publishedAt":"{time}","updatedAt":"{time}"}}"#
        )),
    })
}

/// A record of any bytes.
pub(super) fn raw(position: &str, document: &str) -> Item {
    Item::Record(Incoming {
        position: position.to_owned(),
        document: document.as_bytes().to_vec(),
        official: None,
    })
}

/// Small numbers that look random and are the same in every run.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    pub(super) fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }
}
