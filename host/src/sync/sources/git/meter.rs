//! Bounds on what a fetch may bring: it listens to the progress of the transfer and interrupts it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use gix::{
    Count, NestedProgress, Progress,
    progress::{Id, MessageLevel, Step, StepShared, UNKNOWN, Unit},
};

/// The progress that counts bytes of the pack as they arrive.
const PACK_BYTES: Id = *b"BWRB";
/// The progress that counts objects of the pack.
const PACK_OBJECTS: Id = *b"IWIO";

/// What one fetch may bring.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Bytes of the pack.
    pub bytes: usize,
    pub objects: usize,
    /// Bytes of any one object, unpacked.
    pub object_size: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 100 << 20,
            objects: 500_000,
            object_size: 256 << 20,
        }
    }
}

/// Counts one fetch.
#[derive(Clone)]
pub(super) struct Meter {
    shared: Arc<Shared>,
    id: Id,
    step: StepShared,
}

struct Shared {
    limits: Limits,
    interrupt: Arc<AtomicBool>,
    exceeded: AtomicBool,
}

impl Meter {
    /// Sets `interrupt` as soon as a limit is passed.
    pub(super) fn new(limits: Limits, interrupt: Arc<AtomicBool>) -> Self {
        let shared = Shared {
            limits,
            interrupt,
            exceeded: AtomicBool::new(false),
        };
        Self {
            shared: Arc::new(shared),
            id: UNKNOWN,
            step: Arc::default(),
        }
    }

    /// Whether the fetch was interrupted because of its size.
    pub(super) fn exceeded(&self) -> bool {
        self.shared.exceeded.load(Ordering::Relaxed)
    }

    fn check(&self) {
        let limit = match self.id {
            PACK_BYTES => self.shared.limits.bytes,
            PACK_OBJECTS => self.shared.limits.objects,
            _ => return,
        };
        if self.step() > limit {
            self.shared.exceeded.store(true, Ordering::Relaxed);
            self.shared.interrupt.store(true, Ordering::Relaxed);
        }
    }
}

impl Count for Meter {
    fn set(&self, step: Step) {
        self.step.store(step, Ordering::Relaxed);
        self.check();
    }

    fn step(&self) -> Step {
        self.step.load(Ordering::Relaxed)
    }

    fn inc_by(&self, step: Step) {
        self.step.fetch_add(step, Ordering::Relaxed);
        self.check();
    }

    fn counter(&self) -> StepShared {
        self.step.clone()
    }
}

impl Progress for Meter {
    fn init(&mut self, _: Option<Step>, _: Option<Unit>) {}

    fn set_name(&mut self, _: String) {}

    fn name(&self) -> Option<String> {
        None
    }

    fn id(&self) -> Id {
        self.id
    }

    fn message(&self, _: MessageLevel, _: String) {}
}

impl NestedProgress for Meter {
    type SubProgress = Self;

    fn add_child(&mut self, name: impl Into<String>) -> Self {
        self.add_child_with_id(name, UNKNOWN)
    }

    fn add_child_with_id(&mut self, _: impl Into<String>, id: Id) -> Self {
        Self {
            shared: self.shared.clone(),
            id,
            step: Arc::default(),
        }
    }
}
