//! The listeners and everything that stands around the component: limits, cache, compression, probes, drain.
//!
//! [`run`] is the whole of it. Nothing here knows what a registry is; only [`route`](mod@route) knows its paths, for metrics.

mod account;
mod answer;
mod body;
mod cache;
mod coding;
mod connection;
mod descriptors;
mod early;
mod forwarded;
mod health;
mod host;
mod listener;
mod probes;
mod problem;
mod progress;
mod public;
mod read;
mod refusal;
mod request_id;
mod route;
mod signals;
mod socket;
mod span;
mod threads;
mod upload;
mod watched;

use std::{
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, atomic::AtomicUsize},
    time::{Duration, Instant},
};

use anyhow::Result;
use tokio::{net::TcpListener, runtime::Handle, sync::watch, task::JoinHandle};

use self::{
    cache::{Cache, Flights},
    listener::{Desk, Listener, Phase},
    probes::Probes,
    public::Public,
    threads::Threads,
};
use crate::{
    config::model::Config,
    db::Store,
    guest::{self, Guests, Offer, Statements},
    memory,
    telemetry::{access, metrics::Metrics, trace::Tracer},
};

pub use early::probed;
pub use health::{Health, Schema, Source};
pub use signals::{Hangups, ignore_others, signals};

/// Something to wait for.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a server is made of.
pub struct Options {
    pub config: Arc<Config>,
    pub component: guest::Source,
    pub offer: Offer,
    pub health: Arc<Health>,
    pub metrics: Arc<Metrics>,
    /// There is one when traces are wanted.
    pub tracer: Option<Arc<Tracer>>,
    /// Ends the server: [`signals`], or a test's own.
    pub stop: Task,
    /// Run when the last request is answered and before the database is closed: the sync daemon stops.
    pub after: Task,
    /// Told where the server listens, as soon as it does.
    pub bound: Box<dyn FnOnce(Bound) + Send>,
}

/// Where a server listens.
#[derive(Debug, Clone, Copy)]
pub struct Bound {
    pub public: SocketAddr,
    pub internal: SocketAddr,
}

/// Serves until it is told to stop, and returns when all is closed.
pub async fn run(options: Options) -> Result<()> {
    let config = &options.config;
    let (public, internal, bound) = listen(config)?;
    let cache = Arc::new(Cache::new(config.cache.size, config.cache.stale_if_error));
    // Each has an instance at least.
    let threads = Threads::start(config.limits.instances)?;
    let houses = houses(&options, &cache, threads.count())?;
    let inside = probes(&options, &cache);
    let rooms = descriptors::rooms(config);

    let (phase, phases) = watch::channel(Phase::Serving);
    let front = Listener::new(&config.limits, rooms.public, phases, &options.metrics);
    let desks = threads.runtimes().zip(&houses).map(|(runtime, house)| {
        let house = Arc::clone(house);
        Desk::new(runtime, move |request, peer| {
            let house = Arc::clone(&house);
            async move { house.answer(request, peer).await }
        })
    });
    let front = tokio::spawn(Arc::new(front).run(public, desks.collect()));
    // Probes are answered to the very end, so that it can be seen how the server goes.
    let watching = tokio::spawn(inside.clone().watch());
    let (late, late_phases) = watch::channel(Phase::Serving);
    let back = Listener::new(
        &config.limits,
        rooms.internal,
        late_phases,
        &options.metrics,
    );
    let desk = Desk::new(Handle::current(), move |request, _peer| {
        let inside = inside.clone();
        async move { inside.internal(&request).await }
    });
    let back = tokio::spawn(Arc::new(back).run(internal, vec![desk]));

    tracing::info!(address = %bound.public, internal_address = %bound.internal, "listening");
    (options.bound)(bound);
    tokio::spawn(memory::give_back());
    options.stop.await;

    let over = Instant::now() + config.limits.drain_timeout;
    options.health.drain();
    phase.send_replace(Phase::Draining);
    drain(front, config.limits.drain_timeout).await;
    for house in &houses {
        house.guests.close();
    }
    phase.send_replace(Phase::Over);
    options.after.await;
    late.send_replace(Phase::Over);
    let _ = back.await;
    watching.abort();
    close(&options.offer.db, options.tracer.as_ref(), over).await;
    // Last: connections of the database may live on these threads too.
    drop(threads);
    tracing::info!("stopped");
    access::flush();
    Ok(())
}

/// Closes what all requests had in common.
async fn close(db: &Store, tracer: Option<&Arc<Tracer>>, over: Instant) {
    db.close().await;
    if let Some(tracer) = tracer {
        let left = over.saturating_duration_since(Instant::now());
        tracer.close(left).await;
    }
}

fn listen(config: &Config) -> Result<(TcpListener, TcpListener, Bound)> {
    let public = socket::bind(config.address)?;
    let internal = socket::bind(config.internal_address)?;
    let bound = Bound {
        public: public.local_addr()?,
        internal: internal.local_addr()?,
    };
    Ok((public, internal, bound))
}

/// Waits for requests under way to be answered.
async fn drain(front: JoinHandle<()>, timeout: Duration) {
    tracing::info!(seconds = timeout.as_secs(), "draining");
    if tokio::time::timeout(timeout, front).await.is_err() {
        tracing::warn!("requests were still under way at the end of the drain time");
    }
}

/// One for each thread.
fn houses(options: &Options, cache: &Arc<Cache>, threads: usize) -> Result<Vec<Arc<Public>>> {
    let config = &options.config;
    let guests = Guests::load(
        &options.component,
        &config.limits,
        &options.offer,
        &options.metrics,
        match options.tracer {
            Some(_) => Statements::Traced,
            None => Statements::Untraced,
        },
        threads,
    )?;
    let (flights, under_way) = (Flights::default(), Arc::new(AtomicUsize::new(0)));
    let probes = probes(options, cache);
    let house = |guests| {
        Arc::new(Public {
            guests,
            db: options.offer.db.clone(),
            cache: Arc::clone(cache),
            caching: config.cache.enabled,
            flights: flights.clone(),
            probes: probes.clone(),
            open_probes: config.probes.clone(),
            limits: config.limits.clone(),
            trusted: config.trusted_proxies.clone(),
            metrics: Arc::clone(&options.metrics),
            tracer: options.tracer.clone(),
            under_way: Arc::clone(&under_way),
        })
    };
    Ok(guests.into_iter().map(house).collect())
}

fn probes(options: &Options, cache: &Arc<Cache>) -> Probes {
    Probes {
        health: Arc::clone(&options.health),
        db: options.offer.db.clone(),
        metrics: Arc::clone(&options.metrics),
        cache: Arc::clone(cache),
    }
}
