//! A database on a server: what the keys say of it, and what follows from them. The URL, when there is one, has been taken
//! apart by `postgres_url.rs`; nothing here connects.

use std::{path::PathBuf, time::Duration};

use super::{
    env::{self, Lookup},
    postgres_url::PostgresUrl,
};

/// Which engine was asked for by name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DatabaseType {
    /// A server when one is named.
    #[default]
    Auto,
    Libsql,
    Postgres,
}

/// The keys of a server as they were given. An empty text is one that was not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Server {
    pub engine: DatabaseType,
    /// Only until it has been taken apart.
    pub url: Option<Secret>,
    /// A standby to read from.
    pub read_url: Option<Secret>,
    pub host: String,
    pub port: usize,
    pub user: String,
    pub password: Option<Secret>,
    pub migration_user: String,
    pub migration_password: Option<Secret>,
    pub database: String,
    pub tls: Tls,
    pub ca_file: PathBuf,
    pub connections: usize,
    pub idle: usize,
    pub lifetime: Duration,
    pub statement_timeout: Duration,
    pub attempts: usize,
    pub pause: Duration,
}

impl Server {
    /// Takes the URL apart; what it says goes before the other keys.
    pub(super) fn spread(&mut self) -> Result<(), String> {
        let Some(url) = self.url.take() else {
            return Ok(());
        };
        let url: PostgresUrl = url.expose().parse()?;
        self.host = url.host.unwrap_or_else(|| "localhost".to_owned());
        let fill = |place: &mut String, part: Option<String>| {
            if let Some(part) = part {
                *place = part;
            }
        };
        fill(&mut self.user, url.user);
        fill(&mut self.database, url.database);
        self.port = url.port.map_or(self.port, usize::from);
        self.tls = url.tls.unwrap_or(self.tls);
        self.ca_file = url
            .ca_file
            .unwrap_or_else(|| std::mem::take(&mut self.ca_file));
        self.password = url.password.or(self.password.take());
        Ok(())
    }

    /// The server that is to be used, if one is.
    pub(super) fn chosen(&self, env: &dyn Lookup) -> Result<Option<Postgres>, String> {
        match (self.engine, self.host.is_empty()) {
            (DatabaseType::Libsql, _) | (DatabaseType::Auto, true) => Ok(None),
            (DatabaseType::Postgres, true) => Err(
                "is postgres, but no server is named; give database.host or database.url"
                    .to_owned(),
            ),
            (DatabaseType::Postgres | DatabaseType::Auto, false) => Ok(Some(self.postgres(env))),
        }
    }

    /// The standby of that primary, if one is named: what its URL does not say is as for the primary.
    pub(super) fn standby(&self, primary: Option<&Postgres>) -> Result<Option<Postgres>, String> {
        let Some(url) = &self.read_url else {
            return Ok(None);
        };
        let primary = primary
            .ok_or("names a standby, but no primary is: give database.url or database.host")?;
        let url: PostgresUrl = url.expose().parse()?;
        let host = url.host.ok_or("names no host")?;
        let login = Login {
            password: match &url.user {
                Some(user) if *user != primary.login.user => url.password,
                _ => url.password.or(primary.login.password.clone()),
            },
            user: url.user.unwrap_or(primary.login.user.clone()),
        };
        Ok(Some(Postgres {
            host,
            port: url.port.unwrap_or(primary.port),
            database: url.database.unwrap_or(primary.database.clone()),
            login,
            tls: url.tls.unwrap_or(primary.tls),
            ca_file: url.ca_file.or(primary.ca_file.clone()),
            ..primary.clone()
        }))
    }

    fn postgres(&self, env: &dyn Lookup) -> Postgres {
        let or_user = |text: &str| if text.is_empty() { &self.user } else { text }.to_owned();
        let login = Login {
            user: self.user.clone(),
            password: self.password.clone(),
        };
        let migration = Login {
            user: or_user(&self.migration_user),
            password: self.migration_password.clone(),
        };
        Postgres {
            host: self.host.clone(),
            port: u16::try_from(self.port).unwrap_or(5432),
            database: or_user(&self.database),
            migration: if migration.user == login.user {
                login.clone()
            } else {
                migration
            },
            login,
            password_file: password_file(env),
            tls: self.tls,
            ca_file: Some(self.ca_file.clone()).filter(|file| !file.as_os_str().is_empty()),
            connections: self.connections,
            idle: self.idle,
            lifetime: self.lifetime,
            statement_timeout: self.statement_timeout,
            request_timeout: self.statement_timeout,
            attempts: self.attempts,
            pause: self.pause,
            standby: None,
        }
    }
}

/// Where libpq looks, too.
fn password_file(env: &dyn Lookup) -> Option<PathBuf> {
    let named = env::value(env, "PGPASSFILE").map(PathBuf::from);
    let home = || env::value(env, "HOME").map(|home| PathBuf::from(home).join(".pgpass"));
    named.or_else(home)
}

/// A Postgres database, or one that speaks its protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postgres {
    /// Name or address, or the directory of a local socket.
    pub host: String,
    pub port: u16,
    pub database: String,
    pub login: Login,
    /// Who changes the schema.
    pub migration: Login,
    /// Where passwords are looked up that are not given.
    pub password_file: Option<PathBuf>,
    pub tls: Tls,
    /// Certificates of those whose word is taken; without it the system's.
    pub ca_file: Option<PathBuf>,
    /// Most connections at once.
    pub connections: usize,
    /// Connections kept when nobody needs them.
    pub idle: usize,
    /// Age at which a connection is replaced.
    pub lifetime: Duration,
    /// For one statement, and for a transaction that does nothing.
    pub statement_timeout: Duration,
    /// For one statement of a request, its connection included.
    pub request_timeout: Duration,
    /// How often a starting process tries to reach it, and the time between two tries.
    pub attempts: usize,
    pub pause: Duration,
    /// Where lists, single records and searches are read as long as it keeps up.
    pub standby: Option<Box<Postgres>>,
}

/// Added to the time of a statement, for its connection and its way there and back.
const CONNECTING: Duration = Duration::from_secs(1);

impl Postgres {
    /// Ends statements of requests before the requests themselves end, so that a silent database is named as the cause.
    /// With a standby there is time for the primary after it.
    pub(super) fn bound_requests(&mut self, whole: Duration) {
        let most = whole.saturating_mul(3) / 4;
        let bound = |server: &Self, most| {
            server
                .statement_timeout
                .saturating_add(CONNECTING)
                .min(most)
        };
        self.request_timeout = bound(self, most);
        if let Some(standby) = &mut self.standby {
            standby.request_timeout = bound(standby, most / 2);
        }
    }

    /// The same server, for changes of its schema.
    #[must_use]
    pub fn for_migration(&self) -> Self {
        Self {
            login: self.migration.clone(),
            standby: None,
            ..self.clone()
        }
    }
}

/// Who one is to a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    pub user: String,
    pub password: Option<Secret>,
}

/// A text that nobody should read: it is shown as `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for whoever has to send it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// How a connection to Postgres is protected: `sslMode`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tls {
    Disable,
    /// If the server can.
    Prefer,
    /// Encrypted, to whomever it may be.
    #[default]
    Require,
    /// The certificate's issuer is known.
    VerifyCa,
    /// And it is this host's certificate.
    VerifyFull,
}
