//! Any registry that speaks the v0.1 list: page after page, each handed over with the cursor of the next one, so that a
//! pass that breaks off goes on where it was. There is no bound on the number of records; memory holds one page.

mod progress;
mod upstream;

use std::{
    collections::{HashSet, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    time::Duration,
};

use super::{
    Complete, Context, Fetch, Kind, Request, SourceError,
    items::{self, Outlet},
};
use crate::{
    config::model::Access,
    sync::formats::{Expected, Item, Reading, Summary},
};
use progress::Progress;
use upstream::{Page, Upstream};

/// Letters of a cursor that are shown.
const SHOWN: usize = 80;

/// Begins a pass over a registry.
pub(super) fn fetch(
    place: (&str, Duration, &Access),
    request: Request,
    cx: &Context,
) -> Result<Fetch, SourceError> {
    let (outlet, items) = items::line(&cx.stop);
    let pass = Pass {
        seen: request.cursor.as_deref().map(digest).into_iter().collect(),
        upstream: Upstream::new(place, &request, cx)?,
        cursor: request.cursor,
        progress: Progress::default(),
        page: 0,
        max_record_size: cx.max_record_size,
    };
    tokio::spawn(pass.run(outlet));
    Ok(Fetch::Items(items))
}

/// One walk over the pages.
struct Pass {
    upstream: Upstream,
    /// Of the next page.
    cursor: Option<String>,
    /// Counted from 1.
    page: u64,
    /// Digests of the cursors that have been followed.
    seen: HashSet<u64>,
    /// Record of keys, which shows pages that bring nothing new.
    progress: Progress,
    max_record_size: usize,
}

impl Pass {
    async fn run(mut self, mut outlet: Outlet) {
        let end = loop {
            self.page += 1;
            let answer = tokio::select! {
                answer = self.upstream.page(self.cursor.as_deref(), self.page) => answer,
                () = outlet.ended() => Err(SourceError::stopped()),
            };
            let page = match answer {
                Ok(page) => page,
                Err(error) => break Err(error),
            };
            let handed_over = tokio::task::spawn_blocking(move || {
                let more = self.hand_over(&mut outlet, page);
                (self, outlet, more)
            });
            // A reader that panics takes the outlet with it: the daemon then sees a pass without a result.
            let Ok(back) = handed_over.await else { return };
            let more;
            (self, outlet, more) = back;
            match more {
                Ok(true) => {}
                Ok(false) => break Ok(Complete::default()),
                Err(error) => break Err(error),
            }
        };
        tokio::task::spawn_blocking(move || outlet.finish(end));
    }

    /// Puts a page on the line, then where the next one is; false when there is none.
    fn hand_over(&mut self, outlet: &mut Outlet, page: Page) -> Result<bool, SourceError> {
        if self.page == 1 {
            let upstream_time = page.upstream_time;
            outlet.push(Item::Started { upstream_time })?;
        }
        let prefix = format!("page {}, ", self.page);
        let reading = Reading {
            expected: Expected::Page,
            max_record_size: self.max_record_size,
            prefix: &prefix,
        };
        let summary = outlet
            .read_noting(page.body.file, reading, |item| self.progress.note(item))
            .map_err(|error| SourceError::format(&page.place, &error))?;
        self.follow(self.next_cursor(summary)?)?;
        if self.cursor.is_some() && !self.progress.next_page() {
            return Err(self.inconsistent(progress::REPEATS));
        }
        let cursor = self.cursor.clone();
        outlet.push(Item::Page { cursor })?;
        outlet.flush()?;
        Ok(self.cursor.is_some())
    }

    /// The cursor of the next page. A page that leads on in a way that is not understood fails the pass: to take it for the last
    /// one would lose the records behind it.
    fn next_cursor(&self, summary: Summary) -> Result<Option<String>, SourceError> {
        let entries = summary.records + summary.rejected;
        let full = entries > 0 && self.upstream.is_full(entries);
        match summary.cursors.not_understood(full) {
            Some(member) if entries > 0 => Err(self.refused(&format!(
                "`{member}` seems to lead to a next page, but is no cursor that is understood; the upstream must give a text \
                 or a number as `metadata.nextCursor`"
            ))),
            _ => Ok(summary.cursors.next),
        }
    }

    /// Notes where the next page is. A cursor that comes again would be followed for ever, and one with a NUL character could
    /// not be kept.
    fn follow(&mut self, next: Option<String>) -> Result<(), SourceError> {
        if let Some(next) = &next {
            if next.contains('\0') {
                return Err(self.refused("there is a NUL character in its `nextCursor`"));
            }
            if !self.seen.insert(digest(next)) {
                let shown: String = next.chars().take(SHOWN).collect();
                let told = format!(
                    "the upstream loops: its cursor `{shown}` came before; report it to the operator of the upstream"
                );
                return Err(self.inconsistent(&told));
            }
        }
        self.cursor = next;
        Ok(())
    }

    fn inconsistent(&self, told: &str) -> SourceError {
        SourceError::new(Kind::Inconsistent, format!("page {}: {told}", self.page))
    }

    fn refused(&self, told: &str) -> SourceError {
        SourceError::new(Kind::Format, format!("page {}: {told}", self.page))
    }
}

fn digest(cursor: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    cursor.hash(&mut hasher);
    hasher.finish()
}
