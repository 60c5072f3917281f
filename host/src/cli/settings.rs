//! Flags that several commands share, and what they lead to: the configuration, the runtime, the database.

use std::{io, os::fd::AsFd, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use cairn_registry::{Error, store::postgres};
use clap::Args;
use tokio::runtime::Runtime;

use crate::{
    config::{self, Config, Database, Overrides, Postgres, Process},
    db::Store,
    migrate::{self, Standing, Step},
    output::Protected,
    telemetry::{metrics::Metrics, trace::Tracer},
};

/// Where the configuration is, and what overrides it.
#[derive(Debug, Clone, Args)]
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
        let config = config::load(self.config.as_deref(), &overrides, &Process)?;
        self.refuse_streams(&config)?;
        Ok(Arc::new(config))
    }

    /// The same for a command that has nothing to do without sources.
    pub(super) fn load_with_sources(&self, listeners: Overrides) -> Result<Arc<Config>> {
        let config = self.load(listeners)?;
        if config.sources.is_empty() {
            bail!(
                "no source is configured: name a file by --config FILE; `cairn config --document` shows how it looks"
            );
        }
        Ok(config)
    }

    /// Files that no output of a command replaces.
    pub(super) fn protected(&self, config: &Config) -> Protected {
        Protected::all(config, self.file().as_deref())
    }

    /// The same for a command that puts a database in place.
    pub(super) fn protected_inputs(&self, config: &Config) -> Protected {
        Protected::inputs(config, self.file().as_deref())
    }

    fn file(&self) -> Option<PathBuf> {
        config::file(self.config.as_deref(), &Process)
    }

    /// Answers and logs appended to the database or to the configuration would damage them.
    fn refuse_streams(&self, config: &Config) -> Result<()> {
        let protected = self.protected(config);
        let (stdout, stderr) = (io::stdout(), io::stderr());
        for (stream, name) in [
            (stdout.as_fd(), "standard output"),
            (stderr.as_fd(), "standard error"),
        ] {
            if let Ok(copied) = stream.try_clone_to_owned() {
                protected.refuse_open(&copied.into(), name)?;
            }
        }
        Ok(())
    }
}

/// A runtime for everything that waits.
pub(super) fn runtime() -> Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the runtime")
}

/// Whoever tells of traces, if they are wanted.
pub(super) fn tracer(config: &Config, metrics: &Metrics) -> Result<Option<Arc<Tracer>>> {
    let traces = config.telemetry.traces.as_ref();
    traces
        .map(|traces| Tracer::start(traces, metrics))
        .transpose()
}

/// The database, with every schema step applied.
pub(super) async fn database(config: &Config) -> Result<Store> {
    let db = reached(config, Store::open(&config.database)).await?;
    match granted(config, &db).await? {
        Standing::Current | Standing::Ahead(_) => return Ok(db),
        Standing::Behind(_) => {}
    }
    if !migrates_apart(&config.database) {
        migrate(config, &db, None).await?;
        return Ok(db);
    }
    let migrating = for_migration(config).await?;
    let done = migrate(config, &migrating, None).await;
    migrating.close().await;
    done.map(|_| db)
}

/// The database of a command that only reads: its schema has to be there.
pub(super) async fn current(config: &Config) -> Result<Store> {
    let db = reached(config, Store::open(&config.database)).await?;
    match granted(config, &db).await? {
        Standing::Current | Standing::Ahead(_) => Ok(db),
        Standing::Behind(steps) => {
            bail!("the schema lacks {steps} step(s): run `cairn migrate up`")
        }
    }
}

/// Returns the state of the schema, as soon as the user may read it: a migration may still run, or be about to grant.
async fn granted(config: &Config, db: &Store) -> Result<Standing> {
    let server = config.database.postgres.as_ref();
    let (attempts, pause) = server.map_or((1, Duration::ZERO), |server| {
        (server.attempts, server.pause)
    });
    for attempt in 1..attempts {
        match standing(db).await {
            Err(error) if is_forbidden(&error) => {}
            done => return done,
        }
        tracing::warn!(
            attempt,
            attempts,
            "waiting for the migration to grant this user the tables"
        );
        tokio::time::sleep(pause).await;
    }
    standing(db).await
}

fn is_forbidden(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<Error>();
    let forbidden = postgres::failure("42501", "");
    error.is_some_and(|error| error.message() == forbidden.message())
}

/// How the schema stands; that it is ahead is said to who reads the log.
async fn standing(db: &Store) -> Result<Standing> {
    let applied = migrate::status(db).await?;
    let standing = migrate::standing(&applied)?;
    if let Standing::Ahead(steps) = standing {
        let newest = applied.last().map_or("", |step| step.name.as_str());
        tracing::warn!(
            steps,
            newest,
            "the schema is of a later release, which this binary can work with"
        );
    }
    Ok(standing)
}

/// The database as whoever may change its schema sees it.
pub(super) async fn for_migration(config: &Config) -> Result<Store> {
    let server = config.database.postgres.as_ref();
    let database = Database {
        postgres: server.map(Postgres::for_migration),
        ..config.database.clone()
    };
    reached(config, Store::open(&database)).await
}

/// Applies schema steps, and lets the user that serves at what they made.
pub(super) async fn migrate(
    config: &Config,
    db: &Store,
    most: Option<usize>,
) -> Result<Vec<&'static Step>> {
    let server = config.database.postgres.as_ref();
    let user = server.filter(|_| migrates_apart(&config.database));
    let user = user.map(|server| server.login.user.as_str());
    let done = migrate::up_for(db, most, user).await?;
    for step in &done {
        tracing::info!(step = step.name, "schema step applied");
    }
    Ok(done)
}

fn migrates_apart(database: &Database) -> bool {
    let server = database.postgres.as_ref();
    server.is_some_and(|server| server.migration.user != server.login.user)
}

/// Waits for a server that is not there yet: it may be starting, too. One that refuses the login is there.
async fn reached(config: &Config, db: cairn_registry::Result<Store>) -> Result<Store> {
    let db = db.with_context(|| config.database.to_string())?;
    let (Some(server), Store::Postgres(pool)) = (&config.database.postgres, &db) else {
        return Ok(db);
    };
    for attempt in 1.. {
        let Err(failure) = pool.session().run("SELECT 1", &[]).await else {
            break;
        };
        let last = attempt >= server.attempts || failure.is_lasting();
        let error = Error::from(failure);
        if last {
            return Err(error).with_context(|| config.database.to_string());
        }
        tracing::warn!(%error, attempt, "waiting for the database");
        tokio::time::sleep(server.pause).await;
    }
    Ok(db)
}
