//! JSON as text: what a record says byte for byte, and where parsers into trees would lose something.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// The members of an object, each as it stands in the text.
pub type Members = BTreeMap<String, Box<RawValue>>;

/// Reads one level of an object.
#[must_use]
pub fn members(text: &str) -> Members {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text:.300}"))
}

/// Reads one level of an array.
#[must_use]
pub fn elements(text: &str) -> Vec<Box<RawValue>> {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text:.300}"))
}

/// The elements of `servers` of a list.
#[must_use]
pub fn servers(list: &str) -> Vec<Members> {
    let list = members(list);
    elements(list["servers"].get())
        .iter()
        .map(|element| members(element.get()))
        .collect()
}

/// The text without its insignificant white space: that outside strings.
#[must_use]
pub fn compact(text: &str) -> String {
    let (mut quoted, mut escaped) = (false, false);
    text.chars()
        .filter(|&character| {
            let keep = quoted || !matches!(character, ' ' | '\t' | '\n' | '\r');
            match character {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                _ => {}
            }
            keep
        })
        .collect()
}
