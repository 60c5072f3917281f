//! From a file, the environment and flags to a [`Config`]: the layers in order, what follows from other keys, and the rules
//! between keys. Everything wrong is reported at once.

use std::{
    fs::File,
    io::Read,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    element::take,
    env::{self, Lookup},
    error::{At, ConfigError, Report},
    forms::Lists,
    keys,
    layer::{self, Layer},
    model::{
        Auth, Cache, Config, Database, Limits, Log, Networks, Probes, Server, Sync, Telemetry,
    },
    refused, telemetry,
    yaml::{self, Entry, Value},
};

/// Bytes of a configuration file; a larger one is no configuration.
const MAX_FILE: u64 = 1 << 20;
/// Ports of the two listeners when nothing else is said.
const PORTS: (u16, u16) = (8080, 8081);

/// Flags of the command line, which go over everything else.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--address`
    pub address: Option<String>,
    /// `--internal-address`
    pub internal_address: Option<String>,
    /// `--auth-mode`
    pub auth_mode: Option<String>,
    /// `--data-dir`
    pub data_dir: Option<String>,
    /// `--database`
    pub database_path: Option<String>,
    /// `--sync`
    pub sync: Option<bool>,
    /// `--log-level`
    pub log_level: Option<String>,
    /// `--log-format`
    pub log_format: Option<String>,
}

impl Overrides {
    fn layer(&self) -> Layer {
        let sync = self.sync.map(|on| on.to_string());
        let mut layer = Layer::default();
        for (path, flag, text) in [
            ("address", "--address", &self.address),
            (
                "internalAddress",
                "--internal-address",
                &self.internal_address,
            ),
            ("auth.mode", "--auth-mode", &self.auth_mode),
            ("dataDir", "--data-dir", &self.data_dir),
            ("database.path", "--database", &self.database_path),
            ("sync.enabled", "--sync", &sync),
            ("log.level", "--log-level", &self.log_level),
            ("log.format", "--log-format", &self.log_format),
        ] {
            if let Some(text) = text {
                layer.set(path, At::Flag(flag), text.clone());
            }
        }
        layer
    }
}

/// Reads the configuration: default < file < environment < flag. Without `path`, `CAIRN_CONFIG` names the file; without
/// that there are no sources and no registries, which is enough for commands that only need the database.
pub fn load(
    path: Option<&Path>,
    overrides: &Overrides,
    env: &dyn Lookup,
) -> Result<Config, ConfigError> {
    let mut report = Report::default();
    let file = file(path, env);
    let root = match file.as_deref().map(read_file).transpose() {
        Ok(root) => root,
        Err((line, message)) => {
            report.add("", &At::Line(line), message);
            return report.finish(blank(), file.as_deref());
        }
    };
    let config = assemble(root, overrides, env, &mut report);
    report.finish(config, file.as_deref())
}

/// The configuration file: `path`, else the one that the environment names.
#[must_use]
pub fn file(path: Option<&Path>, env: &dyn Lookup) -> Option<PathBuf> {
    let named = || {
        let mut names = env::FILE.iter();
        names
            .find_map(|name| env::value(env, name))
            .map(PathBuf::from)
    };
    path.map(Path::to_path_buf).or_else(named)
}

fn assemble(
    root: Option<Vec<Entry>>,
    overrides: &Overrides,
    env: &dyn Lookup,
    report: &mut Report,
) -> Config {
    let (in_file, mut root) = (root.is_some(), root.unwrap_or_default());
    let lists = Lists {
        sources: take(&mut root, "sources"),
        registries: take(&mut root, "registries"),
    };
    let auth = root
        .iter()
        .find(|entry| entry.key == "auth" && entry.node.value != Value::Null)
        .map(|entry| entry.line);
    let mut given = layer::read([&keys::CONFIG, refused::CONFIG], "", root, report);
    given.cover(env::read(&keys::CONFIG, env, report));
    given.cover(overrides.layer());

    let mut config = blank();
    given.fill(&keys::CONFIG, "", &mut config, report);
    derive(&mut config, &given, env);
    choose_database(&mut config.database, &given, env, report);
    bound(&mut config);
    telemetry::derive(&mut config.telemetry, &given, env, report);
    if in_file {
        let catalog = lists.read(given.get("registryName"), report);
        (config.sources, config.registries) = (catalog.sources, catalog.registries);
        config.name = config
            .registries
            .first()
            .map(|registry| registry.name.clone())
            .unwrap_or_default();
    }
    if let (Some(line), None) = (auth, given.get("auth.mode")) {
        let message = "is missing; set `anonymous` if everybody may read, or remove `auth` to serve loopback only";
        report.add("auth.mode", &At::Line(line), message);
    }
    check_listeners(&config, &given, report);
    config
}

/// Values that depend on other keys or on the user's directories.
fn derive(config: &mut Config, given: &Layer, env: &dyn Lookup) {
    let ip: IpAddr = match config.auth {
        Auth::Undeclared => Ipv4Addr::LOCALHOST.into(),
        Auth::Anonymous => Ipv6Addr::UNSPECIFIED.into(),
    };
    if given.get("address").is_none() {
        config.address = SocketAddr::from((ip, PORTS.0));
    }
    if given.get("internalAddress").is_none() {
        config.internal_address = SocketAddr::from((ip, PORTS.1));
    }
    if given.get("dataDir").is_none() {
        config.data_dir = data_dir(env);
    }
    if given.get("database.path").is_none() {
        config.database.path = config.data_dir.join("cairn.db");
    }
}

/// Which database it is: the file, or the server that URL and keys describe.
fn choose_database(database: &mut Database, given: &Layer, env: &dyn Lookup, report: &mut Report) {
    let at = |key| given.get(key).map_or(At::Default, |place| place.at.clone());
    if let Err(message) = database.server.spread() {
        report.add("database.url", &at("database.url"), message);
        return;
    }
    match database.server.chosen(env) {
        Ok(chosen) => database.postgres = chosen,
        Err(message) => {
            report.add("database.type", &at("database.type"), message);
            return;
        }
    }
    match database.server.standby(database.postgres.as_ref()) {
        Ok(standby) => {
            if let Some(primary) = &mut database.postgres {
                primary.standby = standby.map(Box::new);
            }
        }
        Err(message) => report.add("database.readUrl", &at("database.readUrl"), message),
    }
}

/// Limits that follow from other limits.
fn bound(config: &mut Config) {
    if let Some(server) = &mut config.database.postgres {
        server.bound_requests(config.limits.request_timeout);
    }
}

/// The user's data directory as the XDG base directory specification has it: a relative one is ignored.
fn data_dir(env: &dyn Lookup) -> PathBuf {
    let directory = |name| {
        env::value(env, name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    match (directory("XDG_DATA_HOME"), directory("HOME")) {
        (Some(data), _) => data.join("cairn"),
        (None, Some(home)) => home.join(".local/share/cairn"),
        (None, None) => PathBuf::from(".cairn"),
    }
}

/// Without `auth` nothing listens where other machines can reach it, and the listeners do not take each other's place.
fn check_listeners(config: &Config, given: &Layer, report: &mut Report) {
    let listeners = [
        ("address", config.address),
        ("internalAddress", config.internal_address),
    ];
    for (key, address) in listeners {
        let loopback = address.ip().to_canonical().is_loopback();
        if let (false, None, Some(place)) = (loopback, given.get("auth.mode"), given.get(key)) {
            let message = format!(
                "`{address}` can be reached from other machines; set `auth.mode: anonymous` if everybody may read, or use a \
                 loopback address"
            );
            report.add(key, &place.at, message);
        }
    }
    let (public, internal) = (config.address, config.internal_address);
    let same_port = public.port() == internal.port() && public.port() != 0;
    let wildcard = |ip: IpAddr| ip.is_unspecified();
    if same_port
        && (public.ip() == internal.ip() || wildcard(public.ip()) || wildcard(internal.ip()))
    {
        let at = given
            .get("internalAddress")
            .or(given.get("address"))
            .map_or(At::Default, |place| place.at.clone());
        report.add(
            "internalAddress",
            &at,
            format!("`{internal}` is the public listener's too; choose another port"),
        );
    }
}

/// The entries of a file's top level, or the line and the reason why there are none.
fn read_file(path: &Path) -> Result<Vec<Entry>, (u64, String)> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes));
    read.map_err(|error| (0, format!("cannot be read: {error}")))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err((
            0,
            "is larger than 1 MiB, which no configuration is; is it another file?".to_owned(),
        ));
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| (0, "is no UTF-8 text; save it as UTF-8".to_owned()))?;
    let root = yaml::parse(&text).map_err(|broken| (broken.line, broken.message))?;
    match root.value {
        Value::Map(entries) => Ok(entries),
        Value::Null => Ok(Vec::new()),
        Value::Text(_) | Value::List(_) => Err((
            root.line,
            "is not a map of keys at its top level".to_owned(),
        )),
    }
}

/// Places to be filled by the tables; none of these values is ever used.
pub(super) fn blank() -> Config {
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Config {
        name: String::new(),
        address: nowhere,
        internal_address: nowhere,
        trusted_proxies: Networks::default(),
        auth: Auth::Undeclared,
        data_dir: PathBuf::new(),
        database: Database {
            postgres: None,
            server: Server::default(),
            path: PathBuf::new(),
            readers: 0,
            busy_timeout: Duration::ZERO,
        },
        sources: Vec::new(),
        registries: Vec::new(),
        limits: Limits {
            connections: 0,
            requests: 0,
            header_size: 0,
            body_size: 0,
            header_timeout: Duration::ZERO,
            idle_timeout: Duration::ZERO,
            request_timeout: Duration::ZERO,
            drain_timeout: Duration::ZERO,
            instances: 0,
            concurrent_per_instance: 0,
            requests_per_instance: 0,
            instance_memory: 0,
        },
        cache: Cache {
            enabled: false,
            size: 0,
            stale_if_error: Duration::ZERO,
        },
        probes: Probes {
            public: false,
            public_metrics: false,
        },
        log: Log {
            level: String::new(),
            json: None,
        },
        telemetry: Telemetry::default(),
        sync: Sync {
            enabled: false,
            max_record_size: 0,
            lease: Duration::ZERO,
            full_pass_interval: Duration::ZERO,
        },
    }
}
