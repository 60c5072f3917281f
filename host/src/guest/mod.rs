//! Guests: the engine that compiles and runs the component, its instances, and how a request gets an answer out of
//! them although one of them may loop, trap or eat memory.
//!
//! [`Guests::handle`] is all that the listener needs to know. What a request means is the guest's business alone.

mod crowd;
mod engine;
mod instance;
mod lifetime;
mod patience;
mod pool;
mod reply;
mod watch;

pub use engine::{Source, compile, embedded};
pub use instance::Statements;
pub use pool::{Caller, Failure, Guests, Offer};
pub use reply::{Content, Reply};
