//! The elements of `sources` and `registries`, and keys among siblings, whatever the form of the file.

use super::{
    error::{At, Report},
    yaml::{Entry, Node, Value},
};

/// An element of a list: its path, its line, its keys.
pub(super) struct Element {
    /// Such as `sources[1]`.
    pub base: String,
    pub line: u64,
    pub entries: Vec<Entry>,
}

/// The maps of a list.
pub(super) fn elements(list: Option<Entry>, report: &mut Report) -> Vec<Element> {
    let Some(Entry { key, line, node }) = list else {
        return Vec::new();
    };
    let items = match node.value {
        Value::List(items) if !items.is_empty() => items,
        _ => {
            let message = format!(
                "is not a list with at least one element; write each {} after `- `",
                singular(&key)
            );
            report.add(key, &At::Line(line), message);
            return Vec::new();
        }
    };
    let element = |(index, Node { line, value }): (usize, Node)| {
        let base = format!("{key}[{index}]");
        if let Value::Map(entries) = value {
            return Some(Element {
                base,
                line,
                entries,
            });
        }
        report.add(
            base,
            &At::Line(line),
            "is not a section; write its keys, such as `name:`, below it",
        );
        None
    };
    items.into_iter().enumerate().filter_map(element).collect()
}

fn singular(list: &str) -> &'static str {
    if list == "sources" {
        "source"
    } else {
        "registry"
    }
}

/// Removes a key with its value; one without value is as if it were not there.
pub(super) fn take(entries: &mut Vec<Entry>, key: &str) -> Option<Entry> {
    let place = entries.iter().position(|entry| entry.key == key)?;
    Some(entries.remove(place)).filter(|entry| entry.node.value != Value::Null)
}

/// Whether a key is there with a value.
pub(super) fn present(entries: &[Entry], key: &str) -> bool {
    entries
        .iter()
        .any(|entry| entry.key == key && entry.node.value != Value::Null)
}
