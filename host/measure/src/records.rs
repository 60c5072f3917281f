//! What is measured on: a list of server records made from a real one by a seeded generator. New names, version chains
//! about as long as the official registry's, the same shares of odd versions and of large records. A record is written
//! out when it is asked for, so that half a million of them cost little memory.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result, ensure};
use cairn_registry::model::Timestamp;
use fastrand::Rng;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Another one makes other records; so does another [`MADE_BY`].
const SEED: u64 = 0x6361_6972_6e31;
/// Names the rules below: to be raised when they change, so that stored databases are made anew.
pub(crate) const MADE_BY: u32 = 2;
/// Seconds between two changes upstream: 1,200 records a day, 50 in the last hour.
const BETWEEN_CHANGES: i64 = 72;
/// Versions that a name has on average: 120,000 records of 35,000 names.
const VERSIONS_PER_NAME: f64 = 3.43;
/// Stands in every generated name, so that there is a term which is in all records.
pub(crate) const IN_ALL: &str = "-hub/";

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    servers: Vec<Listed<'a>>,
}

#[derive(Deserialize)]
struct Listed<'a> {
    #[serde(borrow)]
    server: BTreeMap<&'a str, &'a RawValue>,
}

/// A real record without what makes it unique.
struct Template {
    name: String,
    version: String,
    /// The other members, as they came.
    rest: String,
}

/// One generated record.
struct Record {
    name: u32,
    template: u32,
    /// 0 is the one that changed last.
    age: u32,
    latest: bool,
    version: Box<str>,
}

/// Generated records in list order.
pub(crate) struct Catalog {
    templates: Vec<Template>,
    names: Vec<String>,
    records: Vec<Record>,
    /// When the last one changed.
    until: Timestamp,
}

impl Catalog {
    /// Makes `size` records from the list in `file`, the last one changed at `until`.
    pub(crate) fn make(file: &Path, size: usize, until: Timestamp) -> Result<Self> {
        let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let templates = templates(&text).with_context(|| file.display().to_string())?;
        let mut catalog = Self {
            templates,
            names: Vec::new(),
            records: Vec::with_capacity(size),
            until,
        };
        catalog.fill(size);
        Ok(catalog)
    }

    fn fill(&mut self, size: usize) {
        let mut rng = Rng::with_seed(SEED);
        let chains = chains(&self.templates);
        let listed = self.templates.len() as f64 / chains.len() as f64;
        let further = (VERSIONS_PER_NAME - listed).max(0.0);
        let mut ages: Vec<u32> = (0..u32::try_from(size).unwrap_or(u32::MAX)).collect();
        rng.shuffle(&mut ages);
        while self.records.len() < size {
            let Some(chain) = rng.choice(&chains) else {
                return;
            };
            let room = size - self.records.len();
            let mut versions = self.versions(chain.clone(), further, &mut rng);
            versions.truncate(room);
            let from = ages.len() - versions.len();
            self.add(versions, ages.split_off(from));
        }
        let Self { records, names, .. } = self;
        let name = |record: &Record| names.get(record.name as usize);
        records.sort_by(|a, b| (name(a), &a.version).cmp(&(name(b), &b.version)));
    }

    /// The versions of a real name, and some more: another one follows with the chance that gives `further` on average.
    fn versions(
        &self,
        chain: std::ops::Range<usize>,
        further: f64,
        rng: &mut Rng,
    ) -> Vec<(u32, Box<str>)> {
        let mut versions: Vec<(u32, Box<str>)> = Vec::new();
        let mut last = (0, "1.0.0");
        for index in chain {
            if let Some(template) = self.templates.get(index) {
                last = (u32::try_from(index).unwrap_or_default(), &template.version);
                versions.push((last.0, last.1.into()));
            }
        }
        let mut version = last.1.to_owned();
        while rng.f64() < further / (1.0 + further) {
            version = next_version(&version);
            let is_new = versions.iter().all(|(_, known)| **known != version);
            if is_new {
                versions.push((last.0, version.as_str().into()));
            }
        }
        versions
    }

    /// Adds one name with its versions; the later the version, the later it changed.
    fn add(&mut self, versions: Vec<(u32, Box<str>)>, mut ages: Vec<u32>) {
        ages.sort_unstable_by(|a, b| b.cmp(a));
        let name = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        let model = versions
            .first()
            .and_then(|(index, _)| self.templates.get(*index as usize));
        let (namespace, server) = model
            .and_then(|template| template.name.split_once('/'))
            .unwrap_or(("com.example", "server"));
        self.names
            .push(format!("{namespace}-{}{IN_ALL}{server}", word(name)));
        let last = versions.len();
        for (at, ((template, version), age)) in (1..).zip(versions.into_iter().zip(ages)) {
            self.records.push(Record {
                name,
                template,
                age,
                latest: at == last,
                version,
            });
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// An hour before the last change.
    pub(crate) fn an_hour_before(until: Timestamp) -> Timestamp {
        until.plus_seconds(-3600)
    }

    /// A page of a v0.1 list: at most `limit` records from `start` on that changed after `since`.
    pub(crate) fn page(&self, start: usize, limit: usize, since: Option<Timestamp>) -> String {
        let mut page = String::from(r#"{"servers":["#);
        let mut count = 0;
        let mut next = None;
        for (index, record) in self.records.iter().enumerate().skip(start) {
            if since.is_some_and(|since| self.changed_at(record) <= since) {
                continue;
            }
            if count == limit {
                next = Some(index);
                break;
            }
            page.push_str(if count == 0 { "" } else { "," });
            self.write(&mut page, record);
            count += 1;
        }
        let next = next.map_or(String::new(), |next| format!(r#","nextCursor":"{next}""#));
        page.push_str(&format!(r#"],"metadata":{{"count":{count}{next}}}}}"#));
        page
    }

    fn changed_at(&self, record: &Record) -> Timestamp {
        self.until
            .plus_seconds(-i64::from(record.age) * BETWEEN_CHANGES)
    }

    fn write(&self, page: &mut String, record: &Record) {
        let (Some(template), Some(name)) = (
            self.templates.get(record.template as usize),
            self.names.get(record.name as usize),
        ) else {
            return;
        };
        let (time, latest) = (self.changed_at(record), record.latest);
        let (version, rest) = (&record.version, &template.rest);
        page.push_str(&format!(
            r#"{{"server":{{"name":"{name}","version":"{version}"{rest}}},"_meta":{{"io.modelcontextprotocol.registry/official":{{"status":"active","publishedAt":"{time}","updatedAt":"{time}","isLatest":{latest}}}}}}}"#
        ));
    }
}

/// The records of a list that have a plain name and version, in the order of the list.
fn templates(text: &str) -> Result<Vec<Template>> {
    let envelope: Envelope<'_> = serde_json::from_str(text)?;
    let mut templates = Vec::new();
    for Listed { mut server } in envelope.servers {
        let mut plain = |member| {
            let text = server.remove(member)?.get();
            let text = text.strip_prefix('"')?.strip_suffix('"')?;
            (!text.contains('\\')).then(|| text.to_owned())
        };
        let (Some(name), Some(version)) = (plain("name"), plain("version")) else {
            continue;
        };
        let rest = server
            .iter()
            .map(|(member, value)| format!(r#","{member}":{}"#, value.get()))
            .collect();
        templates.push(Template {
            name,
            version,
            rest,
        });
    }
    ensure!(!templates.is_empty(), "a list without records");
    Ok(templates)
}

/// Where each name's records are; the list has them together.
fn chains(templates: &[Template]) -> Vec<std::ops::Range<usize>> {
    let mut start = 0;
    templates
        .chunk_by(|a, b| a.name == b.name)
        .map(|chain| {
            let range = start..start + chain.len();
            start = range.end;
            range
        })
        .collect()
}

/// The version with its last number one higher, whatever stands around it.
fn next_version(version: &str) -> String {
    let is_digit = |c: char| c.is_ascii_digit();
    let Some(end) = version.rfind(is_digit).map(|at| at + 1) else {
        return format!("{version}.1");
    };
    let (head, tail) = version.split_at(end);
    let start = head.rfind(|c| !is_digit(c)).map_or(0, |at| at + 1);
    let (head, number) = head.split_at(start);
    let number = number.parse::<u64>().unwrap_or(0).saturating_add(1);
    format!("{head}{number}{tail}")
}

/// A word for a number: no two numbers below a million have the same one, and neighbours look nothing alike.
fn word(number: u32) -> String {
    const CONSONANTS: &[u8; 16] = b"bcdfghjklmnprstv";
    const VOWELS: &[u8; 4] = b"aeio";
    let mixed = number.wrapping_mul(0x000b_5297) & 0x000f_ffff;
    let mut word = String::new();
    for (shift, letters) in [
        (16, &CONSONANTS[..]),
        (14, VOWELS),
        (10, CONSONANTS),
        (8, VOWELS),
        (4, CONSONANTS),
        (0, CONSONANTS),
    ] {
        let letter = letters.get((mixed >> shift) as usize % letters.len());
        word.push(char::from(letter.copied().unwrap_or(b'x')));
    }
    word
}
