//! Takes apart one element of a list: the server.json object inside an envelope, or the bare one, and the registry's
//! own block. It looks at as few members as it can; whether a record is any good is judged by those who store it.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{FormatError, Place, scan::Captured};

/// The key of the registry's own block under `_meta`.
pub(super) const OFFICIAL: &str = "io.modelcontextprotocol.registry/official";

/// What became of an element.
pub(super) enum Outcome {
    Record {
        document: Vec<u8>,
        official: Option<Box<RawValue>>,
    },
    Rejected {
        name: Option<String>,
        reason: String,
    },
}

impl Outcome {
    pub(super) fn rejected(name: Option<String>, reason: impl Into<String>) -> Self {
        Self::Rejected {
            name,
            reason: reason.into(),
        }
    }

    /// Names a rejected one that has no name of its own.
    pub(super) fn or_name(self, known: &str) -> Self {
        match self {
            Self::Rejected { name: None, reason } => Self::rejected(Some(known.to_owned()), reason),
            other => other,
        }
    }
}

/// Takes a captured value apart with `take`, and says whose fault it is when that fails: what is not JSON breaks the
/// whole text, anything else costs only this value.
pub(super) fn judge(
    value: &Captured<'_>,
    take: impl FnOnce(&str) -> Result<Outcome, String>,
) -> Result<Outcome, FormatError> {
    let text = match text(value) {
        Ok(text) => text,
        Err(rejected) => return Ok(rejected),
    };
    match take(text) {
        Ok(outcome) => Ok(outcome),
        Err(reason) => {
            well_formed(text, value.place)?;
            Ok(Outcome::rejected(None, reason))
        }
    }
}

/// Passes over a value that means nothing, which must be JSON all the same.
pub(super) fn skip(value: &Captured<'_>) -> Result<(), FormatError> {
    text(value).map_or(Ok(()), |text| well_formed(text, value.place))
}

fn text<'a>(value: &'a Captured<'_>) -> Result<&'a str, Outcome> {
    if !value.whole {
        let reason = format!("{} bytes are more than a record may have", value.length);
        return Err(Outcome::rejected(find_name(value.bytes), reason));
    }
    let not_utf8 = |_| Outcome::rejected(find_name(value.bytes), "the text is not UTF-8");
    str::from_utf8(value.bytes).map_err(not_utf8)
}

fn well_formed(text: &str, place: Place) -> Result<(), FormatError> {
    let checked = serde_json::from_str::<IgnoredAny>(text);
    checked
        .map(drop)
        .map_err(|error| FormatError::syntax(&error, place))
}

/// An element of `servers`, of an array, or a single object: with `server` and no `name` it is an envelope, otherwise
/// the server.json object itself.
pub(super) fn split(text: &str) -> Result<Outcome, String> {
    let [server, name, meta] = members(text, ["server", "name", "_meta"])?;
    let document = match (server, name) {
        (Some(server), None) => server.get(),
        _ => text,
    };
    if !document.starts_with('{') {
        return Err(format!("`server` is {}, not an object", kind(document)));
    }
    Ok(Outcome::Record {
        document: document.as_bytes().to_vec(),
        official: meta.and_then(official).map(ToOwned::to_owned),
    })
}

/// The registry's own block; a `_meta` of another shape has none.
fn official(meta: &RawValue) -> Option<&RawValue> {
    let [official] = members(meta.get(), [OFFICIAL]).ok()?;
    official.filter(|value| value.get() != "null")
}

/// What a JSON value is, in words.
pub(super) fn kind(value: &str) -> &'static str {
    match value.as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// The values of some members of an object, as they came; of a repeated key the last one.
pub(super) fn members<'a, const N: usize>(
    object: &'a str,
    keys: [&str; N],
) -> Result<[Option<&'a RawValue>; N], String> {
    let mut found = [None; N];
    if !object.starts_with('{') {
        return Err(format!("{}, not an object", kind(object)));
    }
    let mut deserializer = serde_json::Deserializer::from_str(object);
    deserializer
        .deserialize_map(Members {
            keys,
            found: &mut found,
        })
        .map_err(|error| error.to_string())?;
    Ok(found)
}

struct Members<'s, 'a, const N: usize> {
    keys: [&'s str; N],
    found: &'s mut [Option<&'a RawValue>; N],
}

impl<'a, const N: usize> Visitor<'a> for Members<'_, 'a, N> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(wanted) = map.next_key_seed(OneOf(&self.keys))? {
            match wanted.and_then(|index| self.found.get_mut(index)) {
                Some(slot) => *slot = Some(map.next_value()?),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// Tells which of some words a key is, without keeping the key.
struct OneOf<'s>(&'s [&'s str]);

impl<'a> DeserializeSeed<'a> for OneOf<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for OneOf<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|word| *word == key))
    }
}

/// The name in a value that is broken or of which only the beginning is there: as far as it can be read.
fn find_name(beginning: &[u8]) -> Option<String> {
    let text = beginning.utf8_chunks().next()?.valid();
    let mut name = None;
    // The error where the text breaks off is expected; what was found before it counts.
    let _ = FindName(&mut name).deserialize(&mut serde_json::Deserializer::from_str(text));
    name
}

/// Reads `name` of an object, or of the object under `server`.
struct FindName<'s>(&'s mut Option<String>);

impl<'a> DeserializeSeed<'a> for FindName<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for FindName<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(wanted) = map.next_key_seed(OneOf(&["name", "server"]))? {
            match wanted {
                Some(0) => *self.0 = Some(map.next_value()?),
                Some(_) => map.next_value_seed(FindName(self.0))?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}
