//! The forms in which records come: one streaming reader for all of them. It hands over records as they came, before
//! any judgement, in memory that does not grow with their number. It never fetches anything and never touches the store.

mod cursor;
mod element;
mod extent;
mod folder;
mod layout;
mod legacy;
mod reader;
mod scan;
#[cfg(test)]
mod tests;

use std::{fmt, io, io::Read, ops::ControlFlow};

use serde_json::value::RawValue;

use crate::config::model::Format;
pub(crate) use cursor::Cursors;
pub(crate) use folder::is_of_registry;
pub(crate) use layout::Layout;
pub(crate) use scan::Place;

/// One record as it came, before any judgement.
#[derive(Debug, Clone)]
pub(crate) struct RawRecord {
    /// Where it stood: `servers[17]`, `remote_servers.foo`, `page 3, servers[2]`.
    pub position: String,
    /// The server.json object, byte for byte, white space included; a legacy entry is converted first.
    pub document: Vec<u8>,
    /// `_meta["io.modelcontextprotocol.registry/official"]` as it came.
    pub official: Option<Box<RawValue>>,
}

/// What a source hands over, in the order of the source.
#[derive(Debug, Clone)]
pub(crate) enum Item {
    /// Comes first where the source knows it: its own clock, in microseconds since 1970.
    Started {
        upstream_time: Option<i64>,
    },
    Record(RawRecord),
    /// Not an object, over the size limit, or a legacy entry that cannot be converted.
    Rejected {
        position: String,
        name: Option<String>,
        reason: String,
    },
    /// Entries of kinds that are not read: `skills`, `plugins`, `groups`.
    Skipped {
        what: &'static str,
        count: u64,
    },
    /// All records since the last one are a page, to be committed together with the cursor of what follows.
    Page {
        cursor: Option<String>,
    },
}

/// What may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Any form; it is detected.
    Any,
    /// The form that the operator has named.
    Named(Format),
    /// A page of a v0.1 list and nothing else.
    Page,
}

impl From<Option<Format>> for Expected {
    fn from(format: Option<Format>) -> Self {
        format.map_or(Self::Any, Self::Named)
    }
}

/// How to read one text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading<'a> {
    pub expected: Expected,
    /// Bytes of one record; a larger one is rejected without being held in memory.
    pub max_record_size: usize,
    /// Put before each position, as in `page 3, `.
    pub prefix: &'a str,
}

/// What a text that was read to its end had in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Summary {
    pub layout: Layout,
    pub records: u64,
    pub rejected: u64,
    /// Cursors to the next page.
    pub cursors: Cursors,
}

/// Reads one JSON text and hands its records to `sink` as they come, until it breaks.
///
/// On an error everything before it has been handed over already: only `Ok` means that the text was complete.
pub(crate) fn read(
    input: impl Read,
    reading: Reading<'_>,
    sink: &mut dyn FnMut(Item) -> ControlFlow<()>,
) -> Result<Summary, FormatError> {
    reader::Reader::new(input, reading, sink).read()
}

/// Name and version of a document as they stand in it, without any judgement.
pub(crate) fn identity(document: &[u8]) -> Option<(&str, Option<&str>)> {
    let text = str::from_utf8(document).ok()?;
    let [name, version] = element::members(text, ["name", "version"]).ok()?;
    Some((name?.get(), version.map(RawValue::get)))
}

/// Why a text was not read to its end.
#[derive(Debug)]
pub(crate) enum FormatError {
    /// The input could not be read.
    Read(io::Error),
    /// The content is at fault.
    Content {
        message: String,
        place: Option<Place>,
        records: u64,
    },
    /// It may well be JSON, but it is of another form than expected, or of none that is known.
    OtherForm(String),
    /// The sink wanted no more.
    Stopped,
}

impl FormatError {
    fn content(message: String, place: Option<Place>) -> Self {
        Self::Content {
            message,
            place,
            records: 0,
        }
    }

    /// A syntax error inside a value that begins at `start`.
    fn syntax(error: &serde_json::Error, start: Place) -> Self {
        let text = error.to_string();
        let message = text
            .split(" at line ")
            .next()
            .unwrap_or_default()
            .to_owned();
        let (line, column) = (error.line().max(1) as u64, error.column().max(1) as u64);
        let place = Place {
            line: start.line + line - 1,
            column: if line == 1 {
                start.column + column - 1
            } else {
                column
            },
        };
        Self::content(message, Some(place))
    }

    /// Adds how many records had been handed over before it.
    fn after(self, count: u64) -> Self {
        match self {
            Self::Content { message, place, .. } => Self::Content {
                message,
                place,
                records: count,
            },
            other => other,
        }
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => write!(f, "the input cannot be read: {error}"),
            Self::OtherForm(message) => f.write_str(message),
            Self::Stopped => f.write_str("stopped before the end"),
            Self::Content {
                message,
                place,
                records,
            } => {
                f.write_str(message)?;
                if let Some(Place { line, column }) = place {
                    write!(
                        f,
                        " (line {line}, column {column}, after {records} records)"
                    )?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for FormatError {}
