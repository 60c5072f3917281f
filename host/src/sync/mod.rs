//! Synchronisation: records come from the sources that the operator has named and go into the store. Where they come from
//! is told by [`sources`], in which form by [`formats`]; what they are worth is decided by the registry alone.

mod attempt;
mod backoff;
mod daemon;
mod formats;
mod holder;
mod intake;
mod keep;
mod observe;
mod pause;
mod preview;
mod remedy;
mod scratch;
mod settings;
mod sources;
#[cfg(test)]
mod tests;
mod times;
mod unwritten;
mod watch;

pub use attempt::{OVERRULED, Outcome, REMOVED};
pub use daemon::{Clock, Daemon};
pub use holder::described;
pub use preview::Preview;
pub use remedy::remedy;
pub use settings::spec;
pub use times::doubtful;
pub use watch::Watch;
