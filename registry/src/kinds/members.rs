//! Reading a few text members out of a JSON object that strict parsers refuse. It judges nothing.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

/// The texts under some keys of an object, up to where it breaks off. Of a repeated key the last one counts; a value that is
/// no text counts as absent.
pub(super) fn texts<const N: usize>(object: &[u8], keys: [&str; N]) -> [Option<String>; N] {
    let mut found = [const { None }; N];
    let members = Members {
        keys,
        found: &mut found,
    };
    let valid = object
        .utf8_chunks()
        .next()
        .map_or("", |chunk| chunk.valid());
    // What was read before an error counts.
    let _ = serde_json::Deserializer::from_str(valid).deserialize_map(members);
    found
}

struct Members<'s, const N: usize> {
    keys: [&'s str; N],
    found: &'s mut [Option<String>; N],
}

impl<'a, const N: usize> Visitor<'a> for Members<'_, N> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(wanted) = map.next_key_seed(Index(&self.keys))? {
            match wanted.and_then(|index| self.found.get_mut(index)) {
                Some(slot) => {
                    *slot = None;
                    if let Value::String(text) = map.next_value()? {
                        *slot = Some(text);
                    }
                }
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// The index of a key among some words.
struct Index<'s>(&'s [&'s str]);

impl<'a> DeserializeSeed<'a> for Index<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Index<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|word| *word == key))
    }
}
