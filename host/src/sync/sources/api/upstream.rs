//! How an upstream is asked for a page: where its list is, with which parameters, and how often. It knows nothing of what
//! is on a page.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use reqwest::{Response, Url};

use super::super::{
    Context, Kind, Request, SourceError, error::public_url, http as answers, network::Web,
};
use crate::config::model::Access;

/// Bytes of one page.
const MAX_PAGE: u64 = 64 << 20;
/// Records asked for in one page: the most that the API allows.
const PAGE_RECORDS: u64 = 100;
/// Attempts at one page.
const ATTEMPTS: u32 = 5;
/// The wait after the first failed attempt; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// An upstream that asks for more than this is left alone until the next run.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// A page that has arrived.
pub(super) struct Page {
    pub place: String,
    /// The upstream's clock, in microseconds since 1970.
    pub upstream_time: Option<i64>,
    pub body: answers::Body,
}

/// One upstream during one pass.
pub(super) struct Upstream {
    /// The first one is asked; it is removed when there is nothing.
    bases: Vec<Url>,
    web: Web,
    headers: HeaderMap,
    /// For one page.
    timeout: Duration,
    /// Ask without what some upstreams refuse.
    plain: bool,
    /// The next request still carries what the daemon has saved.
    resumed: bool,
    updated_since: Option<String>,
    cx: Context,
}

impl Upstream {
    pub(super) fn new(
        (endpoint, timeout, access): (&str, Duration, &Access),
        request: &Request,
        cx: &Context,
    ) -> Result<Self, SourceError> {
        let (first, others) = bases(endpoint)?;
        let accept = HeaderValue::from_static("application/json");
        Ok(Self {
            web: Web::new(&first, access, "api")?,
            headers: HeaderMap::from_iter([(header::ACCEPT, accept)]),
            bases: std::iter::once(first).chain(others).collect(),
            timeout,
            plain: false,
            resumed: request.cursor.is_some() || request.updated_since.is_some(),
            updated_since: request.updated_since.clone(),
            cx: cx.clone(),
        })
    }

    /// Returns true if so many entries are as many as a page may have; any number where the upstream chooses.
    pub(super) fn is_full(&self, entries: u64) -> bool {
        self.plain || entries >= PAGE_RECORDS
    }

    /// The next page, after as many attempts as it takes.
    pub(super) async fn page(
        &mut self,
        cursor: Option<&str>,
        number: u64,
    ) -> Result<Page, SourceError> {
        let mut attempt = 1;
        loop {
            let timeout = self.timeout;
            let error = match tokio::time::timeout(timeout, self.attempt(cursor, number)).await {
                Ok(Ok(page)) => return Ok(page),
                Ok(Err(error)) => error,
                Err(_) => self.late(),
            };
            let wait = wait(attempt, error.retry_after, fastrand::f64());
            if !error.is_passing() || attempt == ATTEMPTS || wait > LONGEST_WAIT {
                return Err(given_up(error, number, attempt));
            }
            (self.cx.sleep)(wait).await;
            attempt += 1;
        }
    }

    /// Asks once; again at once where the upstream knows the list under another path or without our parameters.
    async fn attempt(&mut self, cursor: Option<&str>, number: u64) -> Result<Page, SourceError> {
        loop {
            let Some(base) = self.bases.first() else {
                return Err(SourceError::new(Kind::Other, "no address to ask"));
            };
            let url = self.address(base.clone(), cursor);
            let place = public_url(url.as_str());
            let response = self.web.get(url, &self.headers, self.timeout).await?;
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
                StatusCode::NOT_FOUND if number == 1 => {
                    let message = format!(
                        "{place}: HTTP 404; `api.endpoint` must be the address before `/v0.1`"
                    );
                    return Err(SourceError::new(Kind::NotFound, message));
                }
                _ => return Err(self.web.refusal(&place, &response)),
            }
        }
    }

    /// The page was not there as a whole in time.
    fn late(&self) -> SourceError {
        let place = self.bases.first().map_or("", Url::as_str);
        answers::silence(&public_url(place), self.timeout)
    }

    fn address(&self, mut url: Url, cursor: Option<&str>) -> Url {
        let mut query = url.query_pairs_mut();
        if !self.plain {
            // Deleted records come with their status instead of merely being absent.
            query
                .append_pair("limit", &PAGE_RECORDS.to_string())
                .append_pair("include_deleted", "true");
        }
        if let Some(time) = &self.updated_since {
            query.append_pair("updated_since", time);
        }
        if let Some(cursor) = cursor {
            query.append_pair("cursor", cursor);
        }
        drop(query);
        if url.query() == Some("") {
            url.set_query(None);
        }
        url
    }

    async fn taken_down(&mut self, response: Response) -> Result<Page, SourceError> {
        // The list is here: from now on a 404 or 400 is what it says.
        self.bases.truncate(1);
        let place = public_url(response.url().as_str());
        let upstream_time = answers::server_time(response.headers());
        let body = answers::body(response, MAX_PAGE, self.timeout, &self.cx.scratch).await?;
        self.resumed = false;
        Ok(Page {
            place,
            upstream_time,
            body,
        })
    }
}

fn given_up(mut error: SourceError, page: u64, attempts: u32) -> SourceError {
    let attempts = if attempts > 1 {
        format!(" ({attempts} attempts)")
    } else {
        String::new()
    };
    error.message = format!("page {page}: {}{attempts}", error.message);
    error
}

/// Where the list may be, in the order of trying: v0.1, then v0; only the given one when the endpoint names it.
fn bases(endpoint: &str) -> Result<(Url, Option<Url>), SourceError> {
    let endpoint = endpoint.strip_suffix('/').unwrap_or(endpoint);
    let versioned = endpoint.ends_with("/v0.1") || endpoint.ends_with("/v0");
    let at = |path: &str| {
        Url::parse(&format!("{endpoint}{path}")).map_err(|error| {
            let message = format!(
                "{}: {error}; `api.endpoint` must be an http(s) address",
                public_url(endpoint)
            );
            SourceError::new(Kind::Other, message)
        })
    };
    match versioned {
        true => Ok((at("/servers")?, None)),
        false => Ok((at("/v0.1/servers")?, Some(at("/v0/servers")?))),
    }
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
            let (first, other) = bases(endpoint).expect(endpoint);
            let found: Vec<_> = std::iter::once(first)
                .chain(other)
                .map(|url| url.to_string())
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
