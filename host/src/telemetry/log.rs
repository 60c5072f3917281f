//! Log lines on standard error: for people on a terminal, JSON for everything else.

use std::io::IsTerminal;

use anyhow::{Context, Result};
use tracing_subscriber::{EnvFilter, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::model::Log;

/// Sets the process's log up. The level is a level (`info`) or a list of `target=level`.
pub fn init(log: &Log) -> Result<()> {
    let filter =
        EnvFilter::try_new(&log.level).with_context(|| format!("log level {:?}", log.level))?;
    let terminal = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let registry = tracing_subscriber::registry().with(filter);
    let json = log.json.unwrap_or(!terminal);
    super::access::start(json);
    if json {
        let lines = lines
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false);
        registry.with(lines).try_init()
    } else {
        registry
            .with(lines.with_ansi(terminal).with_target(false))
            .try_init()
    }
    .context("the log is already set up")
}
