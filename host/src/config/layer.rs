//! What one origin (file, environment, flags) gave, by key path, and how it is written into its places. The tables decide
//! which keys there are; this file knows none.

use std::collections::BTreeMap;

use super::{
    error::{At, Report},
    key::{Bind, Fallback, Key, is_off},
    slot::{Pairs, Slot},
    suggest,
    yaml::{Entry, Node, Value},
};

/// The values of one origin; a later layer goes over an earlier one key by key.
#[derive(Debug, Default)]
pub(super) struct Layer(BTreeMap<&'static str, Given>);

/// A value and where it stands.
#[derive(Debug)]
pub(super) struct Given {
    pub at: At,
    pub value: Written,
}

#[derive(Debug)]
pub(super) enum Written {
    Text(String),
    List(Vec<(At, String)>),
    /// Names with their texts; `None` for what is no text.
    Map(Vec<(String, At, Option<String>)>),
}

impl Layer {
    pub(super) fn get(&self, path: &str) -> Option<&Given> {
        self.0.get(path)
    }

    pub(super) fn set(&mut self, path: &'static str, at: At, text: String) {
        let value = Written::Text(text);
        self.0.insert(path, Given { at, value });
    }

    /// Reports a required key that was not given; `line` is that of the element which lacks it.
    pub(super) fn require(&self, path: &str, base: &str, line: u64, report: &mut Report) {
        if self.get(path).is_none() {
            report.add(join(base, path), &At::Line(line), "is missing");
        }
    }

    /// Takes over everything of a layer with higher precedence.
    pub(super) fn cover(&mut self, higher: Self) {
        self.0.extend(higher.0);
    }

    /// Writes every key's value, or its default, into `target`.
    pub(super) fn fill<T>(&self, keys: &[Key<T>], base: &str, target: &mut T, report: &mut Report) {
        for key in keys {
            let Bind::To(place) = key.bind else { continue };
            let path = join(base, key.path);
            match (self.get(key.path), key.default) {
                (Some(given), _) => write(place(target), given, &path, report),
                (None, Fallback::Text(text)) => {
                    if let Err(message) = place(target).put(text) {
                        report.add(path, &At::Default, message);
                    }
                }
                (None, _) => {}
            }
        }
    }
}

fn write(slot: Slot<'_>, given: &Given, path: &str, report: &mut Report) {
    match (slot, &given.value) {
        (Slot::List(list, check), Written::List(items)) => {
            for (index, (at, text)) in items.iter().enumerate() {
                if let Err(message) = readable(text).and_then(|()| (check.test)(text)) {
                    report.add(format!("{path}[{index}]"), at, message);
                }
                list.push(text.clone());
            }
        }
        (Slot::Map(pairs, rule), Written::Map(entries)) => {
            for (name, at, text) in entries {
                match pair(pairs, rule, name, text.as_deref()) {
                    Ok(pair) => pairs.push(pair),
                    Err(message) => report.add(join(path, name), at, message),
                }
            }
        }
        (_, Written::Map(_)) => {
            report.add(path, &given.at, "is a section where a value is expected")
        }
        (Slot::List(..), Written::Text(_)) => {
            report.add(
                path,
                &given.at,
                "is one value where a list is expected; write `- ` before it",
            );
        }
        (Slot::Networks(networks), Written::List(items)) => {
            for (index, (at, text)) in items.iter().enumerate() {
                if let Err(message) = readable(text).and_then(|()| networks.add(text)) {
                    report.add(format!("{path}[{index}]"), at, message);
                }
            }
        }
        (_, Written::List(_)) => {
            report.add(path, &given.at, "is a list where one value is expected")
        }
        (slot, Written::Text(text)) => {
            if let Err(message) = readable(text).and_then(|()| slot.put(text)) {
                report.add(path, &given.at, message);
            }
        }
    }
}

/// A name and its text, if both are right and the name is new.
fn pair(
    known: &[(String, String)],
    rule: Pairs,
    name: &str,
    text: Option<&str>,
) -> Result<(String, String), String> {
    let text = text.ok_or("is not a text")?;
    readable(text)?;
    (rule.test)(name, text)?;
    match known
        .iter()
        .any(|(other, _)| other.eq_ignore_ascii_case(name))
    {
        true => Err("is given twice; keep one of the two".to_owned()),
        false => Ok((name.to_owned(), text.to_owned())),
    }
}

/// Refuses what cannot be meant: control characters, and the mark of bytes that were no UTF-8.
fn readable(text: &str) -> Result<(), String> {
    if text
        .chars()
        .any(|c| c.is_control() || c == char::REPLACEMENT_CHARACTER)
    {
        return Err("contains control characters or bytes that are no UTF-8".to_owned());
    }
    Ok(())
}

/// Reads the map at `base` (empty for the file itself) by the tables, reporting what they do not know.
pub(super) fn read<T>(
    tables: [&'static [Key<T>]; 2],
    base: &str,
    entries: Vec<Entry>,
    report: &mut Report,
) -> Layer {
    let mut reader = Reader {
        tables,
        base,
        report,
        layer: Layer::default(),
    };
    reader.section("", entries);
    reader.layer
}

struct Reader<'r, T: 'static> {
    tables: [&'static [Key<T>]; 2],
    base: &'r str,
    report: &'r mut Report,
    layer: Layer,
}

impl<T> Reader<'_, T> {
    fn keys(&self) -> impl Iterator<Item = &'static Key<T>> + use<T> {
        self.tables.into_iter().flatten()
    }

    fn section(&mut self, path: &str, entries: Vec<Entry>) {
        for entry in entries {
            let child = join(path, &entry.key);
            let below = format!("{child}.");
            if let Some(key) = self.keys().find(|key| key.path == child) {
                self.leaf(key, entry);
            } else if self.keys().any(|key| key.path.starts_with(&below)) {
                match entry.node.value {
                    Value::Map(entries) => self.section(&child, entries),
                    Value::Null => {}
                    Value::Text(_) | Value::List(_) => {
                        self.add(
                            &child,
                            entry.line,
                            "is not a section; write its keys below it, indented",
                        );
                    }
                }
            } else {
                let paths: Vec<&str> = self.keys().map(|key| key.path).collect();
                let message = suggest::unknown_key(&child, self.base, &paths);
                self.add(&child, entry.line, message);
            }
        }
    }

    fn leaf(&mut self, key: &'static Key<T>, entry: Entry) {
        match (&key.bind, entry.node.value) {
            (Bind::Inert, _) | (_, Value::Null) => {}
            (Bind::Refused { off }, value) => {
                if !is_off(off, spelling(&value)) {
                    self.add(key.path, entry.line, key.doc);
                }
            }
            (Bind::To(_), Value::Text(text)) => {
                self.layer.set(key.path, At::Line(entry.line), text)
            }
            (Bind::To(_), Value::List(items)) => self.list(key, entry.line, items),
            (Bind::To(_), Value::Map(entries)) => self.map(key, entry.line, entries),
        }
    }

    fn map(&mut self, key: &'static Key<T>, line: u64, entries: Vec<Entry>) {
        let text = |value| match value {
            Value::Text(text) => Some(text),
            _ => None,
        };
        let entries = entries
            .into_iter()
            .map(|entry| (entry.key, At::Line(entry.line), text(entry.node.value)));
        let value = Written::Map(entries.collect());
        let at = At::Line(line);
        self.layer.0.insert(key.path, Given { at, value });
    }

    fn list(&mut self, key: &'static Key<T>, line: u64, items: Vec<Node>) {
        let mut texts = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            match item.value {
                Value::Text(text) => texts.push((At::Line(item.line), text)),
                _ => self.add(
                    &format!("{}[{index}]", key.path),
                    item.line,
                    "is not a text",
                ),
            }
        }
        let at = At::Line(line);
        let value = Written::List(texts);
        self.layer.0.insert(key.path, Given { at, value });
    }

    fn add(&mut self, path: &str, line: u64, message: impl Into<String>) {
        self.report
            .add(join(self.base, path), &At::Line(line), message);
    }
}

/// What is compared with the spellings that mean "off".
fn spelling(value: &Value) -> &str {
    match value {
        Value::Text(text) => text,
        Value::List(items) if items.is_empty() => "[]",
        Value::Map(entries) if entries.is_empty() => "{}",
        Value::Null | Value::List(_) | Value::Map(_) => "",
    }
}

/// `base.path`, or the one that is not empty.
pub(super) fn join(base: &str, path: &str) -> String {
    let dot = if base.is_empty() || path.is_empty() {
        ""
    } else {
        "."
    };
    format!("{base}{dot}{path}")
}
