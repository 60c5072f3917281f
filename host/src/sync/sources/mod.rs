//! Where records come from: git repositories, files, registries. A source asks first whether anything has changed, then
//! hands over what it reads in small batches, as fast as they are taken and no faster. It never touches the store, and
//! never fetches anything that a record names: only addresses that the operator has configured.

mod api;
mod error;
mod file;
mod fingerprint;
mod git;
mod http;
mod items;
mod network;
mod stop;
#[cfg(test)]
mod tests;

use std::{path::PathBuf, pin::Pin, sync::Arc, time::Duration};

use crate::config::model::{FileOrigin, Origin, Source};
pub(crate) use error::{Kind, SourceError};
pub(crate) use fingerprint::identity;
pub(crate) use items::{Complete, Items, Step};
pub(crate) use stop::Stop;

/// What is known from earlier passes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    /// Of the last complete pass; git and file sources compare with it.
    pub fingerprint: Option<String>,
    /// Of the last committed page of a pass that was not completed; api sources go on there.
    pub cursor: Option<String>,
    /// RFC 3339; api sources then hand over only what has changed since, deleted records included.
    pub updated_since: Option<String>,
}

/// Waits for a while; tests put a clock of their own in its place.
pub(crate) type Sleep =
    Arc<dyn Fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// What all sources share.
#[derive(Clone)]
pub(crate) struct Context {
    /// For files that live as long as a pass.
    pub scratch: PathBuf,
    /// Bytes of one record; a larger one is rejected.
    pub max_record_size: usize,
    pub git_limits: git::Limits,
    /// Ends every pass.
    pub stop: Stop,
    pub sleep: Sleep,
}

impl Context {
    pub(crate) fn new(
        scratch: PathBuf,
        max_record_size: usize,
        stop: Stop,
    ) -> Result<Self, SourceError> {
        network::check_environment()?;
        Ok(Self {
            scratch,
            max_record_size,
            git_limits: git::Limits::default(),
            stop,
            sleep: Arc::new(|time| Box::pin(tokio::time::sleep(time))),
        })
    }
}

/// What a source answers.
#[derive(Debug)]
pub(crate) enum Fetch {
    /// Nothing has changed since the pass with the given fingerprint. This one says the same and is cheaper to compare.
    Unchanged { fingerprint: String },
    /// A pass; it is complete only when the last step says so.
    Items(Items),
}

/// Begins a pass over a source.
pub(crate) async fn fetch(
    source: &Source,
    request: Request,
    cx: &Context,
) -> Result<Fetch, SourceError> {
    let identity = identity(source, cx.max_record_size);
    match &source.origin {
        Origin::Git { .. } => git::fetch(source, identity, request, cx).await,
        Origin::File(FileOrigin::Path(path)) => {
            file::from_path(path, source.format, identity, request, cx).await
        }
        Origin::File(FileOrigin::Url {
            url,
            timeout,
            access,
        }) => {
            let place = (url.as_str(), *timeout, access);
            file::from_url(place, source.format, identity, request, cx).await
        }
        Origin::Api {
            endpoint,
            timeout,
            access,
        } => api::fetch((endpoint, *timeout, access), request, cx),
    }
}
