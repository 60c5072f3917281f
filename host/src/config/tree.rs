//! A configuration as a tree to be written: YAML and JSON of the same values in the same order. It knows no key.

use serde::{Serialize, Serializer, ser::SerializeMap};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tree {
    Flag(bool),
    Number(usize),
    Text(String),
    List(Vec<Tree>),
    /// In the order of the tables.
    Map(Vec<(String, Tree)>),
}

impl Tree {
    /// Puts `value` at a dotted path, making the maps on the way.
    pub(super) fn insert(&mut self, path: &str, value: Tree) {
        let Self::Map(entries) = self else { return };
        let (head, rest) = path.split_once('.').unwrap_or((path, ""));
        if rest.is_empty() {
            entries.push((head.to_owned(), value));
            return;
        }
        if let Some((_, inner)) = entries.iter_mut().find(|(key, _)| key == head) {
            inner.insert(rest, value);
            return;
        }
        let mut inner = Self::Map(Vec::new());
        inner.insert(rest, value);
        entries.push((head.to_owned(), inner));
    }
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Flag(value) => serializer.serialize_bool(*value),
            Self::Number(value) => {
                serializer.serialize_u64(u64::try_from(*value).unwrap_or(u64::MAX))
            }
            Self::Text(value) => serializer.serialize_str(value),
            Self::List(items) => serializer.collect_seq(items),
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}
