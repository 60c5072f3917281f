//! The native host of cairn, in reading order:
//!
//! * [`cli`]: the commands.
//! * [`config`]: what the operator asked for, as typed values.
//! * [`db`]: the embedded database behind the registry's store port.
//! * [`imports`]: the interfaces a guest may call, a file each.
//! * [`guest`]: the engine, the instances, and how one request gets an answer out of them.
//! * [`sync`]: the daemon, where records come from, and in which form.
//! * [`serve`]: listeners, limits, cache, compression, probes, drain.
//! * [`migrate`]: the schema, step by step.
//! * [`telemetry`]: logs, metrics and traces.
//! * `memory`: what the process gives back to the system.
//! * [`output`]: files, devices and pipes that commands write to.
//!
//! Nothing here decides what a registry answers: that is the component's part. Nobody but the binary, its tests and
//! the programme that measures it uses this crate.

pub mod cli;
mod clock;
pub mod config;
pub mod db;
pub mod guest;
pub mod imports;
mod memory;
pub mod migrate;
pub mod output;
pub mod serve;
pub mod sync;
pub mod telemetry;
pub mod version;
