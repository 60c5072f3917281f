//! Which origin of a value wins, and what follows from it.

use std::{collections::BTreeMap, path::PathBuf};

use super::{
    super::{Overrides, effective_json, key::twin, keys, load, model::Auth},
    CURRENT, env, problems, read, read_with,
};

#[test]
fn a_flag_goes_over_the_environment_over_the_file_over_the_default() {
    let file =
        format!("{CURRENT}cache: {{ size: 1MiB }}\naddress: 127.0.0.1:1\nlog: {{ level: warn }}\n");
    let flags = |address: Option<&str>| Overrides {
        address: address.map(str::to_owned),
        ..Overrides::default()
    };
    for (variable, flag, expected) in [
        (None, None, "127.0.0.1:1"),
        (Some("127.0.0.1:2"), None, "127.0.0.1:2"),
        (Some(""), None, "127.0.0.1:1"),
        (Some("127.0.0.1:2"), Some("127.0.0.1:3"), "127.0.0.1:3"),
    ] {
        let variables: Vec<_> = variable
            .iter()
            .map(|value| ("CAIRN_ADDRESS", *value))
            .collect();
        let config = read_with(&file, &variables, &flags(flag)).expect("loads");
        assert_eq!(config.address.to_string(), expected);
        assert_eq!(
            (config.cache.size, config.log.level.as_str()),
            (1 << 20, "warn")
        );
        assert_eq!(config.database.readers, 4);
    }
}

#[test]
fn every_flag_reaches_its_value() {
    let flags = Overrides {
        address: Some(":1".to_owned()),
        internal_address: Some(":2".to_owned()),
        auth_mode: Some("anonymous".to_owned()),
        data_dir: Some("/data".to_owned()),
        database_path: Some("/elsewhere/c.db".to_owned()),
        sync: Some(true),
        log_level: Some("debug".to_owned()),
        log_format: Some("json".to_owned()),
    };
    let config = load(None, &flags, &env(&[])).expect("loads");
    assert_eq!(
        (
            config.address.port(),
            config.internal_address.port(),
            config.auth
        ),
        (1, 2, Auth::Anonymous)
    );
    assert_eq!(
        (config.data_dir, config.database.path),
        (PathBuf::from("/data"), PathBuf::from("/elsewhere/c.db"))
    );
    assert_eq!(
        (
            config.sync.enabled,
            config.log.level.as_str(),
            config.log.json
        ),
        (true, "debug", Some(true))
    );
}

/// A value for every key, other than its default.
const SCALARS: [(&str, &str); 60] = [
    ("address", "127.0.0.1:9"),
    ("internalAddress", "127.0.0.1:10"),
    ("server.trustedProxies", "10.0.0.0/8"),
    ("auth.mode", "anonymous"),
    ("dataDir", "/data"),
    ("database.path", "/data/x.db"),
    ("database.readers", "7"),
    ("database.busyTimeout", "7s"),
    ("database.type", "postgres"),
    ("database.url", "postgres://there"),
    ("database.readUrl", "postgres://copy"),
    ("database.host", "there"),
    ("database.port", "7"),
    ("database.user", "me"),
    ("database.password", "pw"),
    ("database.migrationUser", "me"),
    ("database.migrationPassword", "pw"),
    ("database.database", "mine"),
    ("database.sslMode", "disable"),
    ("database.sslRootCert", "/ca.pem"),
    ("database.maxOpenConns", "7"),
    ("database.maxIdleConns", "7"),
    ("database.connMaxLifetime", "7s"),
    ("database.statementTimeout", "7s"),
    ("database.connectAttempts", "7"),
    ("database.connectInterval", "7s"),
    ("sync.enabled", "false"),
    ("sync.maxRecordSize", "7KiB"),
    ("sync.lease", "7s"),
    ("sync.fullPassInterval", "7h"),
    ("limits.connections", "7"),
    ("limits.requests", "7"),
    ("limits.headerSize", "7KiB"),
    ("limits.bodySize", "7KiB"),
    ("limits.headerTimeout", "7s"),
    ("limits.idleTimeout", "7s"),
    ("limits.requestTimeout", "7s"),
    ("limits.drainTimeout", "7s"),
    ("limits.instances", "7"),
    ("limits.concurrentPerInstance", "7"),
    ("limits.requestsPerInstance", "7"),
    ("limits.instanceMemory", "7MiB"),
    ("cache.enabled", "false"),
    ("cache.size", "7MiB"),
    ("cache.staleIfError", "7s"),
    ("probes.public", "false"),
    ("probes.publicMetrics", "true"),
    ("log.level", "trace"),
    ("log.format", "text"),
    ("telemetry.enabled", "false"),
    ("telemetry.serviceName", "ours"),
    ("telemetry.serviceVersion", "7"),
    ("telemetry.resourceAttributes", "a=b"),
    ("telemetry.endpoint", "there:7"),
    ("telemetry.insecure", "true"),
    ("telemetry.headers", "a=b"),
    ("telemetry.tracing.enabled", "false"),
    ("telemetry.tracing.sampling", "0.7"),
    ("telemetry.metrics.enabled", "true"),
    ("registryName", "first"),
];

/// Taken in and never shown.
const SECRETS: [&str; 5] = [
    "database.url",
    "database.readUrl",
    "database.password",
    "database.migrationPassword",
    "telemetry.headers",
];

#[test]
fn every_scalar_key_has_a_working_twin_in_the_environment() {
    let variables = BTreeMap::from(SCALARS);
    let declared: Vec<&str> = keys::CONFIG.iter().map(|key| key.path).collect();
    assert!(
        declared.iter().all(|path| variables.contains_key(path)),
        "a new key needs a row here"
    );
    assert_eq!(declared.len(), variables.len());
    let twins: Vec<(String, &str)> = variables
        .iter()
        .map(|(path, value)| (twin(path), *value))
        .collect();
    let twins: Vec<(&str, &str)> = twins
        .iter()
        .map(|(name, value)| (name.as_str(), *value))
        .collect();
    let shown: serde_json::Value =
        serde_json::from_str(&effective_json(&read(CURRENT, &twins).expect("loads")))
            .expect("JSON");
    for (path, value) in variables {
        let found = shown.pointer(&format!("/{}", path.replace('.', "/")));
        let expected = (!SECRETS.contains(&path)).then_some(value);
        let found = found.map(serde_json::Value::to_string);
        let found = found.as_deref().map(|text| text.trim_matches('"'));
        assert_eq!(found, expected, "{path}");
    }
}

#[test]
fn names_of_the_toolhive_registry_server_work_and_must_not_contradict_ours() {
    let level =
        |variables: &[(&str, &str)]| read(CURRENT, variables).map(|config| config.log.level);
    for (variables, expected) in [
        (&[("THV_REGISTRY_LOG_LEVEL", "debug")][..], "debug"),
        (&[("LOG_LEVEL", "DEBUG")], "DEBUG"),
        (
            &[("LOG_LEVEL", "debug"), ("CAIRN_LOG_LEVEL", "warn")],
            "warn",
        ),
        (
            &[
                ("THV_REGISTRY_LOG_LEVEL", "debug"),
                ("CAIRN_LOG_LEVEL", "debug"),
            ],
            "debug",
        ),
        (
            &[("THV_REGISTRY_LOG_LEVEL", ""), ("CAIRN_LOG_LEVEL", "debug")],
            "debug",
        ),
    ] {
        assert_eq!(level(variables).expect("loads"), expected, "{variables:?}");
    }
    let contradiction = [
        ("THV_REGISTRY_AUTH_MODE", "oauth"),
        ("CAIRN_AUTH_MODE", "anonymous"),
    ];
    assert_eq!(
        problems(read(CURRENT, &contradiction)),
        [
            "THV_REGISTRY_AUTH_MODE: auth.mode: `CAIRN_AUTH_MODE` has another value; unset one of the two"
        ]
    );
}

#[test]
fn the_data_directory_is_the_users_own_unless_one_is_given() {
    let home = ("HOME", "/home/me");
    for (variables, directory, database) in [
        (&[][..], ".cairn", ".cairn/cairn.db"),
        (
            &[home],
            "/home/me/.local/share/cairn",
            "/home/me/.local/share/cairn/cairn.db",
        ),
        (
            &[home, ("XDG_DATA_HOME", "/xdg")],
            "/xdg/cairn",
            "/xdg/cairn/cairn.db",
        ),
        (
            &[home, ("XDG_DATA_HOME", "relative")],
            "/home/me/.local/share/cairn",
            "/home/me/.local/share/cairn/cairn.db",
        ),
        (
            &[home, ("CAIRN_DATA_DIR", "/data")],
            "/data",
            "/data/cairn.db",
        ),
        (
            &[
                ("CAIRN_DATA_DIR", "/data"),
                ("CAIRN_DATABASE_PATH", "/fast/c.db"),
            ],
            "/data",
            "/fast/c.db",
        ),
    ] {
        let config = load(None, &Overrides::default(), &env(variables)).expect("loads");
        assert_eq!(
            (config.data_dir, config.database.path),
            (PathBuf::from(directory), PathBuf::from(database))
        );
    }
}

#[test]
fn without_auth_only_loopback_addresses_are_listened_on() {
    let config = read(CURRENT, &[]).expect("loads");
    assert_eq!(
        (
            config.address.to_string(),
            config.internal_address.to_string()
        ),
        ("127.0.0.1:8080".into(), "127.0.0.1:8081".into())
    );
    let refused = |place: &str, key: &str, address: &str| {
        format!(
            "{place}: {key}: `{address}` can be reached from other machines; set `auth.mode: anonymous` if everybody may read, or \
             use a loopback address"
        )
    };
    let flag = Overrides {
        address: Some("[::]:80".to_owned()),
        ..Overrides::default()
    };
    let line = CURRENT.lines().count() + 1;
    assert_eq!(
        problems(read(format!("{CURRENT}address: :8080\n"), &[])),
        [refused(&line.to_string(), "address", "[::]:8080")]
    );
    assert_eq!(
        problems(read(CURRENT, &[("CAIRN_INTERNAL_ADDRESS", "10.0.0.1:1")])),
        [refused(
            "CAIRN_INTERNAL_ADDRESS",
            "internalAddress",
            "10.0.0.1:1"
        )]
    );
    assert_eq!(
        problems(read_with(CURRENT, &[], &flag)),
        [refused("--address", "address", "[::]:80")]
    );
    for variables in [
        &[("CAIRN_ADDRESS", "127.8.8.8:1")][..],
        &[("CAIRN_ADDRESS", "[::1]:1")],
        &[("CAIRN_ADDRESS", "[::ffff:127.0.0.1]:1")],
        &[("CAIRN_ADDRESS", ":1"), ("CAIRN_AUTH_MODE", "anonymous")],
    ] {
        read(CURRENT, variables).expect("loads");
    }
}

#[test]
fn the_file_may_be_named_by_the_environment() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), CURRENT).expect("written");
    let path = file.path().to_str().expect("a name");
    let config = load(None, &Overrides::default(), &env(&[("CAIRN_CONFIG", path)])).expect("loads");
    assert_eq!(config.registries.len(), 2);
}
