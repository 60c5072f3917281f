//! A file, on disk or at a URL. An unchanged one is not read again: by its metadata, by a conditional request, and where
//! these say nothing by the digest of its bytes.

use std::{
    fs::{File, Metadata},
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use http::{HeaderMap, HeaderValue, StatusCode, header};
use reqwest::Url;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    Complete, Context, Fetch, Kind, Request, SourceError, error::public_url, fingerprint,
    http as answers, items, network::Web,
};
use crate::{
    config::model::{Access, Format},
    sync::formats::{Expected, Reading},
};

/// Bytes of a file behind a URL.
const MAX_DOWNLOAD: u64 = 4 << 30;
/// The whole transfer may take this many times what the server may be silent.
const TRANSFER: u32 = 20;

/// A file on disk as it was when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct OnDisk {
    length: u64,
    /// Nanoseconds since 1970.
    modified: i128,
    inode: u64,
    sha256: String,
}

impl OnDisk {
    fn of(metadata: &Metadata, sha256: String) -> Self {
        Self {
            length: metadata.len(),
            modified: i128::from(metadata.mtime()) * 1_000_000_000
                + i128::from(metadata.mtime_nsec()),
            inode: metadata.ino(),
            sha256,
        }
    }
}

/// Begins a pass over a file on disk.
pub(super) async fn from_path(
    path: &Path,
    format: Option<Format>,
    identity: String,
    request: Request,
    cx: &Context,
) -> Result<Fetch, SourceError> {
    let saved = fingerprint::load::<OnDisk>(&identity, request.fingerprint.as_deref());
    let path = path.to_owned();
    let (mut outlet, items) = items::line(&cx.stop);
    let max_record_size = cx.max_record_size;
    let opened =
        tokio::task::spawn_blocking(move || open(&path, saved).map(|opened| (opened, path)));
    match opened
        .await
        .map_err(|error| SourceError::new(Kind::Other, error.to_string()))??
    {
        (Opened::Unchanged(state), _) => Ok(Fetch::Unchanged {
            fingerprint: fingerprint::save(&identity, state),
        }),
        (Opened::Changed(file, metadata), path) => {
            tokio::task::spawn_blocking(move || {
                let reading = Reading {
                    expected: Expected::from(format),
                    max_record_size,
                    prefix: "",
                };
                let end = read(&mut outlet, (&path, file, metadata), reading);
                outlet.finish(end.map(|state| Complete {
                    fingerprint: Some(fingerprint::save(&identity, state)),
                    partial: false,
                }));
            });
            Ok(Fetch::Items(items))
        }
    }
}

enum Opened {
    Unchanged(OnDisk),
    Changed(File, Metadata),
}

fn open(path: &Path, saved: Option<OnDisk>) -> Result<Opened, SourceError> {
    let refused = |error: io::Error| unreadable(path, &error);
    let metadata = std::fs::metadata(path).map_err(refused)?;
    if !metadata.is_file() {
        let message = format!(
            "{}: not a regular file; `file.path` must name one",
            path.display()
        );
        return Err(SourceError::new(Kind::Other, message));
    }
    let file = File::open(path).map_err(refused)?;
    let metadata = file.metadata().map_err(refused)?;
    let Some(saved) = saved else {
        return Ok(Opened::Changed(file, metadata));
    };
    let now = OnDisk::of(&metadata, saved.sha256.clone());
    if now == saved {
        return Ok(Opened::Unchanged(now));
    }
    // Touched, or written anew with the same bytes: reading it for its digest is cheaper than taking its records.
    if now.length == saved.length && digest(&file).map_err(refused)? == saved.sha256 {
        return Ok(Opened::Unchanged(now));
    }
    let file = File::open(path).map_err(refused)?;
    let metadata = file.metadata().map_err(refused)?;
    Ok(Opened::Changed(file, metadata))
}

fn unreadable(path: &Path, error: &io::Error) -> SourceError {
    let path = path.display();
    let (kind, message) = match error.kind() {
        io::ErrorKind::NotFound => (
            Kind::NotFound,
            format!("{path}: no such file; check `file.path`"),
        ),
        io::ErrorKind::PermissionDenied => (
            Kind::Unauthorized,
            format!("{path}: permission denied; the user that runs cairn must be able to read it"),
        ),
        _ => (Kind::Other, format!("{path}: {error}")),
    };
    SourceError::new(kind, message)
}

fn digest(file: &File) -> io::Result<String> {
    let mut hashing = Hashing::new(file);
    io::copy(&mut hashing, &mut io::sink())?;
    Ok(hashing.finish())
}

fn read(
    outlet: &mut items::Outlet,
    (path, file, before): (&PathBuf, File, Metadata),
    reading: Reading<'_>,
) -> Result<OnDisk, SourceError> {
    let mut hashing = Hashing::new(&file);
    outlet
        .read(&mut hashing, reading)
        .map_err(|error| SourceError::format(&path.display().to_string(), &error))?;
    let sha256 = hashing.finish();
    let after = file.metadata().map_err(|error| unreadable(path, &error))?;
    let (before, after) = (
        OnDisk::of(&before, sha256.clone()),
        OnDisk::of(&after, sha256),
    );
    if before != after {
        let message = format!(
            "{}: changed while it was read; it will be read again",
            path.display()
        );
        return Err(SourceError::new(Kind::Other, message));
    }
    Ok(after)
}

/// Computes the digest of what is read through it.
struct Hashing<R> {
    input: R,
    sha256: Sha256,
}

impl<R> Hashing<R> {
    fn new(input: R) -> Self {
        Self {
            input,
            sha256: Sha256::new(),
        }
    }

    fn finish(self) -> String {
        fingerprint::hex(&self.sha256.finalize())
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.input.read(buffer)?;
        self.sha256.update(buffer.get(..length).unwrap_or_default());
        Ok(length)
    }
}

/// A file behind a URL as the server described it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct AtUrl {
    etag: Option<String>,
    last_modified: Option<String>,
    sha256: String,
}

impl AtUrl {
    /// Returns true if there is a validator by which the server recognizes an unchanged file.
    fn is_conditional(&self) -> bool {
        self.etag.is_some() || self.last_modified.is_some()
    }

    fn of(headers: &HeaderMap, sha256: String) -> Self {
        let text = |name| Some(headers.get(name)?.to_str().ok()?.to_owned());
        Self {
            etag: text(header::ETAG),
            last_modified: text(header::LAST_MODIFIED),
            sha256,
        }
    }
}

/// Begins a pass over a file behind a URL.
pub(super) async fn from_url(
    (url, timeout, access): (&str, Duration, &Access),
    format: Option<Format>,
    identity: String,
    request: Request,
    cx: &Context,
) -> Result<Fetch, SourceError> {
    let saved = fingerprint::load::<AtUrl>(&identity, request.fingerprint.as_deref());
    let place = public_url(url);
    let url = address(url)?;
    let web = Web::new(&url, access, "file")?;
    let conditions = conditions(saved.as_ref());
    let response = tokio::select! {
        answer = web.get(url, &conditions, timeout) => answer?,
        () = cx.stop.wait() => return Err(SourceError::stopped()),
    };
    let conditional = saved.as_ref().filter(|saved| saved.is_conditional());
    if let (StatusCode::NOT_MODIFIED, Some(saved)) = (response.status(), conditional) {
        return Ok(Fetch::Unchanged {
            fingerprint: fingerprint::save(&identity, saved),
        });
    }
    if response.status() != StatusCode::OK {
        return Err(web.refusal(&place, &response));
    }
    let headers = response.headers().clone();
    let body = tokio::time::timeout(
        timeout.saturating_mul(TRANSFER),
        answers::body(response, MAX_DOWNLOAD, timeout, &cx.scratch),
    );
    let answers::Body { file, sha256 } = tokio::select! {
        body = body => body.unwrap_or_else(|_| Err(answers::silence(&place, timeout.saturating_mul(TRANSFER))))?,
        () = cx.stop.wait() => return Err(SourceError::stopped()),
    };
    let state = AtUrl::of(&headers, sha256);
    let unchanged = saved.is_some_and(|saved| saved.sha256 == state.sha256);
    let fingerprint = fingerprint::save(&identity, state);
    if unchanged {
        return Ok(Fetch::Unchanged { fingerprint });
    }
    let (mut outlet, items) = items::line(&cx.stop);
    let max_record_size = cx.max_record_size;
    tokio::task::spawn_blocking(move || {
        let reading = Reading {
            expected: Expected::from(format),
            max_record_size,
            prefix: "",
        };
        let end = outlet.read(file, reading).map(|_| Complete {
            fingerprint: Some(fingerprint),
            partial: false,
        });
        outlet.finish(end.map_err(|error| SourceError::format(&place, &error)));
    });
    Ok(Fetch::Items(items))
}

fn address(url: &str) -> Result<Url, SourceError> {
    Url::parse(url).map_err(|error| {
        let message = format!(
            "{}: not an address that can be asked ({error}); `file.url` must be an http(s) one",
            public_url(url)
        );
        SourceError::new(Kind::Other, message)
    })
}

/// Headers that ask for the file only if it has changed.
fn conditions(saved: Option<&AtUrl>) -> HeaderMap {
    let accept = HeaderValue::from_static("application/json, */*;q=0.5");
    let mut headers = HeaderMap::from_iter([(header::ACCEPT, accept)]);
    let Some(saved) = saved else {
        return headers;
    };
    for (name, value) in [
        (header::IF_NONE_MATCH, &saved.etag),
        (header::IF_MODIFIED_SINCE, &saved.last_modified),
    ] {
        if let Some(value) = value.as_deref().and_then(|value| value.parse().ok()) {
            headers.insert(name, value);
        }
    }
    headers
}
