//! The known forms of a JSON text, which of them may come, and what to say when another one does.

use std::fmt;

use super::{Expected, FormatError};
use crate::config::model::Format;

/// The forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// ToolHive legacy: `servers` and `remote_servers` as maps.
    Legacy,
    /// ToolHive upstream: `data.servers`.
    Upstream,
    /// A v0.1 list: `servers` as an array, `metadata`.
    List,
    /// An array of list elements or server.json objects.
    Array,
    /// One server.json.
    Single,
}

impl Layout {
    /// The value of `format:` that names it.
    fn format(self) -> Format {
        match self {
            Self::Legacy => Format::Toolhive,
            Self::Upstream => Format::Upstream,
            Self::List | Self::Array | Self::Single => Format::Mcp,
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Legacy => "ToolHive legacy (maps `servers` and `remote_servers`)",
            Self::Upstream => "ToolHive upstream (`data.servers`)",
            Self::List => "MCP registry list (array `servers`)",
            Self::Array => "array of servers",
            Self::Single => "single server.json (`name`)",
        })
    }
}

/// The word an operator writes for a format.
fn word(format: Format) -> &'static str {
    match format {
        Format::Toolhive => "toolhive",
        Format::Upstream => "upstream",
        Format::Mcp => "mcp",
    }
}

impl Expected {
    pub(super) fn allows(self, layout: Layout) -> bool {
        match self {
            Self::Any => true,
            Self::Named(format) => layout.format() == format,
            Self::Page => layout == Layout::List,
        }
    }
}

/// The error for JSON that has not the form it should have.
pub(super) fn mismatch(
    expected: Expected,
    known: Option<Layout>,
    other: Option<Layout>,
) -> FormatError {
    let message = match (expected, known, other) {
        (_, Some(known), Some(other)) => format!("the content is {known}, yet it also has what belongs to {other}"),
        (Expected::Named(format), _, Some(other)) => format!(
            "`format: {}` is set, but the content is {other}: set `format: {}` or remove `format`",
            word(format),
            word(other.format())
        ),
        (Expected::Named(format), ..) => {
            format!("`format: {}` is set, but the content has no servers in that form", word(format))
        }
        (Expected::Page, ..) => "the answer is not a page of a v0.1 list: it has no array `servers`".into(),
        (Expected::Any, ..) => {
            "this is JSON, but of no known form: neither `servers`, `remote_servers`, `data.servers`, an array, \
             nor one server.json with a `name`"
                .into()
        }
    };
    FormatError::OtherForm(message)
}

/// First bytes of the pointer of a file in Git LFS.
const LFS: &[u8] = b"version https://git-lfs";

/// The error for a text that begins like this, not with an object or an array.
pub(super) fn not_json(beginning: &[u8]) -> FormatError {
    let found = match beginning.first() {
        None => "it is empty",
        Some(_) if beginning.starts_with(LFS) => {
            "it is a pointer of Git LFS, which is not read: store the file itself in the repository"
        }
        Some(_) if is_yaml(beginning) => "it seems to be YAML: convert it to JSON",
        Some(b'<') => "it is HTML or XML, as a login or error page is",
        Some(0x1F) => "it is compressed",
        Some(0xFE | 0xFF) => "it is UTF-16; save it as UTF-8",
        Some(b'"' | b'0'..=b'9' | b'-' | b't' | b'f' | b'n') => "it is a single value",
        Some(_) => "it is something else",
    };
    FormatError::content(
        format!("the content should be a JSON object or array, but {found}"),
        None,
    )
}

/// Returns true if the first line is a document mark, a comment, an element of a list, or a key with a colon.
fn is_yaml(beginning: &[u8]) -> bool {
    let line = beginning
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let line = line.trim_end();
    let is_key = |key: &str| {
        let plain = |letter: char| letter.is_alphanumeric() || "_$-. ".contains(letter);
        !key.is_empty() && key.trim_matches(['"', '\'']).chars().all(plain)
    };
    line == "---"
        || line.starts_with("--- ")
        || line.starts_with("- ")
        || line.starts_with("%YAML")
        || line.starts_with("# ")
        || line.strip_suffix(':').is_some_and(is_key)
        || line.split_once(": ").is_some_and(|(key, _)| is_key(key))
}
