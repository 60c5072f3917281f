//! `cairn doctor`: looks at configuration, process, database, schema and sources, and says the remedy of each finding.

mod chart;
mod database;
mod process;
mod sources;
mod standby;

use std::{process::ExitCode, sync::Arc};

use anyhow::Result;

use self::chart::Chart;
use super::{
    report::Format,
    settings::{self, Settings},
};
use crate::{
    config::{Config, Overrides},
    guest,
    sync::Daemon,
};

/// Find out what is wrong and what to do about it; exit code 1 when something is.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    settings: Settings,
    /// Do not read the sources, only what is known of them
    #[arg(long)]
    offline: bool,
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let mut chart = Chart::new(args.format);
    match args.settings.load(Overrides::default()) {
        Ok(config) => {
            chart.good("configuration");
            process::examine(&mut chart, &config);
            settings::runtime()?.block_on(examine(&mut chart, &config, args.offline));
        }
        Err(error) => chart.bad(
            &error.to_string(),
            "mend the keys named above; `cairn config --document` describes each",
        ),
    }
    if guest::embedded().is_none() {
        chart.note("this binary carries no component: serve needs --component FILE");
    }
    Ok(chart.finish())
}

async fn examine(chart: &mut Chart, config: &Arc<Config>, offline: bool) {
    if config.sources.is_empty() {
        chart.bad(
            "no source is configured",
            "name a configuration file by --config FILE",
        );
    }
    if let Some(db) = database::examine(chart, config).await {
        if let Ok(daemon) = Daemon::new(db.clone(), Arc::clone(config), None, None) {
            sources::examine(chart, config, &db, &daemon, offline).await;
        }
        db.close().await;
    }
}
