//! The lines of an export. Their form is a promise to other releases: what changes it raises [`FORMAT`]. Nothing here
//! knows the store; `rows.rs` converts.

use std::fmt;

use serde::{Deserialize, Serialize, de};
use serde_json::value::RawValue;

use crate::model;

/// The form of the lines.
pub(super) const FORMAT: u32 = 1;

/// One line: an object with one key, which says what it is. They come in this order; what belongs to a namespace follows
/// its line, each sort in the order of its key.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Line {
    /// The first one.
    Cairn(Header),
    Namespace(Namespace),
    Source(Box<Source>),
    Registry(Registry),
    Finding(Finding),
    Entry(Box<Entry>),
    View(View),
    Change(Change),
    /// The last one.
    End(End),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Header {
    pub(super) format: u32,
    /// Of the program that wrote it.
    pub(super) version: String,
    pub(super) exported_at: Time,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Namespace {
    pub(super) name: Text,
    /// The number of the last change.
    pub(super) change_sequence: i64,
}

/// Without its lease and without a pass under way: that one begins anew.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Source {
    pub(super) name: Text,
    pub(super) origin: Text,
    pub(super) filter: Text,
    pub(super) phase: Text,
    pub(super) message: Text,
    pub(super) attempts: i64,
    pub(super) last_attempt_at: Option<Time>,
    pub(super) last_success_at: Option<Time>,
    pub(super) next_run_at: Time,
    pub(super) fingerprint: Text,
    pub(super) mark: Text,
    pub(super) full_pass_at: Option<Time>,
    pub(super) pass: i64,
    pub(super) records: i64,
    pub(super) warned: i64,
    pub(super) hidden: i64,
    pub(super) quarantined: i64,
    pub(super) duplicates: i64,
    pub(super) skipped: i64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Registry {
    pub(super) name: Text,
    pub(super) is_default: bool,
    pub(super) valid_only: bool,
    pub(super) loaded: bool,
    pub(super) projected: bool,
    pub(super) records: i64,
    pub(super) names: i64,
    pub(super) sources: Vec<Text>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Finding {
    pub(super) source: Text,
    pub(super) class: Class,
    pub(super) position: Text,
    pub(super) pass: i64,
    pub(super) name: Text,
    pub(super) version: Text,
    pub(super) detail: Text,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    pub(super) name: Text,
    pub(super) source: Text,
    pub(super) version: Text,
    pub(super) status: Status,
    pub(super) status_message: Text,
    pub(super) status_changed_at: Time,
    pub(super) published_at: Time,
    pub(super) updated_at: Time,
    pub(super) gone: bool,
    pub(super) hidden: bool,
    /// Of the document and what upstream said beside it: an equal record need not be written.
    pub(super) digest: Digest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) warnings: Option<Box<RawValue>>,
    /// The document's bytes as a text, because they may have lines of their own.
    pub(super) document: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct View {
    pub(super) registry: Text,
    pub(super) kind: Kind,
    pub(super) name: Text,
    pub(super) version: Text,
    /// Whose entry it shows.
    pub(super) source: Text,
    /// The entry is not part of the registry any more.
    pub(super) tombstone: bool,
    pub(super) latest: bool,
    pub(super) changed_at: Time,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Change {
    pub(super) sequence: i64,
    pub(super) registry: Text,
    pub(super) kind: Kind,
    pub(super) name: Text,
    pub(super) version: Text,
    pub(super) op: Op,
    pub(super) digest: Digest,
    pub(super) changed_at: Time,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct End {
    /// With this one.
    pub(super) lines: u64,
}

/// A value of the model as a word of the format.
macro_rules! word {
    ($name:ident, $of:ty, $wanted:literal, $show:expr, $read:expr) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) struct $name(pub(super) $of);

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                let show: fn(&$of) -> String = $show;
                to.serialize_str(&show(&self.0))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = String::deserialize(from)?;
                let read: fn(&str) -> Option<$of> = $read;
                let wrong = || de::Error::custom(format_args!("{text:?} is not {}", $wanted));
                read(&text).map(Self).ok_or_else(wrong)
            }
        }
    };
}

word!(
    Time,
    model::Timestamp,
    "an RFC 3339 time",
    ToString::to_string,
    model::Timestamp::parse
);
word!(
    Digest,
    model::Digest,
    "a SHA-256 in hexadecimal",
    ToString::to_string,
    model::Digest::parse
);
word!(
    Status,
    model::Status,
    "active, deprecated or deleted",
    |status| status.as_str().to_owned(),
    model::Status::parse
);
word!(
    Kind,
    crate::kinds::Kind,
    "a kind this release knows",
    |kind| kind.as_str().to_owned(),
    crate::kinds::Kind::parse
);
word!(
    Class,
    crate::store::finding::Class,
    "quarantined, duplicate or skipped",
    |class| class.as_str().to_owned(),
    crate::store::finding::Class::parse
);
word!(
    Op,
    crate::store::generation::Op,
    "put or delete",
    |op| op.as_str().to_owned(),
    crate::store::generation::Op::parse
);

/// A text without NUL, which no engine but one could store.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Text(pub(super) String);

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        if text.contains('\0') {
            return Err(de::Error::custom("a text has the character NUL"));
        }
        Ok(Self(text))
    }
}
