//! Flags that several commands share, and what they lead to: the configuration, the runtime, the database.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context, Result, bail};
use clap::Args;
use tokio::runtime::Runtime;

use crate::{
    config::{self, Config, Overrides, Process},
    db::Libsql,
    migrate,
};

/// Where the configuration is, and what overrides it.
#[derive(Debug, Args)]
pub(super) struct Settings {
    /// Configuration file (YAML); also CAIRN_CONFIG
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Directory of the database and of temporary files
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
    /// Database file
    #[arg(long, value_name = "FILE")]
    database: Option<String>,
    /// error, warn, info, debug or trace; or per module, as in "info,cairn::sync=debug"
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// text or json; by default text on a terminal and JSON otherwise
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
}

impl Settings {
    /// The effective configuration; `listeners` are the flags of a command that has them.
    pub(super) fn load(&self, listeners: Overrides) -> Result<Arc<Config>> {
        let overrides = Overrides {
            data_dir: self.data_dir.clone(),
            database_path: self.database.clone(),
            log_level: self.log_level.clone(),
            log_format: self.log_format.clone(),
            ..listeners
        };
        Ok(Arc::new(config::load(
            self.config.as_deref(),
            &overrides,
            &Process,
        )?))
    }

    /// The same for a command that has nothing to do without sources.
    pub(super) fn load_with_sources(&self, listeners: Overrides) -> Result<Arc<Config>> {
        let config = self.load(listeners)?;
        if config.sources.is_empty() {
            bail!(
                "no source is configured: name a file by --config FILE; docs/configuration.md shows how it looks"
            );
        }
        Ok(config)
    }
}

/// A runtime for everything that waits.
pub(super) fn runtime() -> Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the runtime")
}

/// The database, with every schema step applied.
pub(super) async fn database(config: &Config) -> Result<Arc<Libsql>> {
    let db = Libsql::open(&config.database)
        .with_context(|| config.database.path.display().to_string())?;
    for step in migrate::up(&db, None).await? {
        tracing::info!(step = step.name, "schema step applied");
    }
    Ok(Arc::new(db))
}
