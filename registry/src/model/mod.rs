//! Values and rules. Everything here is synchronous and cannot fail for outside reasons; it knows only [`crate::error`].

mod cursor;
mod digest;
mod filter;
mod json;
mod name;
pub(crate) mod place;
mod status;
mod text;
mod time;
mod version;

pub use cursor::{Cursor, Position};
pub use digest::Digest;
pub use filter::Filter;
pub use json::quote;
pub use name::{Namespace, RegistryName, SourceName};
pub use status::Status;
pub use text::fold;
pub use time::Timestamp;
pub use version::{Candidate as VersionCandidate, latest};
