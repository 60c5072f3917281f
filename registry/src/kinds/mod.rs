//! Kinds of assets. One file per kind says how its document is read; everything behind (store, views, search) is the
//! same for all, so a new kind is a new file and a line in [`Kind`].

mod members;
mod server;

/// A kind of asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// An MCP server, described by a server.json.
    Server,
}

impl Kind {
    /// Those that views are made of, by their names.
    pub const ALL: [Self; 1] = [Self::Server];

    /// The kind of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
        }
    }

    /// What stands before the document in a response element. What stands behind it is stored.
    pub(crate) fn opening(self) -> &'static str {
        self.separator().trim_start_matches(',')
    }

    /// What stands between the end of an element and the document of the next.
    pub(crate) fn separator(self) -> &'static str {
        match self {
            Self::Server => r#",{"server":"#,
        }
    }

    /// Reads a document tolerantly: what the registry needs from it, and how it deviates from its schema. The error
    /// says why it cannot be served at all.
    pub fn read(self, document: &[u8]) -> Result<Reading, String> {
        match self {
            Self::Server => server::read(document),
        }
    }

    /// Reads the key of a document that cannot be served, broken ones included.
    pub(crate) fn key(self, document: &[u8]) -> Key {
        match self {
            Self::Server => server::key_of(document),
        }
    }

    /// Returns true if an entry can have that name.
    pub(crate) fn is_name(self, text: &str) -> bool {
        match self {
            Self::Server => server::is_key(text),
        }
    }
}

/// Name and version of a record that cannot be served, as far as they can be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Key {
    pub name: Option<String>,
    /// `None` too where the text could be no version.
    pub version: Option<String>,
}

/// What the registry needs to know of a document that it otherwise keeps untouched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    pub name: String,
    pub version: String,
    pub title: String,
    pub description: String,
    pub tags: Vec<String>,
    pub references: Vec<Reference>,
    pub warnings: Vec<Warning>,
}

/// Something outside that a document points to. It is recorded, never fetched.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// `package`, `remote` or `repository`.
    pub relation: &'static str,
    pub target: String,
}

/// A deviation from the kind's schema that does not stop the record from being served.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Warning {
    /// JSON pointer (RFC 6901) into the document; for what upstream says of it, into the element around it.
    pub pointer: String,
    pub message: String,
}
