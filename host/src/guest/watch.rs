//! Who is in an instance, whether it gets on, and who is to blame when it stops.

use std::sync::{
    Arc, Mutex, OnceLock, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use tokio::sync::watch;
use wasmtime::{StoreContextMut, Trap, component::GuestTaskId};

use super::instance::Guest;
use crate::telemetry::trace::Parent;

/// A request on its way through an instance.
#[derive(Debug)]
pub(super) struct Ticket {
    /// The request's id in logs.
    pub(super) id: String,
    /// Of the attempt's span.
    trace: Option<Parent>,
    /// Where it got in, and as which task. Empty while it waits.
    place: OnceLock<(Arc<Watch>, GuestTaskId)>,
    answered: AtomicBool,
}

impl Ticket {
    pub(super) fn new(id: &str, trace: Option<Parent>) -> Arc<Self> {
        Arc::new(Self {
            id: id.to_owned(),
            trace,
            place: OnceLock::new(),
            answered: AtomicBool::new(false),
        })
    }

    pub(super) fn answer(&self) {
        self.answered.store(true, Ordering::Release);
    }

    /// Whether the instance that this request was in has been stopped.
    pub(super) fn instance_stopped(&self) -> bool {
        let ended = |(watch, _): &(Arc<Watch>, _)| watch.ended.borrow().is_some();
        self.place.get().is_some_and(ended)
    }

    /// How the instance ended that this request was in, and whether this request did it. `None` when it was in none.
    pub(super) async fn verdict(&self) -> Option<(Verdict, bool)> {
        let (watch, task) = self.place.get()?;
        let mut ended = watch.ended.subscribe();
        let verdict = (*ended.wait_for(Option::is_some).await.ok()?)?;
        let guilty = verdict.culprit == Some(*task);
        Some((verdict, guilty))
    }
}

/// Why an instance was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// It kept a processor busy for too long.
    Runaway,
    /// It asked for more memory than it may have.
    Memory,
    /// It trapped.
    Trap,
    /// It did not answer in time.
    Timeout,
}

impl Stop {
    /// For metrics and logs.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Runaway => "runaway",
            Self::Memory => "memory",
            Self::Trap => "trap",
            Self::Timeout => "timeout",
        }
    }

    /// What stopped a guest, by the error that came out of it.
    fn of(error: &wasmtime::Error) -> Self {
        match error.downcast_ref::<Stopped>() {
            Some(Stopped(stop)) => *stop,
            None if error.is::<Trap>() => Self::Trap,
            None => Self::Timeout,
        }
    }
}

/// An end that the host made.
#[derive(Debug)]
pub(super) struct Stopped(pub(super) Stop);

impl std::fmt::Display for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "stopped: {}", self.0.name())
    }
}

impl std::error::Error for Stopped {}

/// How an instance ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Verdict {
    pub(super) stop: Stop,
    pub(super) culprit: Option<GuestTaskId>,
}

/// One instance under observation.
#[derive(Debug)]
pub(super) struct Watch {
    inside: Mutex<Vec<Arc<Ticket>>>,
    /// Requests that came or were answered: a sign that the instance gets on.
    moves: AtomicU64,
    blamed: OnceLock<GuestTaskId>,
    ended: watch::Sender<Option<Verdict>>,
}

impl Watch {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            inside: Mutex::default(),
            moves: AtomicU64::new(0),
            blamed: OnceLock::new(),
            ended: watch::Sender::new(None),
        })
    }

    pub(super) fn enter(self: &Arc<Self>, ticket: &Arc<Ticket>, task: GuestTaskId) {
        let _ = ticket.place.set((Arc::clone(self), task));
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.retain(|ticket| !ticket.answered.load(Ordering::Acquire));
        inside.push(Arc::clone(ticket));
        self.moved();
    }

    /// What a task's spans hang below. Ids come again, so that the youngest request with this one is meant.
    pub(super) fn trace_of(&self, task: GuestTaskId) -> Option<Parent> {
        let inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |ticket: &&Arc<Ticket>| {
            let place = ticket.place.get();
            place.is_some_and(|(_, known)| *known == task)
        };
        inside.iter().rev().find(is_it)?.trace.clone()
    }

    pub(super) fn moved(&self) {
        self.moves.fetch_add(1, Ordering::AcqRel);
    }

    /// Another number whenever the instance got on in between.
    pub(super) fn moves(&self) -> u64 {
        self.moves.load(Ordering::Acquire)
    }

    /// This is who is to blame for the end that is coming.
    pub(super) fn blame(&self, task: GuestTaskId) {
        let _ = self.blamed.set(task);
    }

    /// Called once, when the instance is gone because of `error`. Says so in the log, with the id of the request that
    /// did it or, when that is not known, with those of all that may have.
    pub(super) fn end(&self, error: &wasmtime::Error, running: Option<GuestTaskId>) -> Verdict {
        let verdict = Verdict {
            stop: Stop::of(error),
            culprit: self.blamed.get().copied().or(running),
        };
        let inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let suspects: Vec<_> = inside
            .iter()
            .filter(|ticket| match (verdict.culprit, ticket.place.get()) {
                (Some(culprit), Some((_, task))) => *task == culprit,
                _ => !ticket.answered.load(Ordering::Acquire),
            })
            .map(|ticket| ticket.id.as_str())
            .collect();
        tracing::error!(
            request_id = suspects.join(","),
            reason = verdict.stop.name(),
            error = format!("{error:#}"),
            "a guest instance was stopped"
        );
        self.ended.send_replace(Some(verdict));
        verdict
    }
}

/// The request that the guest works on right now.
pub(super) fn root(store: &mut StoreContextMut<'_, Guest>) -> Option<GuestTaskId> {
    store.async_call_stack().ok()?.last()
}
