//! Any registry that speaks the v0.1 list: page after page, each handed over with the cursor of the next one, so that a
//! pass that breaks off goes on where it was. There is no bound on the number of records; memory holds one page.

use std::{
    collections::{HashSet, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    time::Duration,
};

use http::{StatusCode, header};
use reqwest::{Response, Url};

use super::{
    Complete, Context, Fetch, Kind, Request, SourceError,
    error::public_url,
    http as web,
    items::{self, Outlet},
};
use crate::sync::formats::{Expected, Item, Reading};

/// Bytes of one page.
const MAX_PAGE: u64 = 64 << 20;
/// Records asked for in one page: the most that the API allows.
const PAGE_RECORDS: &str = "100";
/// Attempts at one page.
const ATTEMPTS: u32 = 5;
/// The wait after the first failed attempt; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// An upstream that asks for more than this is left alone until the next run.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Begins a pass over a registry.
pub(super) fn fetch(
    endpoint: &str,
    timeout: Duration,
    request: Request,
    cx: &Context,
) -> Result<Fetch, SourceError> {
    let (outlet, items) = items::line(&cx.stop);
    let mut pass = Pass {
        bases: bases(endpoint)?,
        timeout,
        plain: false,
        resumed: request.cursor.is_some() || request.updated_since.is_some(),
        cursor: request.cursor,
        updated_since: request.updated_since,
        page: 0,
        seen: HashSet::new(),
        cx: cx.clone(),
    };
    pass.seen.extend(pass.cursor.as_deref().map(digest));
    tokio::spawn(pass.run(outlet));
    Ok(Fetch::Items(items))
}

/// Where the list may be, in the order of trying: v0.1, then v0; only the given one when the endpoint names it.
fn bases(endpoint: &str) -> Result<Vec<Url>, SourceError> {
    let endpoint = endpoint.strip_suffix('/').unwrap_or(endpoint);
    let versioned = endpoint.ends_with("/v0.1") || endpoint.ends_with("/v0");
    let paths: &[&str] = if versioned {
        &["/servers"]
    } else {
        &["/v0.1/servers", "/v0/servers"]
    };
    let parsed: Result<Vec<Url>, _> = paths
        .iter()
        .map(|path| Url::parse(&format!("{endpoint}{path}")))
        .collect();
    parsed.map_err(|error| {
        let message = format!(
            "{}: {error}; `api.endpoint` must be an http(s) address",
            public_url(endpoint)
        );
        SourceError::new(Kind::Other, message)
    })
}

/// One walk over the pages.
struct Pass {
    /// The first one is asked; it is removed when there is nothing.
    bases: Vec<Url>,
    /// For one page.
    timeout: Duration,
    /// Ask without what some upstreams refuse.
    plain: bool,
    /// The next request still carries what the daemon has saved.
    resumed: bool,
    cursor: Option<String>,
    updated_since: Option<String>,
    /// Counted from 1.
    page: u64,
    /// Digests of the cursors that have been followed.
    seen: HashSet<u64>,
    cx: Context,
}

impl Pass {
    async fn run(mut self, mut outlet: Outlet) {
        let end = loop {
            let answer = tokio::select! {
                answer = self.page() => answer,
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
                Ok(false) => break Ok(Complete { fingerprint: None }),
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
            max_record_size: self.cx.max_record_size,
            prefix: &prefix,
        };
        let next = outlet
            .read(page.body.file, reading, &page.place)?
            .next_cursor;
        self.follow(next)?;
        let cursor = self.cursor.clone();
        outlet.push(Item::Page { cursor })?;
        outlet.flush()?;
        Ok(self.cursor.is_some())
    }

    /// Notes where the next page is. A cursor that comes again would be followed for ever.
    fn follow(&mut self, next: Option<String>) -> Result<(), SourceError> {
        if let Some(next) = &next
            && !self.seen.insert(digest(next))
        {
            let message = format!(
                "page {}: the upstream loops: its cursor `{next}` came before",
                self.page
            );
            return Err(SourceError::new(Kind::Format, message));
        }
        self.cursor = next;
        Ok(())
    }

    /// The next page, after as many attempts as it takes.
    async fn page(&mut self) -> Result<Page, SourceError> {
        self.page += 1;
        let mut attempt = 1;
        loop {
            let error = match self.attempt().await {
                Ok(page) => return Ok(page),
                Err(error) => error,
            };
            let wait = wait(attempt, error.retry_after, fastrand::f64());
            if !error.is_passing() || attempt == ATTEMPTS || wait > LONGEST_WAIT {
                return Err(self.given_up(error, attempt));
            }
            (self.cx.sleep)(wait).await;
            attempt += 1;
        }
    }

    fn given_up(&self, mut error: SourceError, attempts: u32) -> SourceError {
        error.message = match attempts {
            1 => format!("page {}: {}", self.page, error.message),
            _ => format!(
                "page {}: {} ({attempts} attempts)",
                self.page, error.message
            ),
        };
        error
    }

    /// Asks once; again at once where the upstream knows the list under another path or without our parameters.
    async fn attempt(&mut self) -> Result<Page, SourceError> {
        loop {
            let Some(base) = self.bases.first() else {
                return Err(SourceError::new(Kind::Other, "no address to ask"));
            };
            let url = self.address(base.clone());
            let place = public_url(url.as_str());
            let request = self
                .cx
                .http
                .get(url)
                .header(header::ACCEPT, "application/json")
                .timeout(self.timeout);
            let response = request
                .send()
                .await
                .map_err(|error| web::transport(&place, &error))?;
            match response.status() {
                StatusCode::OK => return self.taken_down(response).await,
                StatusCode::NOT_FOUND if self.bases.len() > 1 => drop(self.bases.remove(0)),
                StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY if !self.plain => {
                    self.plain = true
                }
                StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY if self.resumed => {
                    let message = format!(
                        "{place}: the upstream refuses the saved cursor or time; begin a full pass"
                    );
                    return Err(SourceError::new(Kind::CursorRejected, message));
                }
                StatusCode::NOT_FOUND if self.page == 1 => {
                    let message = format!(
                        "{place}: HTTP 404; `api.endpoint` must be the address before `/v0.1`"
                    );
                    return Err(SourceError::new(Kind::NotFound, message));
                }
                status => return Err(web::refusal(&place, status, response.headers())),
            }
        }
    }

    fn address(&self, mut url: Url) -> Url {
        let mut query = url.query_pairs_mut();
        if !self.plain {
            // Deleted records come with their status instead of merely being absent.
            query
                .append_pair("limit", PAGE_RECORDS)
                .append_pair("include_deleted", "true");
        }
        if let Some(time) = &self.updated_since {
            query.append_pair("updated_since", time);
        }
        if let Some(cursor) = &self.cursor {
            query.append_pair("cursor", cursor);
        }
        drop(query);
        url
    }

    async fn taken_down(&mut self, response: Response) -> Result<Page, SourceError> {
        // The list is here: from now on a 404 or 400 is what it says.
        self.bases.truncate(1);
        let place = public_url(response.url().as_str());
        let upstream_time = web::server_time(response.headers());
        let body = web::body(response, MAX_PAGE, self.timeout, &self.cx.scratch).await?;
        self.resumed = false;
        Ok(Page {
            place,
            upstream_time,
            body,
        })
    }
}

/// A page that has arrived.
struct Page {
    place: String,
    upstream_time: Option<i64>,
    body: web::Body,
}

fn digest(cursor: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    cursor.hash(&mut hasher);
    hasher.finish()
}

/// How long to wait after an attempt: twice as long each time, half of it by `chance` (0 to 1), and never less than the
/// upstream asks for.
fn wait(attempt: u32, asked: Option<Duration>, chance: f64) -> Duration {
    let full = FIRST_WAIT * 2u32.saturating_pow(attempt - 1);
    let own = full.mul_f64(0.5 + chance / 2.0);
    asked.map_or(own, |asked| asked.max(own))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{bases, wait};

    #[test]
    fn the_list_is_looked_for_where_the_endpoint_says() {
        for (endpoint, expected) in [
            (
                "http://r",
                &["http://r/v0.1/servers", "http://r/v0/servers"][..],
            ),
            (
                "http://r/",
                &["http://r/v0.1/servers", "http://r/v0/servers"],
            ),
            (
                "http://r/registry/x",
                &[
                    "http://r/registry/x/v0.1/servers",
                    "http://r/registry/x/v0/servers",
                ],
            ),
            (
                "http://r/registry/x/",
                &[
                    "http://r/registry/x/v0.1/servers",
                    "http://r/registry/x/v0/servers",
                ],
            ),
            ("http://r/v0.1", &["http://r/v0.1/servers"]),
            ("http://r/v0/", &["http://r/v0/servers"]),
        ] {
            let found: Vec<_> = bases(endpoint)
                .expect(endpoint)
                .iter()
                .map(ToString::to_string)
                .collect();
            assert_eq!(found, expected, "{endpoint}");
        }
        assert!(bases("r.example").is_err());
    }

    #[test]
    fn the_wait_doubles_is_spread_and_honours_the_upstream() {
        let ms = Duration::from_millis;
        for (attempt, asked, chance, expected) in [
            (1, None, 1.0, ms(500)),
            (1, None, 0.0, ms(250)),
            (2, None, 1.0, ms(1000)),
            (4, None, 1.0, ms(4000)),
            (1, Some(ms(7000)), 1.0, ms(7000)),
            (4, Some(ms(100)), 1.0, ms(4000)),
        ] {
            assert_eq!(
                wait(attempt, asked, chance),
                expected,
                "{attempt} {asked:?}"
            );
        }
    }
}
