//! `cairn sync`: the daemon by itself, once or for as long as the process lives.

use std::{
    convert::Infallible,
    io::{self, IsTerminal},
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Result, bail};
use clap::ArgGroup;

use super::{
    out,
    progress::Progress,
    report::{self, Format},
    settings::{self, Settings},
};
use crate::{
    config::{Config, Overrides},
    serve,
    sync::{Daemon, OVERRULED, Outcome, REMOVED},
    telemetry::{self, metrics::Metrics},
};

/// Read sources into the database: whenever they are due, or once.
#[derive(Debug, clap::Args)]
#[command(group(ArgGroup::new("bounded").args(["once", "dry_run", "report"]).multiple(true)))]
pub(super) struct Args {
    #[command(flatten)]
    settings: Settings,
    /// Read every source once, due or not, and end; exit code 1 when one failed
    #[arg(long)]
    once: bool,
    /// Remove at once whatever a source lacks, even if it is most of the source; implies --once
    #[arg(long, conflicts_with = "dry_run")]
    allow_removals: bool,
    /// Only this source; goes with --once, --dry-run and --report
    #[arg(long, value_name = "NAME", requires = "bounded")]
    source: Option<String>,
    /// Read and judge once, but write nothing
    #[arg(long)]
    dry_run: bool,
    /// Say what is quarantined, duplicate, skipped, or served with warnings: after --once, or else as it stands
    #[arg(long)]
    report: bool,
    /// Of --report and --dry-run
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let config = args.settings.load_with_sources(Overrides::default())?;
    if let Some(name) = &args.source {
        known(&config, name)?;
    }
    telemetry::log::init(&config.log)?;
    settings::runtime()?.block_on(async {
        let db = settings::database(&config).await?;
        // Nobody asks this process for figures.
        let tracer = settings::tracer(&config, &Metrics::new()?)?;
        let daemon = Daemon::new(db.clone(), Arc::clone(&config), None, tracer.clone())?;
        let daemon = Arc::new(daemon.allowing_removals(args.allow_removals));
        let ended = act(args, &config, &daemon).await;
        db.close().await;
        if let Some(tracer) = tracer {
            tracer.close(config.limits.drain_timeout).await;
        }
        ended
    })
}

fn known(config: &Config, name: &str) -> Result<()> {
    let names: Vec<&str> = config
        .sources
        .iter()
        .map(|source| source.name.as_str())
        .collect();
    if !names.contains(&name) {
        bail!(
            "no source is named {name:?}: there are {}",
            names.join(", ")
        );
    }
    Ok(())
}

async fn act(args: &Args, config: &Config, daemon: &Arc<Daemon>) -> Result<ExitCode> {
    let only = args.source.as_deref();
    if args.dry_run {
        return report::dry_run(daemon, config, only, args.format).await;
    }
    let mut code = ExitCode::SUCCESS;
    if args.once || args.allow_removals {
        code = once(daemon, only).await?;
    } else if !args.report {
        until_signal(daemon).await;
    }
    if args.report {
        report::print(daemon, only, args.format).await?;
    }
    Ok(code)
}

async fn once(daemon: &Arc<Daemon>, only: Option<&str>) -> Result<ExitCode> {
    daemon.apply().await?;
    let stopper = Arc::clone(daemon);
    let signal = tokio::spawn(async move {
        serve::signals().await;
        stopper.stop();
    });
    let progress = Mutex::new(Progress::new());
    let waits = |source: &str, lease: &str| {
        if io::stderr().is_terminal() {
            let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
            progress.tell(|| format!("source {source}: waiting for the lease {lease}"));
        }
    };
    let outcomes = tokio::select! {
        outcomes = daemon.once(only, &waits) => outcomes,
        never = show(daemon, &progress) => match never {},
    };
    signal.abort();
    let mut code = ExitCode::SUCCESS;
    for (name, outcome) in outcomes {
        match outcome {
            Outcome::Failed(message) | Outcome::Unwritten(message) => {
                out::problem(&format!("source {name}: {message}"));
                code = ExitCode::FAILURE;
            }
            Outcome::Overruled => {
                out::problem(&format!("source {name}: {OVERRULED}"));
                code = ExitCode::FAILURE;
            }
            Outcome::Removed => {
                out::problem(&format!("source {name}: {REMOVED}"));
                code = ExitCode::FAILURE;
            }
            Outcome::Stopped | Outcome::Busy(_) => code = ExitCode::FAILURE,
            Outcome::Unchanged | Outcome::Complete { .. } => {}
        }
    }
    Ok(code)
}

/// Shows a person how many records have been taken in.
async fn show(daemon: &Daemon, progress: &Mutex<Progress>) -> Infallible {
    let mut shown = 0;
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let committed = daemon.committed();
        if committed > shown && io::stderr().is_terminal() {
            let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
            progress.tell(|| {
                shown = committed;
                format!("{committed} records read so far")
            });
        }
    }
}

async fn until_signal(daemon: &Arc<Daemon>) {
    let work = tokio::spawn(Arc::clone(daemon).run());
    tokio::select! {
        () = serve::signals() => {}
        () = hangup() => {}
    }
    daemon.stop();
    let _ = work.await;
}

/// Ends with a SIGHUP: what a terminal or a supervisor means by it here is the end.
async fn hangup() {
    let next = async { serve::Hangups::listen().ok()?.next().await.then_some(()) };
    if next.await.is_none() {
        std::future::pending().await
    }
}
