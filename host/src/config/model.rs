//! The effective configuration as typed values: what the rest of the host reads. It knows nothing of YAML, environment
//! or flags; `load.rs` fills it and has already refused what cannot work.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

pub use super::{
    networks::Networks,
    server::{DatabaseType, Login, Postgres, Secret, Server, Tls},
    telemetry::{Share, Telemetry, Traces},
};

/// Everything that `cairn` needs to know before it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The name shown to people; `registryName` of the older form, else the first registry's name.
    pub name: String,
    /// Public listener: registry API, documents, pages.
    pub address: SocketAddr,
    /// Internal listener: probes and metrics.
    pub internal_address: SocketAddr,
    /// Proxies whose word for a client's address, scheme, host and prefix is taken.
    pub trusted_proxies: Networks,
    pub auth: Auth,
    /// Where everything lies that has no path of its own; the directory is made at start.
    pub data_dir: PathBuf,
    pub database: Database,
    pub sources: Vec<Source>,
    /// In order; the first one is the default that root bases serve.
    pub registries: Vec<Registry>,
    pub limits: Limits,
    pub cache: Cache,
    pub probes: Probes,
    pub log: Log,
    pub telemetry: Telemetry,
    pub sync: Sync,
}

/// Who may call. Both listeners are checked against it while loading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// Nothing was said: everybody who reaches a loopback address.
    Undeclared,
    /// Everybody, on any address, because the operator said so.
    Anonymous,
}

/// Where everything is stored: in an embedded libsql database, or on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// The server; without one the file is used.
    pub postgres: Option<Postgres>,
    /// What was given of a server, as it is shown.
    pub server: Server,
    /// File; the directory is made at start.
    pub path: PathBuf,
    /// Connections for reading; writes have one of their own.
    pub readers: usize,
    /// How long a statement waits for another process's lock.
    pub busy_timeout: Duration,
}

impl std::fmt::Display for Database {
    /// As people are told: no user, no password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.postgres {
            Some(server) => write!(f, "{} on {}:{}", server.database, server.host, server.port),
            None => write!(f, "{}", self.path.display()),
        }
    }
}

/// A place that records come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub name: String,
    pub origin: Origin,
    pub format: Option<Format>,
    /// Time between two successful runs.
    pub interval: Duration,
    pub removals: Removals,
    pub filter: Filter,
}

/// Entries that a whole reading of a source may remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Removals {
    /// Most of the source only when a second reading confirms it.
    #[default]
    Confirmed,
    Unbounded,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Git {
        repository: String,
        reference: GitReference,
        path: String,
        auth: Option<BasicAuth>,
        /// Certificates of authorities that are trusted besides the system's.
        ca_path: Option<PathBuf>,
    },
    File(FileOrigin),
    Api {
        endpoint: String,
        /// For one request.
        timeout: Duration,
        access: Access,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileOrigin {
    Path(PathBuf),
    Url {
        url: String,
        timeout: Duration,
        access: Access,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GitReference {
    /// What the remote's HEAD names.
    Default,
    Branch(String),
    Tag(String),
    Commit(String),
}

/// Credentials and headers that a source sends to its web server, and the authorities that it trusts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    pub credentials: Option<Credentials>,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// Names, and the files of the values.
    pub header_files: Vec<(String, PathBuf)>,
    /// Certificates of authorities that are trusted besides the system's.
    pub ca_path: Option<PathBuf>,
}

/// The secret that a source shows; it is read from its file at each pass, so that a rotated one works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// The file of a bearer token.
    Token(PathBuf),
    Basic(BasicAuth),
}

/// HTTP basic authentication; the password is read from its file at each use, so that a rotated one works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BasicAuth {
    pub username: String,
    pub password_file: PathBuf,
}

/// The file format named by an operator; without one it is detected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// ToolHive legacy: `servers` and `remote_servers` as maps.
    Toolhive,
    /// ToolHive upstream: `data.servers`.
    Upstream,
    /// A v0.1 list envelope, an array, or a single server.json.
    Mcp,
}

/// Which records of a source are shown. Exclude wins over include; an empty include shows all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Globs, in which `*` also crosses `/`.
    pub include_names: Vec<String>,
    pub exclude_names: Vec<String>,
    /// Exact tags.
    pub include_tags: Vec<String>,
    pub exclude_tags: Vec<String>,
}

/// An ordered view over sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registry {
    pub name: String,
    /// Earlier ones shadow later ones.
    pub sources: Vec<String>,
    /// Hides records that deviate from the server.json schema.
    pub valid_only: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    pub connections: usize,
    /// Above this many at once a request gets 503 with Retry-After.
    pub requests: usize,
    /// Bytes.
    pub header_size: usize,
    /// Bytes; above it 413.
    pub body_size: usize,
    pub header_timeout: Duration,
    /// Between two requests of a connection.
    pub idle_timeout: Duration,
    pub request_timeout: Duration,
    pub drain_timeout: Duration,
    /// Guest instances alive at once.
    pub instances: usize,
    /// Requests that one instance serves at the same time.
    pub concurrent_per_instance: usize,
    /// Requests after which an instance is replaced.
    pub requests_per_instance: usize,
    /// Bytes of linear memory of one instance.
    pub instance_memory: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    pub enabled: bool,
    /// Bytes of all cached responses with their variants.
    pub size: usize,
    /// How long a response stands in, after it was fresh, for one that is not to be had.
    pub stale_if_error: Duration,
}

/// What the public port answers besides the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probes {
    pub public: bool,
    pub public_metrics: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    pub level: String,
    /// `None`: readable on a terminal, JSON otherwise.
    pub json: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sync {
    /// Run the daemon inside `serve`.
    pub enabled: bool,
    /// Bytes of one record; a larger one is quarantined.
    pub max_record_size: usize,
    /// Time a lease lives without being renewed.
    pub lease: Duration,
    /// An incremental source is read whole again after this time, to find what vanished.
    pub full_pass_interval: Duration,
}
