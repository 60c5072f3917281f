//! A streaming standby for reads: whether it keeps up with the primary, and how far it is behind. Nothing is written
//! through here, and nobody is sent elsewhere: who reads asks the primary when this one refuses.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use cairn_registry::Result;
use tokio::{sync::watch, task::JoinSet, time::timeout};

use super::{
    connector::Connector,
    failure::Failure,
    follow::{Look, PERIOD},
    pool::Pool,
    session::Session,
};
use crate::config::model;

/// A standby that is further behind is not read from: as old as an answer may be that somebody else has kept.
const MOST_BEHIND: Duration = Duration::from_secs(5);

/// Between two looks at a standby that is behind.
const SOON: Duration = Duration::from_millis(50);

/// Commits whose way to the standby is followed. When more are under way, those in between are not told apart.
const MARKS: usize = 1024;

/// How a standby stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Host and port.
    pub place: String,
    /// Whether reads go there.
    pub serves: bool,
    /// Age of the oldest commit that it does not show.
    pub lag: Duration,
    /// Commits that it does not show.
    pub generations: i64,
}

pub(super) struct Standby {
    place: String,
    pool: Arc<Pool>,
    progress: Mutex<Progress>,
}

/// What the two servers have shown.
#[derive(Default)]
struct Progress {
    serves: bool,
    /// It has been told that the standby does not serve.
    told: bool,
    /// Sums of the primary's generations that the standby has not shown, and since when they are known.
    marks: VecDeque<(i64, Instant)>,
    shown: i64,
}

impl Progress {
    /// Takes in what the primary shows. A server that has lost commits, or another one, begins anew.
    fn primary(&mut self, sum: i64, now: Instant) {
        let newest = self.marks.back().map(|mark| mark.0);
        if newest.is_some_and(|newest| newest > sum) {
            self.marks.clear();
        }
        let newest = self.marks.back().map_or(self.shown, |mark| mark.0);
        if sum <= newest {
            return;
        }
        let full = self.marks.len() >= MARKS;
        match self.marks.back_mut() {
            Some(last) if full => last.0 = sum,
            _ => self.marks.push_back((sum, now)),
        }
    }

    /// Takes in what the standby shows.
    fn standby(&mut self, sum: i64) {
        self.shown = sum;
        while self.marks.front().is_some_and(|mark| mark.0 <= sum) {
            self.marks.pop_front();
        }
    }

    fn lag(&self, now: Instant) -> Duration {
        let oldest = self.marks.front();
        oldest.map_or(Duration::ZERO, |mark| now.duration_since(mark.1))
    }

    fn generations(&self) -> i64 {
        let newest = self.marks.back();
        newest.map_or(0, |mark| mark.0 - self.shown)
    }

    /// One that was left has to catch up before it is read from again; without a primary it is all there is.
    fn may_serve(&self, has_primary: bool, now: Instant) -> bool {
        let most = if self.serves {
            MOST_BEHIND
        } else {
            Duration::ZERO
        };
        !has_primary || self.lag(now) <= most
    }
}

impl Standby {
    pub(super) fn new(settings: &model::Postgres) -> Result<Self> {
        let connector = Connector::new(settings)?;
        Ok(Self {
            place: format!("{}:{}", settings.host, settings.port),
            pool: Arc::new(Pool::new(connector, settings)),
            progress: Mutex::default(),
        })
    }

    pub(super) fn session(self: &Arc<Self>, generation: &Arc<AtomicU64>) -> Session {
        let session = Session::new(Arc::clone(&self.pool), Arc::clone(generation));
        session.on_standby(Arc::clone(self))
    }

    pub(super) fn close(&self) {
        self.pool.close();
    }

    pub(super) fn standing(&self) -> Standing {
        let progress = self.progress();
        Standing {
            place: self.place.clone(),
            serves: progress.serves,
            lag: progress.lag(Instant::now()),
            generations: progress.generations(),
        }
    }

    /// Lets a read pass as long as it finds what is new enough.
    pub(super) fn admit(&self) -> Result<(), Failure> {
        if self.progress().serves {
            return Ok(());
        }
        let told = format!("{} is lost, or too far behind", self.place);
        Err(Failure::Unreachable("the standby does not serve", told))
    }

    /// Looks at the standby for ever. `generation` moves with what it shows, so that an answer read from it is kept no
    /// longer than it is what the standby would say again.
    pub(super) async fn trail(
        self: Arc<Self>,
        generation: Arc<AtomicU64>,
        mut primary: watch::Receiver<Option<Look>>,
    ) {
        // Nothing is known before somebody has tried to reach the primary.
        let _ = primary.changed().await;
        loop {
            if let Err(failure) = self.keep_up(&generation, &mut primary).await {
                self.judge(&generation, None, &failure);
            }
            // The primary goes on, and what it shows is behind by so much when the standby is back.
            if timeout(PERIOD, primary.changed()).await.is_ok() {
                self.note(primary.borrow_and_update().as_ref());
                tokio::time::sleep(PERIOD).await;
            }
        }
    }

    /// Looks at every change of the primary and now and then, until the connection is lost.
    async fn keep_up(
        &self,
        generation: &AtomicU64,
        primary: &mut watch::Receiver<Option<Look>>,
    ) -> Result<(), Failure> {
        let (client, moving) = self.pool.connector().connect().await?;
        let mut driver = JoinSet::new();
        driver.spawn(moving);
        let mut seen = None;
        loop {
            let has_primary = self.note(primary.borrow_and_update().as_ref());
            let found = Look::at(&client).await?;
            self.progress().standby(found.sum);
            let is_new = seen.as_ref() != Some(&found);
            seen = Some(found);
            let behind = "it is too far behind".to_owned();
            let lags = Failure::Unreachable("the standby does not keep up", behind);
            let moved = self.judge(generation, Some(has_primary), &lags);
            if is_new && !moved {
                generation.fetch_add(1, Ordering::AcqRel);
            }
            let pause = if self.progress().marks.is_empty() {
                PERIOD
            } else {
                SOON
            };
            let _ = timeout(pause, primary.changed()).await;
        }
    }

    /// Whether the primary answers, with what it shows.
    fn note(&self, primary: Option<&Look>) -> bool {
        if let Some(look) = primary {
            self.progress().primary(look.sum, Instant::now());
        }
        primary.is_some()
    }

    /// Decides whether reads go there. `answers` says whether there is a primary too; without it the standby itself is
    /// lost. Whether that changed is told once, and reads go elsewhere with a new generation: then it is true.
    fn judge(&self, generation: &AtomicU64, answers: Option<bool>, why: &Failure) -> bool {
        let mut progress = self.progress();
        let serves =
            answers.is_some_and(|has_primary| progress.may_serve(has_primary, Instant::now()));
        let changed = progress.serves != serves;
        progress.serves = serves;
        let tell = if serves {
            changed && progress.told
        } else {
            !progress.told
        };
        progress.told = !serves;
        drop(progress);
        match (tell, serves) {
            (true, true) => tracing::info!(standby = self.place, "reads go to the standby again"),
            (true, false) => tracing::warn!(
                standby = self.place,
                ?why,
                "reads go to the primary until the standby is there and has caught up"
            ),
            (false, _) => {}
        }
        if changed {
            generation.fetch_add(1, Ordering::AcqRel);
        }
        changed
    }

    /// Nothing panics while this is held.
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lag_is_the_age_of_the_oldest_commit_not_shown() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let mut progress = Progress::default();
        let check = |progress: &Progress, now, seconds, generations| {
            assert_eq!(progress.lag(at(now)), Duration::from_secs(seconds));
            assert_eq!(progress.generations(), generations);
        };
        progress.primary(10, at(0));
        check(&progress, 1, 1, 10);
        progress.standby(10);
        check(&progress, 1, 0, 0);
        // It follows all the time, one behind all the time: that is no growing lag.
        for second in 1..100 {
            progress.primary(10 + second, at(second.unsigned_abs()));
            progress.standby(9 + second);
            check(&progress, second.unsigned_abs(), 0, 1);
        }
        progress.primary(120, at(100));
        check(&progress, 103, 4, 12);
        progress.standby(109);
        check(&progress, 103, 3, 11);
        // One that took over and has lost some.
        progress.primary(115, at(104));
        check(&progress, 105, 1, 6);
        progress.standby(115);
        check(&progress, 105, 0, 0);
    }

    #[test]
    fn who_was_left_has_to_catch_up() {
        let begun = Instant::now();
        let now = begun + Duration::from_secs(4);
        let mut progress = Progress::default();
        progress.primary(10, begun);
        assert!(!progress.may_serve(true, now), "never caught up");
        assert!(progress.may_serve(false, now), "all there is");
        progress.serves = true;
        assert!(progress.may_serve(true, now), "a little behind");
        assert!(!progress.may_serve(true, now + MOST_BEHIND), "too far");
        progress.serves = false;
        progress.standby(10);
        assert!(progress.may_serve(true, now + MOST_BEHIND), "caught up");
    }

    #[test]
    fn marks_are_bounded() {
        let mut progress = Progress::default();
        let begun = Instant::now();
        for sum in 1..10_000 {
            progress.primary(sum, begun);
        }
        assert_eq!(progress.marks.len(), MARKS);
        assert_eq!(progress.generations(), 9_999);
    }
}
