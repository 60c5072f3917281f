//! Requests of sources: one client for each pass, bound to where the source may be led. Redirects are followed here and not
//! by the library, so that each step is checked and secrets stay with the origin they were given for.

mod access;
mod guard;
mod reach;
mod tls;

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, StatusCode, header};
use reqwest::{Certificate, Client, Response, Url, redirect};

use super::{
    Kind, SourceError,
    error::{public_url, root_cause},
    http as web,
};
use crate::config::model::Access;
pub(super) use access::{authorities, check_environment};
pub(crate) use guard::{Guard, Refused};
pub(super) use tls::explain;

/// Redirects that are followed.
const REDIRECTS: usize = 5;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A client for one pass over one source. It needs the process's TLS provider to be installed.
#[derive(Debug, Clone)]
pub(super) struct Web {
    client: Client,
    guard: Guard,
    /// Headers for the source's own origin and for no other.
    own: Option<Own>,
}

#[derive(Debug, Clone)]
struct Own {
    origin: Url,
    headers: HeaderMap,
    /// For a server that refuses access.
    remedy: String,
}

impl Web {
    /// A client for a source at that address, whose keys stand in `section`.
    pub(super) fn new(url: &Url, access: &Access, section: &str) -> Result<Self, SourceError> {
        let authorities = authorities(access.ca_path.as_deref(), section)?;
        let own = Own {
            origin: url.clone(),
            headers: access::headers(access, section)?,
            remedy: access::remedy(access, section),
        };
        let web = Self::within(Guard::new(url), authorities)?;
        Ok(Self {
            own: Some(own),
            ..web
        })
    }

    /// A client that shows nothing, within bounds that are there already.
    pub(super) fn within(guard: Guard, authorities: Vec<Certificate>) -> Result<Self, SourceError> {
        let client = Client::builder()
            .user_agent(concat!("cairn/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .tls_certs_merge(authorities)
            .dns_resolver(Arc::new(guard.clone()))
            .connect_timeout(CONNECT_TIMEOUT)
            .gzip(true)
            .build()
            .map_err(|error| {
                let message = format!("no HTTP client: {}", root_cause(&error));
                SourceError::new(Kind::Other, message)
            })?;
        Ok(Self {
            client,
            guard,
            own: None,
        })
    }

    /// Headers for that address besides those of the request.
    fn own_headers(&self, target: &Url) -> HeaderMap {
        let own = self.own.as_ref();
        own.filter(|own| own.origin.origin() == target.origin())
            .map_or_else(HeaderMap::new, |own| own.headers.clone())
    }

    /// The error for an answer that is no success.
    pub(super) fn refusal(&self, place: &str, response: &Response) -> SourceError {
        let mut error = web::refusal(place, response.status(), response.headers());
        if let (Kind::Unauthorized, Some(own)) = (error.kind, &self.own) {
            let status = response.status().as_u16();
            error.message = format!("{place}: HTTP {status}: access is refused; {}", own.remedy);
        }
        error
    }

    /// Asks for a document; every step of a redirect may take as long as `patience` to begin its answer.
    pub(super) async fn get(
        &self,
        url: Url,
        headers: &HeaderMap,
        patience: Duration,
    ) -> Result<Response, SourceError> {
        let mut target = url.clone();
        for _ in 0..=REDIRECTS {
            let request = self
                .client
                .get(target.clone())
                .headers(self.own_headers(&target))
                .headers(headers.clone());
            let place = public_url(target.as_str());
            let response = match tokio::time::timeout(patience, request.send()).await {
                Ok(response) => response.map_err(|error| web::transport(&place, &error))?,
                Err(_) => return Err(web::silence(&place, patience)),
            };
            match next(&response)? {
                None => return Ok(response),
                Some(next) => {
                    self.check(&target, &next)?;
                    target = next;
                }
            }
        }
        let message = format!(
            "{}: more than {REDIRECTS} redirects; configure the final address",
            public_url(url.as_str())
        );
        Err(SourceError::new(Kind::Redirect, message))
    }

    /// Refuses a step that leads to a place of another kind, or out of TLS.
    fn check(&self, from: &Url, to: &Url) -> Result<(), SourceError> {
        let refused = |why: &str| {
            let place = public_url(from.as_str());
            SourceError::new(Kind::Redirect, format!("{place}: {why}"))
        };
        match (from.scheme(), to.scheme()) {
            ("https", "http") => Err(refused(
                "redirects from https to http, which anybody on the way could read and change; configure the final \
                 address itself, if it is meant",
            )),
            (_, "http" | "https") => self
                .guard
                .check(to)
                .map_err(|why| refused(&why.to_string())),
            _ => Err(refused(
                "redirects to an address that is neither http nor https",
            )),
        }
    }
}

/// The address that an answer redirects to.
fn next(response: &Response) -> Result<Option<Url>, SourceError> {
    let redirects = matches!(
        response.status(),
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    let Some(location) = response
        .headers()
        .get(header::LOCATION)
        .filter(|_| redirects)
    else {
        return Ok(None);
    };
    let location = location.to_str().ok();
    let joined = location.and_then(|location| response.url().join(location).ok());
    joined.map(Some).ok_or_else(|| {
        let place = public_url(response.url().as_str());
        let message = format!("{place}: redirects to no address; configure the final address");
        SourceError::new(Kind::Redirect, message)
    })
}
