//! `cairn serve`: the server, with the sync daemon beside it.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::{Context, Result};

use tokio::sync::Mutex;

use super::{
    reload::{self, Parts, Syncing},
    settings::{self, Settings},
};
use crate::{
    config::{Config, Overrides},
    db::Store,
    guest::{self, Offer, Source},
    imports::{
        postgres::{ADDRESS, READ_ADDRESS},
        variables::Variables,
    },
    migrate::{self, Standing},
    serve::{self, Health, Options, Schema},
    sync::Watch,
    telemetry::{log, metrics::Metrics},
};

/// Serve the registry.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    settings: Settings,
    /// Public listener, as 127.0.0.1:8080 or :8080
    #[arg(long, value_name = "ADDRESS")]
    address: Option<String>,
    /// Listener for probes and metrics
    #[arg(long, value_name = "ADDRESS")]
    internal_address: Option<String>,
    /// Run the sync daemon in this process (the default); --sync=false leaves it to `cairn sync`
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    sync: Option<bool>,
    /// Who may read: anonymous is everybody
    #[arg(long, value_name = "MODE")]
    auth_mode: Option<String>,
    /// The component to run instead of the one in this binary: .wasm, or .cwasm from `cairn compile`
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let config = load(args)?;
    let component = component(args)?;
    log::init(&config.log)?;
    settings::runtime()?.block_on(serve(args.clone(), config, component))?;
    Ok(ExitCode::SUCCESS)
}

fn load(args: &Args) -> Result<Arc<Config>> {
    let overrides = Overrides {
        address: args.address.clone(),
        internal_address: args.internal_address.clone(),
        auth_mode: args.auth_mode.clone(),
        sync: args.sync,
        ..Overrides::default()
    };
    args.settings.load_with_sources(overrides)
}

fn component(args: &Args) -> Result<Source> {
    let file = args.component.clone().map(Source::File);
    file.or_else(guest::embedded)
        .context("this binary was built without a component: name one by --component FILE (cargo xtask build makes both)")
}

async fn serve(args: Args, config: Arc<Config>, component: Source) -> Result<()> {
    let hangups = serve::Hangups::listen()?;
    serve::ignore_others()?;
    let metrics = Arc::new(Metrics::new()?);
    let db = serve::probed(&config, &metrics, settings::database(&config)).await?;
    db.follow();
    let health = Arc::new(Health::default());
    let tracer = settings::tracer(&config, &metrics)?;
    health.set_schema(schema(&db).await?);
    let watch = Watch::new(db.clone(), Arc::clone(&health), Arc::clone(&metrics));
    watch.look().await;
    let parts = Parts {
        db: db.clone(),
        health: Arc::clone(&health),
        metrics: Arc::clone(&metrics),
        tracer: tracer.clone(),
    };
    let syncing = Syncing::start(parts, Arc::clone(&config))?;
    let syncing = Arc::new(Mutex::new(syncing));
    let reloading = reload::at_hangups(hangups, Arc::clone(&syncing), move || load(&args));
    let reloading = tokio::spawn(reloading);
    serve::run(Options {
        component,
        offer: Offer {
            variables: Arc::new(variables(&db)),
            db,
        },
        health,
        metrics,
        tracer,
        stop: Box::pin(serve::signals()),
        after: Box::pin(async move {
            reloading.abort();
            syncing.lock().await.stop().await;
        }),
        bound: Box::new(|_| {}),
        config,
    })
    .await
}

/// What a guest is told: which engine it has. Of a server it learns a name, never the address or the password.
fn variables(db: &Store) -> Variables {
    let (address, standby) = match db {
        Store::Libsql(_) => ("", ""),
        Store::Postgres(_) if db.standby().is_some() => (ADDRESS, READ_ADDRESS),
        Store::Postgres(_) => (ADDRESS, ""),
    };
    Variables::from(
        [("database_url", address), ("database_read_url", standby)]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
    )
}

async fn schema(db: &Store) -> Result<Schema> {
    let applied = migrate::status(db).await?;
    let version = applied
        .last()
        .and_then(|step| u32::try_from(step.number).ok());
    let status = match migrate::standing(&applied)? {
        Standing::Ahead(_) => Schema::AHEAD,
        Standing::Current | Standing::Behind(_) => Schema::CURRENT,
    };
    Ok(Schema { status, version })
}
