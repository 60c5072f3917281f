//! The order of an export's lines. A line that comes twice, or too late, is noticed where it stands.

use super::wire::Line;

/// The place of a line among those of its namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    sort: u8,
    texts: Vec<String>,
    number: i64,
}

impl Key {
    /// Rows of one sort follow those of the sort before.
    pub(super) fn sort(&self) -> u8 {
        self.sort
    }
}

/// `None` for a line that begins or ends something.
pub(super) fn key(line: &Line) -> Option<Key> {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let (sort, texts, number) = match line {
        Line::Cairn(_) | Line::Namespace(_) | Line::End(_) => return None,
        Line::Source(line) => (1, texts(&[&line.name.0]), 0),
        Line::Registry(line) => (2, texts(&[&line.name.0]), i64::from(line.is_default)),
        Line::Finding(line) => {
            let class = line.class.0.as_str();
            (3, texts(&[&line.source.0, class, &line.position.0]), 0)
        }
        Line::Entry(line) => {
            let kind = line.kind.0.as_str();
            let own = texts(&[kind, &line.name.0, &line.source.0, &line.version.0]);
            (4, own, 0)
        }
        Line::View(line) => {
            let kind = line.kind.0.as_str();
            let own = texts(&[&line.registry.0, kind, &line.name.0, &line.version.0]);
            (5, own, 0)
        }
        Line::Change(line) => (6, Vec::new(), line.sequence),
    };
    Some(Key {
        sort,
        texts,
        number,
    })
}
