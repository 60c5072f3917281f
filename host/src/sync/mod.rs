//! Synchronisation: records come from the sources that the operator has named and go into the store. Where they come from
//! is told by [`sources`], in which form by [`formats`]; what they are worth is decided by the registry alone.

mod attempt;
mod daemon;
mod formats;
mod intake;
mod preview;
mod remedy;
mod scratch;
mod settings;
mod sources;
mod watch;

use std::time::Duration;

use cairn_registry::model::Timestamp;

use crate::clock::now;

pub use attempt::{OVERRULED, Outcome};
pub use daemon::Daemon;
pub use preview::Preview;
pub use remedy::remedy;
pub use settings::spec;
pub use watch::Watch;

fn later(after: Duration) -> Timestamp {
    let micros = i64::try_from(after.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(now().as_micros().saturating_add(micros))
}
