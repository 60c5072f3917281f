//! Log lines on standard error: for people on a terminal, JSON for everything else.

use std::{ffi::OsString, io::IsTerminal, sync::OnceLock};

use anyhow::{Context, Result};
use tracing_subscriber::{
    EnvFilter, Registry, layer::SubscriberExt, reload, util::SubscriberInitExt,
};

use super::line::Form;
use crate::config::model::Log;

/// Changes the level of the log that is set up.
static FILTER: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Sets the process's log up. The level is a level (`info`) or a list of `target=level`.
pub fn init(log: &Log) -> Result<()> {
    let (filter, handle) = reload::Layer::new(filter(&log.level)?);
    let terminal = std::io::stderr().is_terminal();
    let json = log.json.unwrap_or(!terminal);
    super::access::start(json);
    let form = match json {
        true => Form::Json,
        false => Form::Text {
            coloured: terminal && wants_colour(|name| std::env::var_os(name)),
        },
    };
    let lines = tracing_subscriber::fmt::layer()
        .event_format(form)
        .with_writer(std::io::stderr);
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .try_init()
        .context("the log is already set up")?;
    let _ = FILTER.set(handle);
    Ok(())
}

/// Logs at another level from now on.
pub fn set_level(level: &str) -> Result<()> {
    let filter = filter(level)?;
    match FILTER.get() {
        Some(handle) => handle
            .reload(filter)
            .context("setting the level of the log"),
        None => Ok(()),
    }
}

fn filter(level: &str) -> Result<EnvFilter> {
    EnvFilter::try_new(level).with_context(|| format!("log level {level:?}"))
}

/// As <https://no-color.org> has it: a variable that is set and not empty forbids colours. A dumb terminal has none.
pub(crate) fn wants_colour(variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let forbidden = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = variable("TERM").is_some_and(|value| value == "dumb");
    !forbidden && !dumb
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_forbidden_by_no_color_and_dumb_terminals() {
        for (no_color, term, expected) in [
            (None, None, true),
            (None, Some("xterm"), true),
            (Some(""), Some("xterm"), true),
            (Some("1"), Some("xterm"), false),
            (Some("0"), None, false),
            (None, Some("dumb"), false),
        ] {
            let variable = |name: &str| match name {
                "NO_COLOR" => no_color.map(OsString::from),
                _ => term.map(OsString::from),
            };
            assert_eq!(wants_colour(variable), expected, "{no_color:?} {term:?}");
        }
    }
}
