//! A YAML file as a tree of texts with line numbers. It knows no key. Scalars keep the spelling of the file (a tag `1.10`
//! stays `1.10`); what they mean is decided by the key they belong to.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::{Location, Spanned};

/// A value and the line where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    /// From 1; 0 for an empty file.
    pub line: u64,
    pub value: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// Written as nothing, `~` or `null`: the same as a key that is not there.
    Null,
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub key: String,
    /// Line of the key.
    pub line: u64,
    pub node: Node,
}

/// Why a file is no YAML that we read, and the line when the parser knows it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub line: u64,
    pub message: String,
}

/// Deeper nesting than any key has.
const DEPTH: usize = 32;
/// Nodes of a file, counted again for each use of an anchor: an anchor bomb ends here.
const NODES: usize = 100_000;

/// Parses one document. Duplicate keys are an error; anchors, aliases and merge keys work within bounds.
pub(super) fn parse(source: &str) -> Result<Node, Broken> {
    let blank = |line: &str| matches!(line.trim_start().chars().next(), None | Some('#'));
    if source.lines().all(blank) {
        return Ok(Node {
            line: 0,
            value: Value::Null,
        });
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: DEPTH, max_nodes: NODES, max_documents: 1 },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: NODES },
        non_finite_float_policy: serde_saphyr::options::NonFiniteFloatPolicy::AsString,
        strict_booleans: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options::<Spanned<Shape>>(source, options)
        .map(|shape| node(shape, source))
        .map_err(|error| Broken {
            line: error.location().map_or(0, |place| place.line()),
            message: error.render_with_formatter(&serde_saphyr::UserMessageFormatter),
        })
}

/// What the parser hands over before lines and spellings are taken from the source text.
enum Shape {
    Null,
    Text(String),
    /// A plain scalar that YAML reads as number or boolean; the text is only used if the source cannot be consulted.
    Typed(String),
    List(Vec<Spanned<Shape>>),
    Map(Vec<(Spanned<String>, Spanned<Shape>)>),
}

fn node(shape: Spanned<Shape>, source: &str) -> Node {
    let line = shape.referenced.line();
    let value = match shape.value {
        Shape::Null => Value::Null,
        Shape::Text(text) => Value::Text(text),
        Shape::Typed(text) => Value::Text(spelling(shape.defined, source).unwrap_or(text)),
        Shape::List(items) => {
            Value::List(items.into_iter().map(|item| node(item, source)).collect())
        }
        Shape::Map(entries) => Value::Map(
            entries
                .into_iter()
                .map(|(key, value)| Entry {
                    key: key.value,
                    line: key.referenced.line(),
                    node: node(value, source),
                })
                .collect(),
        ),
    };
    Node { line, value }
}

fn spelling(place: Location, source: &str) -> Option<String> {
    let start = usize::try_from(place.span().byte_offset()?).ok()?;
    let length = usize::try_from(place.span().byte_len()?).ok()?;
    let text = source.get(start..start.checked_add(length)?)?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShapeVisitor)
    }
}

struct ShapeVisitor;

impl<'de> Visitor<'de> for ShapeVisitor {
    type Value = Shape;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a scalar, a list or a map")
    }

    fn visit_unit<E>(self) -> Result<Shape, E> {
        Ok(Shape::Null)
    }

    fn visit_str<E>(self, text: &str) -> Result<Shape, E> {
        Ok(Shape::Text(text.to_owned()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Shape, E> {
        Ok(Shape::Typed(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Shape, E> {
        Ok(Shape::Typed(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Shape, E> {
        Ok(Shape::Typed(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Shape, E> {
        Ok(Shape::Typed(value.to_string()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Shape, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Shape::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Shape, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Shape::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(source: &str) -> Option<String> {
        match parse(source).expect("yaml").value {
            Value::Map(entries) => match entries.into_iter().next().expect("an entry").node.value {
                Value::Text(text) => Some(text),
                _ => None,
            },
            _ => panic!("no map"),
        }
    }

    #[test]
    fn scalars_keep_the_spelling_of_the_file() {
        for (source, expected) in [
            ("a: 1.10", "1.10"),
            ("a: 0012", "0012"),
            ("a: 1e3", "1e3"),
            ("a: 0x1F  # why", "0x1F"),
            ("a: true", "true"),
            ("a: True", "True"),
            ("a: on", "on"),
            ("a: \"15m\"", "15m"),
            ("a: '1.10'", "1.10"),
            ("a: .nan", ".nan"),
            ("a: :8080", ":8080"),
            ("ä: 1.10", "1.10"),
        ] {
            assert_eq!(text_of(source).as_deref(), Some(expected), "{source}");
        }
        for source in ["a:", "a: ~", "a: null"] {
            assert_eq!(text_of(source), None, "{source}");
        }
    }

    #[test]
    fn every_key_and_value_knows_its_line() {
        let tree = parse("a: 1\n\nb:\n  - x\n  - y\n").expect("yaml");
        let Value::Map(entries) = tree.value else {
            panic!("no map")
        };
        assert_eq!((entries[0].line, entries[1].line), (1, 3));
        let Value::List(items) = &entries[1].node.value else {
            panic!("no list")
        };
        assert_eq!((items[0].line, items[1].line), (4, 5));
    }

    #[test]
    fn an_alias_stands_where_it_is_used_and_keeps_its_spelling() {
        let tree = parse("a: &x 1.10\nb: *x\n").expect("yaml");
        let Value::Map(entries) = tree.value else {
            panic!("no map")
        };
        assert_eq!(entries[1].node.line, 2);
        assert_eq!(entries[1].node.value, Value::Text("1.10".to_owned()));
    }

    #[test]
    fn what_is_no_yaml_is_refused_with_its_line() {
        for (source, line) in [
            ("a: 1\na: 2\n", 2),
            ("a: 1\n\tb: 2\n", 1),
            ("a: [1\n", 1),
            ("a: 1\n---\nb: 2\n", 2),
        ] {
            let broken = parse(source).expect_err(source);
            assert_eq!(broken.line, line, "{source}: {}", broken.message);
        }
    }

    #[test]
    fn an_empty_file_is_an_empty_tree() {
        for source in ["", "\n", "# nothing\n", "---\n"] {
            assert_eq!(
                parse(source).expect("yaml").value,
                Value::Null,
                "{source:?}"
            );
        }
    }

    #[test]
    fn an_anchor_bomb_and_endless_nesting_end_in_an_error() {
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let previous = format!("*a{}", level - 1);
            bomb.push_str(&format!(
                "a{level}: &a{level} [{}]\n",
                vec![previous; 10].join(", ")
            ));
        }
        assert!(parse(&bomb).is_err());
        assert!(parse(&"[".repeat(100_000)).is_err());
        assert!(parse(&format!("{}x{}", "[".repeat(1_000), "]".repeat(1_000))).is_err());
    }
}
