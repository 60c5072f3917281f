//! How long a guest may compute on end. At each tick of the epoch clock that finds it running it is made to give way, and
//! in the end stopped.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rustix::time::{ClockId, clock_gettime};
use wasmtime::{StoreContextMut, UpdateDeadline};

use super::{
    engine::TICK,
    instance::Guest,
    watch::{Stop, Stopped, Watch, root},
};

/// Ticks for which a guest may hold up its thread. Most requests need much less than one; whoever gave way at the first
/// tick that falls into them would have another instance made for the next request in the meantime.
const UNDISTURBED: u32 = 2;

/// A guest that was not found running for so long has waited for something in between. One that is only kept from the
/// processor by others is found again sooner.
const WAIT: Duration = Duration::from_millis(100);

/// For how long a guest may compute on end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limit {
    /// Of the processor's time: at most a second.
    computed: Duration,
    /// By the clock: little enough that the requests it held up can still be answered in time by another instance.
    held: Duration,
}

impl Limit {
    pub(super) fn of(request_timeout: Duration) -> Self {
        let least = TICK * 2;
        Self {
            computed: (request_timeout / 4).clamp(least, Duration::from_secs(1)),
            held: (request_timeout / 2).max(least),
        }
    }
}

/// What to do at each tick that finds the guest running: soon give way to others, and stop it once it has computed up to
/// the limit on end without a request coming in or being answered. While it computes, no other request of its instance gets
/// on, and none can be taken in; an instance that waits between does not reach the limit.
pub(super) fn patience(
    watch: Arc<Watch>,
    limit: Limit,
) -> impl FnMut(StoreContextMut<'_, Guest>) -> wasmtime::Result<UpdateDeadline> + Send + Sync {
    let mut stretch = Stretch::begin(Instant::now());
    move |mut store| {
        stretch.go_on(Instant::now(), processor_time(), watch.moves());
        if stretch.is_within(limit) {
            return Ok(if stretch.ticks < UNDISTURBED {
                UpdateDeadline::Continue(1)
            } else {
                UpdateDeadline::Yield(1)
            });
        }
        if let Some(task) = root(&mut store) {
            watch.blame(task);
        }
        Err(Stopped(Stop::Runaway).into())
    }
}

/// Ticks, one soon after the other, at which a guest was found running and nothing else had moved in its instance.
struct Stretch {
    begun: Instant,
    ticks: u32,
    /// By the processor's time, not the clock's: a guest that has to share its processor, or whose process is throttled, is
    /// no runaway for it. What others do on the thread between two ticks counts too, up to a tick.
    computed: Duration,
    last: Instant,
    spent: Duration,
    moves: u64,
}

impl Stretch {
    fn begin(now: Instant) -> Self {
        Self {
            begun: now,
            ticks: 0,
            computed: Duration::ZERO,
            last: now,
            spent: Duration::ZERO,
            moves: 0,
        }
    }

    /// One more tick: at that moment, after so much of the thread's processor time and so many moves.
    fn go_on(&mut self, now: Instant, spent: Duration, moves: u64) {
        if now.duration_since(self.last) < WAIT && moves == self.moves {
            self.ticks = self.ticks.saturating_add(1);
            self.computed += spent.saturating_sub(self.spent).min(TICK);
        } else {
            (self.begun, self.ticks, self.computed) = (now, 0, Duration::ZERO);
        }
        (self.last, self.spent, self.moves) = (now, spent, moves);
    }

    fn is_within(&self, limit: Limit) -> bool {
        self.computed < limit.computed && self.last.duration_since(self.begun) < limit.held
    }
}

/// Of this thread, so far.
fn processor_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What it has computed after a hundred ticks of so much wall clock and processor time, in milliseconds, with a move
    /// at each of those ticks that `moves_at` names.
    fn check(wall: u64, processor: u64, moves_at: &[u64], expected: u64) {
        let begin = Instant::now();
        let mut stretch = Stretch::begin(begin);
        let mut moves = 0;
        for tick in 1..=100 {
            moves += u64::from(moves_at.contains(&tick));
            let at = |each| Duration::from_millis(each * tick);
            stretch.go_on(begin + at(wall), at(processor), moves);
        }
        let told = (wall, processor, moves_at);
        assert_eq!(
            stretch.computed,
            Duration::from_millis(expected),
            "{told:?}"
        );
    }

    #[test]
    fn what_counts_is_the_time_it_had_the_processor() {
        check(10, 10, &[], 1000);
        check(20, 10, &[], 1000);
        check(20, 2, &[], 200);
        // Others on the thread, too.
        check(90, 30, &[], 1000);
        // It waited in between.
        check(100, 10, &[], 0);
        // A request came or was answered.
        check(10, 10, &[60], 400);
        check(10, 10, &[60, 99], 10);
    }

    #[test]
    fn a_request_held_up_can_still_be_answered() {
        let check = |timeout, computed, held| {
            let limit = Limit::of(Duration::from_millis(timeout));
            let [computed, held] = [computed, held].map(Duration::from_millis);
            assert_eq!(limit, Limit { computed, held }, "{timeout} ms");
        };
        check(30_000, 1000, 15_000);
        check(1_000, 250, 500);
        check(1, 20, 20);
    }

    #[test]
    fn a_guest_that_hardly_gets_the_processor_is_not_waited_for_for_ever() {
        let begin = Instant::now();
        let mut stretch = Stretch::begin(begin);
        let limit = Limit::of(Duration::from_secs(2));
        let mut within = 0;
        for tick in 1..=200 {
            let now = begin + Duration::from_millis(30 * tick);
            stretch.go_on(now, Duration::from_millis(tick), 0);
            within += u64::from(stretch.is_within(limit));
        }
        assert_eq!(within, 1000 / 30);
    }
}
