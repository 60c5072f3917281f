//! Bounds on what a fetch may bring: it listens to the progress of the transfer and interrupts it.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use gix::{
    Count, NestedProgress, Progress,
    progress::{Id, MessageLevel, Step, StepShared, UNKNOWN, Unit},
};

/// The progress that counts bytes of the pack as they arrive.
const PACK_BYTES: Id = *b"BWRB";
/// The progress that counts objects of the pack.
const PACK_OBJECTS: Id = *b"IWIO";

/// Bytes of the pack that arrive per second at least.
pub(super) const LEAST_SPEED: u32 = 1 << 10;
/// The time over which the speed is measured.
const STRETCH: Duration = Duration::from_secs(30);

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
    too_slow: AtomicBool,
    /// Start of the present stretch, and the bytes that there were.
    pace: Mutex<(Instant, Step)>,
}

impl Meter {
    /// Sets `interrupt` as soon as a limit is passed.
    pub(super) fn new(limits: Limits, interrupt: Arc<AtomicBool>) -> Self {
        let shared = Shared {
            limits,
            interrupt,
            exceeded: AtomicBool::new(false),
            too_slow: AtomicBool::new(false),
            pace: Mutex::new((Instant::now(), 0)),
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

    /// Returns true if the fetch was interrupted because the server sends too slowly.
    pub(super) fn too_slow(&self) -> bool {
        self.shared.too_slow.load(Ordering::Relaxed)
    }

    fn check(&self) {
        if self.id == PACK_BYTES && !self.keeps_up(Instant::now()) {
            self.shared.too_slow.store(true, Ordering::Relaxed);
            self.shared.interrupt.store(true, Ordering::Relaxed);
        }
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

    /// Judges the speed at the end of each stretch. The first stretch begins with the first bytes: a server may need long
    /// to make a pack.
    fn keeps_up(&self, now: Instant) -> bool {
        let Ok(mut pace) = self.shared.pace.lock() else {
            return true;
        };
        let (begun, before) = *pace;
        let took = now.saturating_duration_since(begun);
        let step = self.step();
        if before > 0 && took < STRETCH {
            return true;
        }
        *pace = (now, step);
        let arrived = step.saturating_sub(before) as f64;
        before == 0 || arrived >= f64::from(LEAST_SPEED) * took.as_secs_f64()
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

#[cfg(test)]
mod tests {
    use std::{
        sync::{Arc, atomic::AtomicBool},
        time::{Duration, Instant},
    };

    use gix::{Count, NestedProgress};

    use super::{Limits, Meter, PACK_BYTES};

    #[test]
    fn a_pack_that_drips_is_too_slow() {
        let mut whole = Meter::new(Limits::default(), Arc::new(AtomicBool::new(false)));
        let bytes = whole.add_child_with_id("bytes", PACK_BYTES);
        let begun = Instant::now() + Duration::from_secs(600);
        let at = |seconds| begun + Duration::from_secs(seconds);
        bytes.step.store(100, std::sync::atomic::Ordering::Relaxed);
        assert!(bytes.keeps_up(at(0)), "the pack took long to make");
        bytes.step.store(120, std::sync::atomic::Ordering::Relaxed);
        assert!(bytes.keeps_up(at(29)), "the stretch is not over");
        bytes
            .step
            .store(40_000, std::sync::atomic::Ordering::Relaxed);
        assert!(bytes.keeps_up(at(31)));
        bytes
            .step
            .store(40_031, std::sync::atomic::Ordering::Relaxed);
        assert!(!bytes.keeps_up(at(62)));
        assert_eq!(whole.step(), 0);
    }
}
