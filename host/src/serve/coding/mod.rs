//! Content codings: which one a caller wants, and bytes in it. Only the host codes; components answer plainly.

mod compress;
mod negotiate;

pub(crate) use compress::{Effort, compress, worth_it};
pub(crate) use negotiate::choose;

/// A coding other than identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Brotli,
    Zstd,
    Gzip,
}

impl Coding {
    /// In the order they are taken when a caller likes them equally: smallest first.
    pub(crate) const ALL: [Self; 3] = [Self::Brotli, Self::Zstd, Self::Gzip];

    /// As `Content-Encoding` names it; entity tags end with it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }
}
