//! One instance: what its store holds, what it may call, and how long it lives.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use wasmtime::{
    AsContextMut, Engine, ResourceLimiter, Result, Store, StoreContextMut,
    component::{Component, GuestTaskId, Linker, ResourceTable},
};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{
    WasiHttpCtx, WasiHttpCtxView, WasiHttpView,
    handler::{HandlerState, Instance, ProxyPre, ShouldAccept, WorkerState},
    p3::bindings::ServicePre,
};

use super::{
    crowd::Crowd,
    lifetime::Lifetime,
    patience::{Limit, patience},
    pool::Offer,
    watch::{Stop, Stopped, Ticket, Watch, root},
};
use crate::{
    config::model::Limits,
    imports::{
        bindings::spin,
        outbound::Refused,
        output::Printed,
        postgres::{HasPostgres, Postgres},
        sqlite::{HasSqlite, Sqlite},
        traced::Traced,
        variables::HasVariables,
    },
    telemetry::{metrics::Metrics, trace::Parent},
};

/// What the store of an instance holds.
pub(super) struct Guest {
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    refused: Refused,
    offer: Offer,
    watch: Arc<Watch>,
    /// Bytes.
    memory: usize,
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.refused,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

impl ResourceLimiter for Guest {
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        if desired > self.memory {
            return Err(Stopped(Stop::Memory).into());
        }
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> Result<bool> {
        Ok(true)
    }
}

impl Guest {
    fn sqlite(&mut self) -> Sqlite<'_> {
        Sqlite {
            db: &self.offer.db,
            table: &mut self.table,
        }
    }

    fn postgres(&mut self) -> Postgres<'_> {
        Postgres {
            db: &self.offer.db,
            table: &mut self.table,
        }
    }
}

/// Whether statements of guests are spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statements {
    Traced,
    Untraced,
}

/// What spans of the request hang below that the guest works on right now.
fn caller(mut store: StoreContextMut<'_, Guest>) -> Option<Parent> {
    let task = root(&mut store)?;
    store.data().watch.trace_of(task)
}

/// Everything a guest may call, and nothing else: no file, no socket, no environment.
pub(super) fn link(
    engine: &Engine,
    component: &Component,
    statements: Statements,
) -> Result<ServicePre<Guest>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    spin::sqlite::sqlite::add_to_linker::<_, HasSqlite>(&mut linker, Guest::sqlite)?;
    spin::postgres::postgres::add_to_linker::<_, HasPostgres>(&mut linker, Guest::postgres)?;
    spin::variables::variables::add_to_linker::<_, HasVariables>(
        &mut linker,
        |guest: &mut Guest| &mut guest.offer.variables,
    )?;
    if statements == Statements::Traced {
        let traced = Traced {
            sqlite: Guest::sqlite,
            postgres: Guest::postgres,
            caller,
        };
        traced.add_to_linker(&mut linker)?;
    }
    ServicePre::new(linker.instantiate_pre(component)?)
}

/// Makes instances up to a number.
pub(super) struct Instances {
    pub(super) engine: Engine,
    pub(super) pre: Arc<ProxyPre<Guest>>,
    pub(super) offer: Offer,
    pub(super) limits: Arc<Limits>,
    pub(super) metrics: Arc<Metrics>,
    /// Instances that may still be made.
    pub(super) room: Arc<Semaphore>,
    /// Who is in them.
    pub(super) crowd: Arc<Crowd>,
    /// Rung when an instance has answered a request or is gone.
    pub(super) freed: Arc<Notify>,
    /// The process ends, and instances with it: nothing to report.
    pub(super) closing: Arc<AtomicBool>,
    /// An instance serves one request and is thrown away.
    pub(super) alone: bool,
}

/// No instance may be made now, or none is needed: the request comes back and waits.
#[derive(Debug)]
pub(super) struct NoRoom;

impl std::fmt::Display for NoRoom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("all instances are taken")
    }
}

impl std::error::Error for NoRoom {}

impl HandlerState for Instances {
    type StoreData = Guest;
    type WorkerExpiration = Lifetime;
    type WorkerState = Worker;

    async fn instantiate(&self) -> Result<Instance<Guest, Lifetime, Worker>> {
        if !self.alone && self.crowd.has_room(self.limits.concurrent_per_instance) {
            return Err(NoRoom.into());
        }
        let place = Arc::clone(&self.room)
            .try_acquire_owned()
            .map_err(|_| NoRoom)?;
        let watch = Watch::new();
        let mut store = self.store(&watch);
        let proxy = self.pre.instantiate_async(&mut store).await?;
        self.metrics.instances_started.inc();
        self.metrics.instances.inc();
        self.crowd.open();
        let overdue = Arc::new(AtomicBool::new(false));
        Ok(Instance {
            store,
            proxy,
            view: Guest::http,
            expiration: Lifetime::new(self.limits.request_timeout, Arc::clone(&overdue)),
            state: Worker {
                watch,
                overdue,
                crowd: Arc::clone(&self.crowd),
                is_open: AtomicBool::new(true),
                freed: Arc::clone(&self.freed),
                limits: Arc::clone(&self.limits),
                metrics: Arc::clone(&self.metrics),
                closing: Arc::clone(&self.closing),
                alone: self.alone,
                _place: place,
            },
        })
    }
}

impl Instances {
    fn store(&self, watch: &Arc<Watch>) -> Store<Guest> {
        let guest = Guest {
            table: ResourceTable::new(),
            wasi: WasiCtx::builder().stdout(Printed).stderr(Printed).build(),
            http: WasiHttpCtx::new(),
            refused: Refused,
            offer: self.offer.clone(),
            watch: Arc::clone(watch),
            memory: self.limits.instance_memory,
        };
        let mut store = Store::new(&self.engine, guest);
        store.limiter(|guest| guest);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(patience(
            Arc::clone(watch),
            Limit::of(self.limits.request_timeout),
        ));
        store
    }
}

/// What an instance takes in.
pub(super) struct Worker {
    watch: Arc<Watch>,
    overdue: Arc<AtomicBool>,
    crowd: Arc<Crowd>,
    /// It takes requests, as far as the crowd knows.
    is_open: AtomicBool,
    freed: Arc<Notify>,
    limits: Arc<Limits>,
    metrics: Arc<Metrics>,
    closing: Arc<AtomicBool>,
    alone: bool,
    _place: OwnedSemaphorePermit,
}

impl Worker {
    fn close(&self) {
        if self.is_open.swap(false, Ordering::AcqRel) {
            self.crowd.close();
        }
    }
}

impl WorkerState for Worker {
    type StoreData = Guest;
    type RequestData = Arc<Ticket>;

    fn should_accept_request(&self, now: usize, ever: usize) -> ShouldAccept {
        if ever >= self.limits.requests_per_instance || (self.alone && ever > 0) {
            self.close();
            ShouldAccept::Never
        } else if now >= self.limits.concurrent_per_instance {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        _: StoreContextMut<'_, Guest>,
        ticket: Arc<Ticket>,
        task: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + Sync>> {
        self.watch.enter(&ticket, task);
        self.crowd.enter();
        let leaving = Leaving {
            watch: Arc::clone(&self.watch),
            crowd: Arc::clone(&self.crowd),
            freed: Arc::clone(&self.freed),
        };
        let limit = tokio::time::sleep(self.limits.request_timeout);
        let overdue = Arc::clone(&self.overdue);
        Box::pin(async move {
            let _leaving = leaving;
            limit.await;
            overdue.store(true, Ordering::Release);
        })
    }

    fn drop(&self, mut store: Store<Guest>, result: Result<()>) {
        if let Err(error) = result
            && !self.closing.load(Ordering::Acquire)
        {
            let running = root(&mut store.as_context_mut());
            let verdict = self.watch.end(&error, running);
            self.metrics.stopped(verdict.stop.name());
        }
        self.metrics.instances.dec();
        self.close();
        drop(store);
        self.freed.notify_one();
    }
}

/// Lives as long as a request waits for its answer.
struct Leaving {
    watch: Arc<Watch>,
    crowd: Arc<Crowd>,
    freed: Arc<Notify>,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.watch.moved();
        self.crowd.leave();
        self.freed.notify_one();
    }
}
