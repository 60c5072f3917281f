//! Databases to measure on. Each is made once, by the real pipeline from an upstream on loopback, and kept in the target
//! folder until the schema, the records or the rules that make them change.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use cairn_registry::model::{Digest, Timestamp};

use crate::{
    progress,
    records::{Catalog, MADE_BY},
    subject::{Site, Synced},
    upstream,
};

/// Where the schema's steps lie.
const MIGRATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
/// Holds the time of the last change beside a database.
const UNTIL: &str = "until";

/// A place for databases, and what they are made with.
pub(crate) struct Stock {
    pub(crate) binary: PathBuf,
    /// A v0.1 list of real records.
    pub(crate) data: PathBuf,
    folder: PathBuf,
    /// Stands in the names of the databases: another one means other content.
    digest: String,
}

/// A database that is there.
pub(crate) struct Filled {
    pub(crate) site: Site,
    /// When its last record changed.
    pub(crate) until: Timestamp,
}

impl Stock {
    pub(crate) fn open(binary: PathBuf, data: PathBuf, folder: PathBuf) -> Result<Self> {
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let digest = digest(&data)?;
        Ok(Self {
            binary,
            data,
            folder,
            digest,
        })
    }

    /// A folder that is empty.
    pub(crate) fn scratch(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// The database with so many records; made now if it is not there.
    pub(crate) async fn filled(&self, size: usize) -> Result<Filled> {
        let folder = self.folder_of(size);
        if !folder.join(UNTIL).is_file() {
            self.first_sync(size).await?;
        }
        let until = fs::read_to_string(folder.join(UNTIL))?;
        Ok(Filled {
            site: Site { folder },
            until: Timestamp::parse(&until).context("a broken time beside the database")?,
        })
    }

    /// Makes the database with so many records anew, and keeps it.
    pub(crate) async fn first_sync(&self, size: usize) -> Result<Synced> {
        progress(&format!("first sync of {size} records"));
        let (Filled { site, until }, synced) = self.synced("fresh", size, "").await?;
        fs::write(site.folder.join(UNTIL), until.to_string())?;
        let folder = self.folder_of(size);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::rename(site.folder, folder)?;
        Ok(synced)
    }

    /// Reads so many records for the first time, in a folder of that name; `further` are more keys of the configuration.
    pub(crate) async fn synced(
        &self,
        folder: &str,
        size: usize,
        further: &str,
    ) -> Result<(Filled, Synced)> {
        let until = now();
        let catalog = Arc::new(Catalog::make(&self.data, size, until)?);
        let origin = api(upstream::serve(catalog).await?);
        let site = Site::write(self.scratch(folder)?, &origin, further)?;
        let synced = site.sync(&self.binary).await?;
        Ok((Filled { site, until }, synced))
    }

    fn folder_of(&self, size: usize) -> PathBuf {
        self.folder.join(format!("{size}-{}", self.digest))
    }
}

/// The origin of a source, as configuration says it.
pub(crate) fn api(upstream: std::net::SocketAddr) -> String {
    format!("api: {{endpoint: \"http://{upstream}\"}}")
}

/// Whole seconds, as upstreams give them.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = since.map_or(0, |since| since.as_secs());
    Timestamp::from_micros(i64::try_from(seconds).unwrap_or(0) * 1_000_000)
}

/// Of all that decides what a database holds, but for its size.
fn digest(data: &Path) -> Result<String> {
    let mut steps: Vec<PathBuf> = fs::read_dir(MIGRATIONS)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    steps.sort();
    let mut contents = vec![MADE_BY.to_be_bytes().to_vec(), fs::read(data)?];
    for step in steps {
        contents.push(fs::read(step)?);
    }
    let digest = Digest::of(contents.iter().map(Vec::as_slice));
    let head = digest.as_bytes().iter().take(6);
    Ok(head.map(|byte| format!("{byte:02x}")).collect())
}
