//! A made-up history: configurations, passes and questions that are the same for the same number.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses its own part"
)]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::sync::Mutex;

use cairn::db::Store;
use cairn_registry::{
    kinds::Kind,
    model::{Filter, Namespace, RegistryName, SourceName, Timestamp},
    ops::{
        Cx,
        browse::{self, Query, Scope},
        configure::{self, RegistrySpec, SourceSpec},
        ingest::{Incoming, Item},
        pass::{self, Ending, Mode},
        removals::Removals,
        report,
    },
};

/// Words that names, descriptions and search terms are made of: letters that sort differently by byte and by language,
/// what patterns mean something by, what folds, what is not one byte.
pub const WORDS: [&str; 12] = [
    "server",
    "Ärger",
    "a_b",
    "100%",
    "back\\slash",
    "ZEBRA",
    "zebra",
    "日本語",
    "ß",
    "o'clock",
    "say \"x\"",
    "mcp",
];

/// Small numbers that look random and are the same in every run.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % limit
    }

    pub fn word(&mut self) -> &'static str {
        WORDS[self.below(WORDS.len())]
    }

    pub fn chance(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }
}

fn record(dice: &mut Dice, now: i64) -> Item {
    let prefix = ["io.test", "io.Test", "com.ex_ample"][dice.below(3)];
    let name = format!(
        "{prefix}/{}{}",
        ["n", "N", "n-", "n."][dice.below(4)],
        dice.below(30)
    );
    let version = ["1.0.0", "1.10.0", "1.9.0", "2.0.0-beta", "main"][dice.below(5)];
    let description = format!("{} {} {}\0x", dice.word(), dice.word(), now % 7);
    let document =
        serde_json::json!({ "name": name, "version": version, "description": description });
    let status = ["active", "active", "deprecated", "deleted"][dice.below(4)];
    let time = Timestamp::from_micros(now);
    Item::Record(Incoming {
        position: format!("{name}@{version}"),
        document: document.to_string().into_bytes(),
        official: dice.chance(2).then(|| {
            format!(r#"{{"status":"{status}","publishedAt":"{time}","updatedAt":"{time}"}}"#)
        }),
    })
}

/// The same engine twice would prove nothing: each side says what it is.
pub struct Side {
    pub db: Store,
    pub namespace: Namespace,
    /// As configured last.
    pub filter: Mutex<Filter>,
}

impl Side {
    pub fn new(db: Store) -> Self {
        Self {
            db,
            namespace: Namespace::default(),
            filter: Mutex::default(),
        }
    }

    pub fn source(&self, name: &str) -> SourceSpec {
        SourceSpec {
            name: SourceName::new(name).expect("a name"),
            origin: format!("test:{name}"),
            filter: self.filter.lock().expect("no panic before").clone(),
        }
    }

    pub fn cx(&self, now: i64) -> Cx<'_, Store> {
        Cx {
            db: &self.db,
            namespace: &self.namespace,
            now: Timestamp::from_micros(now),
        }
    }

    pub async fn configure(&self, now: i64, dice: &mut Dice) {
        let mut filter = Filter::default();
        if dice.chance(2) {
            filter.exclude_names.push("*/n1*".to_owned());
        }
        *self.filter.lock().expect("no panic before") = filter;
        let sources = ["a", "b"].map(|name| self.source(name));
        let registries = [
            ("both", &["a", "b"][..]),
            ("only-b", &["b"]),
            ("Strict", &["b", "a"]),
        ];
        let registries = registries.map(|(name, of)| RegistrySpec {
            name: RegistryName::new(&name.to_lowercase()).expect("a name"),
            sources: of.iter().map(|name| self.source(name).name).collect(),
            valid_only: name == "Strict",
        });
        configure::apply(self.cx(now), &sources, &registries)
            .await
            .expect("configured");
    }

    pub async fn sync(&self, now: i64, dice: &mut Dice) {
        let source = self.source(["a", "b"][dice.below(2)]);
        let mode = if dice.chance(2) {
            Mode::Full
        } else {
            Mode::Incremental
        };
        let claim = pass::claim(self.cx(now), &source, "tester", 60).await;
        let lease = claim.expect("an answer").granted().expect("a free lease");
        let pass = pass::begin(self.cx(now), lease, Kind::Server, source.filter, mode, true)
            .await
            .expect("a pass");
        for page in 0..1 + dice.below(3) {
            let items = (0..dice.below(40)).map(|_| record(dice, now)).collect();
            pass::take(self.cx(now), &pass, items, &page.to_string())
                .await
                .expect("taken");
        }
        if dice.chance(4) {
            return;
        }
        let ending = Ending {
            fingerprint: "seen",
            next_run: Timestamp::from_micros(now),
            removals: Removals::Unbounded,
        };
        pass::complete(self.cx(now), pass, ending)
            .await
            .expect("completed");
    }

    /// A page in full, and the number of its records.
    pub async fn page(&self, now: i64, registry: &str, query: Query) -> (String, usize) {
        let page = browse::list(self.cx(now), Scope::Named(registry), Kind::Server, query).await;
        let count = page.as_ref().map_or(0, |page| page.records.len());
        (format!("{page:?}"), count)
    }

    /// What an operator sees of the sources, and of what they hold that is remarkable.
    pub async fn reports(&self, now: i64) -> String {
        let mut told = String::new();
        let reports = report::list(self.cx(now), report::MOST).await;
        for report in reports.expect("reports") {
            let (findings, warned) = (report.findings.lines, report.warned.lines.iter());
            let warned: Vec<_> = warned
                .map(|one| (&one.name, &one.version, &one.warnings))
                .collect();
            told += &format!("{:?} {:?} {warned:?}\n", report.source, findings);
        }
        told
    }
}

/// A list as somebody might ask for it.
pub fn query(dice: &mut Dice, now: i64) -> Query {
    let mut query = Query {
        limit: u32::try_from(1 + dice.below(100)).unwrap_or(1),
        ..Query::default()
    };
    if dice.chance(2) {
        let word = dice.word();
        let cut = word.chars().take(1 + dice.below(6)).collect();
        query.search = Some(cut);
    }
    if dice.chance(3) {
        query.updated_since = Some(Timestamp::from_micros(now - 3_000_000));
    }
    if dice.chance(3) {
        query.include_deleted = Some(true);
    }
    if dice.chance(4) {
        query.version = Some(["latest", "1.0.0", "main"][dice.below(3)].to_owned());
    }
    query
}
