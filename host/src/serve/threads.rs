//! The threads that serve. Each has a runtime of its own, and a connection stays on the thread it came to, as do the guests
//! that answer it: a request passes between tasks a dozen times, and to wake another thread each time would cost more than
//! what the tasks do. The rest of the process (the daemon, probes) has its own runtime, and takes nothing from these.

use std::num::NonZero;

use anyhow::{Context, Result};
use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
};

/// Tasks that a thread runs before it takes one that another thread woke. A thread under load always has a task to run, each
/// of a fraction of a millisecond: with tokio's own 31 a task woken from outside waits for tens of milliseconds.
const GLOBAL_QUEUE_INTERVAL: u32 = 4;

/// Tasks that a thread runs before it looks at its sockets and timers. With tokio's own 61 the answer of a database lies
/// unread meanwhile.
const EVENT_INTERVAL: u32 = 8;

/// Threads that live as long as this.
pub(super) struct Threads(Vec<Thread>);

struct Thread {
    runtime: Handle,
    /// Its end is the thread's end.
    _alive: oneshot::Sender<()>,
}

impl Threads {
    /// As many as there are processors, and no more than `most`.
    pub(super) fn start(most: usize) -> Result<Self> {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        (0..processors.min(most).max(1))
            .map(|number| start(number).context("starting a thread that serves"))
            .collect::<Result<_>>()
            .map(Self)
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    pub(super) fn runtimes(&self) -> impl Iterator<Item = Handle> {
        self.0.iter().map(|thread| thread.runtime.clone())
    }
}

fn start(number: usize) -> Result<Thread> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .global_queue_interval(GLOBAL_QUEUE_INTERVAL)
        .event_interval(EVENT_INTERVAL)
        .build()?;
    let (alive, over) = oneshot::channel::<()>();
    let thread = Thread {
        runtime: runtime.handle().clone(),
        _alive: alive,
    };
    std::thread::Builder::new()
        .name(format!("cairn-serve-{number}"))
        .spawn(move || {
            let _ = runtime.block_on(over);
            runtime.shutdown_background();
        })?;
    Ok(thread)
}
