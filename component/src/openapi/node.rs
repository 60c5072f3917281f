//! A tree that keeps its order, written as JSON or as block-style YAML.

use std::{borrow::Cow, fmt::Write as _};

use cairn_registry::model::quote;

/// A value of the document.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Text(Cow<'static, str>),
    Number(i64),
    Flag(bool),
    List(Vec<Self>),
    Map(Vec<(Cow<'static, str>, Self)>),
}

impl From<&'static str> for Node {
    fn from(text: &'static str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Node {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

/// A map of literal keys.
pub(super) fn map<const N: usize>(fields: [(&'static str, Node); N]) -> Node {
    Node::Map(
        fields
            .into_iter()
            .map(|(key, value)| (key.into(), value))
            .collect(),
    )
}

/// A list of literal texts.
pub(super) fn texts(items: &[&'static str]) -> Node {
    Node::List(items.iter().map(|item| (*item).into()).collect())
}

impl Node {
    pub(super) fn json(&self) -> String {
        let mut out = String::new();
        self.write_json(&mut out);
        out
    }

    fn write_json(&self, out: &mut String) {
        match self {
            Self::List(items) => {
                out.push('[');
                separated(out, items, |out, item| item.write_json(out));
                out.push(']');
            }
            Self::Map(fields) => {
                out.push('{');
                separated(out, fields, |out, (key, value)| {
                    let _ = write!(out, "{}:", quote(key));
                    value.write_json(out);
                });
                out.push('}');
            }
            scalar => scalar.write_scalar(out, quote),
        }
    }

    pub(super) fn yaml(&self) -> String {
        let mut out = String::new();
        self.write_yaml(&mut out, 0);
        out
    }

    /// Writes from the beginning of a line, `depth` steps in.
    fn write_yaml(&self, out: &mut String, depth: usize) {
        match self {
            Self::List(items) => {
                for item in items {
                    let _ = write!(out, "{:1$}-", "", 2 * depth);
                    item.write_after(out, depth);
                }
            }
            Self::Map(fields) => {
                for (key, value) in fields {
                    let _ = write!(out, "{:1$}{2}:", "", 2 * depth, plain_or_quoted(key));
                    value.write_after(out, depth);
                }
            }
            scalar => scalar.write_scalar(out, plain_or_quoted),
        }
    }

    /// Writes behind a key or a dash, and ends the line.
    fn write_after(&self, out: &mut String, depth: usize) {
        match self {
            Self::List(items) if items.is_empty() => out.push_str(" []\n"),
            Self::Map(fields) if fields.is_empty() => out.push_str(" {}\n"),
            Self::List(_) | Self::Map(_) => {
                out.push('\n');
                self.write_yaml(out, depth + 1);
            }
            scalar => {
                out.push(' ');
                scalar.write_scalar(out, plain_or_quoted);
                out.push('\n');
            }
        }
    }

    fn write_scalar(&self, out: &mut String, text: fn(&str) -> String) {
        match self {
            Self::Text(value) => out.push_str(&text(value)),
            Self::Number(value) => {
                let _ = write!(out, "{value}");
            }
            Self::Flag(value) => {
                let _ = write!(out, "{value}");
            }
            Self::List(_) | Self::Map(_) => {}
        }
    }
}

fn separated<T>(out: &mut String, items: &[T], write: impl Fn(&mut String, &T)) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, item);
    }
}

/// Bare where no reader of YAML 1.1 or 1.2 could take it for anything but this text; else a JSON string, which is YAML.
fn plain_or_quoted(text: &str) -> String {
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let begins =
        text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/' || first == '$');
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || b" -_./{}$+".contains(&byte);
    let word = words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if begins && !word && !text.ends_with(' ') && text.bytes().all(bare) {
        text.to_owned()
    } else {
        quote(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_quotes_what_could_be_read_otherwise() {
        let check = |text, expected| assert_eq!(plain_or_quoted(text), expected);
        check("string", "string");
        check("/servers/{serverName}", "/servers/{serverName}");
        check("$ref", "$ref");
        check("200", "\"200\"");
        check("1.0.0", "\"1.0.0\"");
        check("yes", "\"yes\"");
        check("Null", "\"Null\"");
        check("", "\"\"");
        check("a: b", "\"a: b\"");
        check("a #b", "\"a #b\"");
        check("-", "\"-\"");
        check("a ", "\"a \"");
        check("#/a", "\"#/a\"");
        check("a\nb", "\"a\\nb\"");
    }

    #[test]
    fn both_forms_are_written() {
        let node = map([
            ("a", texts(&["x", "1"])),
            (
                "b",
                map([
                    ("c", Node::Number(1)),
                    ("d", Node::List(vec![map([("e", Node::Flag(true))])])),
                ]),
            ),
            ("f", Node::List(Vec::new())),
        ]);
        assert_eq!(
            node.json(),
            r#"{"a":["x","1"],"b":{"c":1,"d":[{"e":true}]},"f":[]}"#
        );
        assert_eq!(
            node.yaml(),
            "a:\n  - x\n  - \"1\"\nb:\n  c: 1\n  d:\n    -\n      e: true\nf: []\n"
        );
    }
}
