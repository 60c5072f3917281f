//! The keys outside lists that work, each declared once with its default, its place and its documentation. Nothing else in
//! this folder names a default or the place of a key. `list_keys.rs` does the same for sources and registries.

use std::time::Duration;

use super::{
    check,
    key::{Derived, Key, Nothing, Text},
    model::Config,
    slot::Slot,
    telemetry,
    units::{GIB, HOUR, KIB, MIB, MILLISECOND, SECOND, YEAR},
};

/// Scalars of the configuration, in the order of the documentation.
pub(super) const CONFIG: &[Key<Config>] = &[
    Key::new(
        "registryName",
        Derived("the first registry; in the older form `default`"),
        |c: &mut Config| Slot::Text(&mut c.name, check::NAME),
        "Name of the default registry, which the root bases serve.",
    )
    .also(&["THV_REGISTRY_REGISTRYNAME"]),
    Key::new(
        "address",
        Derived("`127.0.0.1:8080`; with `auth.mode: anonymous` `0.0.0.0:8080`"),
        |c: &mut Config| Slot::Address(&mut c.address),
        "Public listener: registry API, documents, pages. `:8080` means every interface.",
    )
    .also(&["THV_REGISTRY_ADDRESS"]),
    Key::new(
        "internalAddress",
        Derived("`127.0.0.1:8081`; with `auth.mode: anonymous` `0.0.0.0:8081`"),
        |c: &mut Config| Slot::Address(&mut c.internal_address),
        "Internal listener: probes, version, metrics. Never to be reached from outside.",
    )
    .also(&["THV_REGISTRY_INTERNAL_ADDRESS"]),
    Key::new(
        "dataDir",
        Derived("`$XDG_DATA_HOME/cairn`, else `~/.local/share/cairn`, else `./.cairn`"),
        |c| Slot::Path(&mut c.data_dir, check::PATH),
        "Directory for everything without a path of its own; made at start.",
    ),
    Key::new(
        "auth.mode",
        Nothing("none: loopback only"),
        |c: &mut Config| Slot::Choice(&mut c.auth),
        "Who may call. Without it both listeners must be loopback addresses.",
    )
    .also(&["THV_REGISTRY_AUTH_MODE"]),
    Key::new(
        "database.path",
        Derived("`cairn.db` in `dataDir`"),
        |c| Slot::Path(&mut c.database.path, check::DATABASE_FILE),
        "File of the embedded libsql database; its directory is made at start.",
    ),
    Key::new(
        "database.readers",
        Text("4"),
        |c| Slot::Count(&mut c.database.readers, 1..=256),
        "Connections for reading; writes have one of their own.",
    ),
    Key::new(
        "database.busyTimeout",
        Text("5s"),
        |c| Slot::Time(&mut c.database.busy_timeout, Duration::ZERO..=HOUR),
        "How long a statement waits for another process's lock.",
    ),
    Key::new(
        "database.type",
        Text("auto"),
        |c: &mut Config| Slot::Choice(&mut c.database.server.engine),
        "`auto` is Postgres when a server is named, else the embedded database.",
    )
    .also(&["DATABASE_TYPE"]),
    Key::new(
        "database.url",
        Nothing("none"),
        |c: &mut Config| Slot::Secret(&mut c.database.server.url),
        "A server as `postgres://user:password@host:port/database?sslmode=…`; what it says goes before the keys below.",
    )
    .also(&["DATABASE_URL", "DATABASE_DSN"]),
    Key::new(
        "database.readUrl",
        Nothing("none: everything is read from the primary"),
        |c: &mut Config| Slot::Secret(&mut c.database.server.read_url),
        "A streaming standby of the server, for lists, single records and searches; what its URL leaves out is as for the primary.",
    )
    .also(&["DATABASE_READ_URL"]),
    Key::new(
        "database.host",
        Nothing("none: the embedded database"),
        |c: &mut Config| Slot::Text(&mut c.database.server.host, check::PATTERN),
        "Name or address of a Postgres server, or the directory of its socket.",
    )
    .also(&["THV_REGISTRY_DATABASE_HOST"]),
    Key::new(
        "database.port",
        Text("5432"),
        |c: &mut Config| Slot::Count(&mut c.database.server.port, 1..=65_535),
        "Its port.",
    )
    .also(&["THV_REGISTRY_DATABASE_PORT"]),
    Key::new(
        "database.user",
        Text("cairn"),
        |c: &mut Config| Slot::Text(&mut c.database.server.user, check::PATTERN),
        "Who reads and writes.",
    )
    .also(&["THV_REGISTRY_DATABASE_USER"]),
    Key::new(
        "database.password",
        Derived("the line of the password file: `PGPASSFILE`, else `~/.pgpass`"),
        |c: &mut Config| Slot::Secret(&mut c.database.server.password),
        "The user's password; better given by variable or password file.",
    )
    .also(&["THV_REGISTRY_DATABASE_PASSWORD"]),
    Key::new(
        "database.migrationUser",
        Derived("`database.user`"),
        |c: &mut Config| Slot::Text(&mut c.database.server.migration_user, check::PATTERN),
        "Who changes the schema, and owns the tables; `database.user` is granted what it needs.",
    )
    .also(&["THV_REGISTRY_DATABASE_MIGRATIONUSER"]),
    Key::new(
        "database.migrationPassword",
        Derived("the line of the password file"),
        |c: &mut Config| Slot::Secret(&mut c.database.server.migration_password),
        "The migration user's password.",
    )
    .also(&["THV_REGISTRY_DATABASE_MIGRATIONPASSWORD"]),
    Key::new(
        "database.database",
        Derived("the name of `database.user`"),
        |c: &mut Config| Slot::Text(&mut c.database.server.database, check::PATTERN),
        "Name of the database on the server.",
    )
    .also(&["THV_REGISTRY_DATABASE_DATABASE"]),
    Key::new(
        "database.sslMode",
        Text("require"),
        |c: &mut Config| Slot::Choice(&mut c.database.server.tls),
        "`prefer` and `allow` encrypt where the server can, `require` always; `verify-ca` and `verify-full` check who answers.",
    )
    .also(&["THV_REGISTRY_DATABASE_SSLMODE"]),
    Key::new(
        "database.sslRootCert",
        Nothing("the system's authorities"),
        |c: &mut Config| Slot::Path(&mut c.database.server.ca_file, check::SECRET_FILE),
        "Certificates (PEM) of those whose word for the server is taken.",
    ),
    Key::new(
        "database.maxOpenConns",
        Text("25"),
        |c: &mut Config| Slot::Count(&mut c.database.server.connections, 1..=10_000),
        "Connections to the server at once.",
    )
    .also(&["THV_REGISTRY_DATABASE_MAXOPENCONNS"]),
    Key::new(
        "database.maxIdleConns",
        Text("5"),
        |c: &mut Config| Slot::Count(&mut c.database.server.idle, 0..=10_000),
        "Connections kept when nobody has needed them for a while.",
    )
    .also(&["THV_REGISTRY_DATABASE_MAXIDLECONNS"]),
    Key::new(
        "database.connMaxLifetime",
        Text("5m"),
        |c: &mut Config| Slot::Time(&mut c.database.server.lifetime, SECOND..=YEAR),
        "Age at which a connection is replaced.",
    )
    .also(&["THV_REGISTRY_DATABASE_CONNMAXLIFETIME"]),
    Key::new(
        "database.statementTimeout",
        Text("30s"),
        |c: &mut Config| Slot::Time(&mut c.database.server.statement_timeout, MILLISECOND..=HOUR),
        "After this time the server gives a statement up.",
    ),
    Key::new(
        "database.connectAttempts",
        Text("30"),
        |c: &mut Config| Slot::Count(&mut c.database.server.attempts, 1..=100_000),
        "How often a starting process tries to reach the server.",
    ),
    Key::new(
        "database.connectInterval",
        Text("2s"),
        |c: &mut Config| Slot::Time(&mut c.database.server.pause, MILLISECOND..=HOUR),
        "Time between two such tries.",
    ),
    Key::new(
        "sync.enabled",
        Text("true"),
        |c| Slot::Flag(&mut c.sync.enabled),
        "Run the sync daemon inside `cairn serve` (flag `--sync`); with `false`, `cairn sync` does the work.",
    ),
    Key::new(
        "sync.maxRecordSize",
        Text("1MiB"),
        |c| Slot::Size(&mut c.sync.max_record_size, KIB..=64 * MIB),
        "A larger record is quarantined; the rest of its source serves.",
    ),
    Key::new(
        "sync.lease",
        Text("1m"),
        |c| Slot::Time(&mut c.sync.lease, SECOND..=HOUR),
        "How long a daemon that died keeps others from its source.",
    ),
    Key::new(
        "sync.fullPassInterval",
        Text("24h"),
        |c| Slot::Time(&mut c.sync.full_pass_interval, SECOND..=YEAR),
        "An incremental source is read whole again after this time, to find what vanished.",
    ),
    Key::new(
        "limits.connections",
        Text("4096"),
        |c| Slot::Count(&mut c.limits.connections, 1..=1_000_000),
        "Connections at once.",
    ),
    Key::new(
        "limits.requests",
        Text("1024"),
        |c| Slot::Count(&mut c.limits.requests, 1..=1_000_000),
        "Requests at once; above it the answer is 503 with Retry-After.",
    ),
    Key::new(
        "limits.headerSize",
        Text("32KiB"),
        |c| Slot::Size(&mut c.limits.header_size, KIB..=MIB),
        "Request line and header fields.",
    ),
    Key::new(
        "limits.bodySize",
        Text("1MiB"),
        |c| Slot::Size(&mut c.limits.body_size, KIB..=GIB),
        "Request body; above it the answer is 413.",
    ),
    Key::new(
        "limits.headerTimeout",
        Text("10s"),
        |c| Slot::Time(&mut c.limits.header_timeout, MILLISECOND..=HOUR),
        "From the first byte of a request to the end of its header.",
    ),
    Key::new(
        "limits.requestTimeout",
        Text("10s"),
        |c| Slot::Time(&mut c.limits.request_timeout, MILLISECOND..=HOUR),
        "From the end of the header to the response.",
    ),
    Key::new(
        "limits.drainTimeout",
        Text("30s"),
        |c| Slot::Time(&mut c.limits.drain_timeout, Duration::ZERO..=HOUR),
        "How long requests in flight may finish after SIGTERM.",
    ),
    Key::new(
        "limits.instances",
        Text("16"),
        |c| Slot::Count(&mut c.limits.instances, 1..=10_000),
        "Instances of the component alive at once. Two for each processor serve best; more are made only when these are full.",
    ),
    Key::new(
        "limits.concurrentPerInstance",
        Text("16"),
        |c| Slot::Count(&mut c.limits.concurrent_per_instance, 1..=1_024),
        "Requests that one instance serves at the same time.",
    ),
    Key::new(
        "limits.requestsPerInstance",
        Text("10000"),
        |c| Slot::Count(&mut c.limits.requests_per_instance, 1..=1_000_000_000),
        "Requests after which an instance is replaced.",
    ),
    Key::new(
        "limits.instanceMemory",
        Text("64MiB"),
        |c| Slot::Size(&mut c.limits.instance_memory, MIB..=4 * GIB),
        "Linear memory of one instance.",
    ),
    Key::new(
        "cache.enabled",
        Text("true"),
        |c| Slot::Flag(&mut c.cache.enabled),
        "Keep responses that allow it in front of the component.",
    ),
    Key::new(
        "cache.size",
        Text("16MiB"),
        |c| Slot::Size(&mut c.cache.size, 64 * KIB..=64 * GIB),
        "All cached responses with their compressed variants.",
    ),
    Key::new(
        "cache.staleIfError",
        Text("0s"),
        |c| Slot::Time(&mut c.cache.stale_if_error, Duration::ZERO..=YEAR),
        "How long a response that is no longer fresh stands in for a failure, as `X-Cache: stale`; 0s: not at all.",
    ),
    Key::new(
        "probes.public",
        Text("true"),
        |c| Slot::Flag(&mut c.probes.public),
        "Answer health and readiness on the public listener too.",
    ),
    Key::new(
        "probes.publicMetrics",
        Text("false"),
        |c| Slot::Flag(&mut c.probes.public_metrics),
        "Answer `/metrics` on the public listener too.",
    ),
    Key::new(
        "log.level",
        Text("info"),
        |c: &mut Config| Slot::Text(&mut c.log.level, check::LEVEL),
        "How much is logged.",
    )
    .also(&["THV_REGISTRY_LOG_LEVEL", "LOG_LEVEL"]),
    Key::new(
        "log.format",
        Text("auto"),
        |c| Slot::Choice(&mut c.log.json),
        "`auto` is text on a terminal and JSON otherwise.",
    ),
    Key::new(
        "telemetry.enabled",
        Derived("`true` when a variable names the endpoint"),
        |c: &mut Config| Slot::Flag(&mut c.telemetry.enabled),
        "Send telemetry. `OTEL_SDK_DISABLED=true` goes before it.",
    )
    .also(&["THV_REGISTRY_TELEMETRY_ENABLED"]),
    Key::new(
        "telemetry.serviceName",
        Text("cairn"),
        |c: &mut Config| Slot::Text(&mut c.telemetry.service_name, check::PATTERN),
        "Who sends: `service.name`.",
    )
    .also(&["THV_REGISTRY_TELEMETRY_SERVICENAME", "OTEL_SERVICE_NAME"]),
    Key::new(
        "telemetry.serviceVersion",
        Derived("that of the binary"),
        |c: &mut Config| Slot::Text(&mut c.telemetry.service_version, check::PATTERN),
        "Its version: `service.version`.",
    )
    .also(&["THV_REGISTRY_TELEMETRY_SERVICEVERSION"]),
    Key::new(
        "telemetry.resourceAttributes",
        Nothing("none"),
        |c: &mut Config| Slot::Text(&mut c.telemetry.attributes, telemetry::ATTRIBUTES),
        "What else is said of it.",
    )
    .also(&["OTEL_RESOURCE_ATTRIBUTES"]),
    Key::new(
        "telemetry.endpoint",
        Text("localhost:4318"),
        |c: &mut Config| Slot::Text(&mut c.telemetry.endpoint, telemetry::ENDPOINT),
        "Collector that takes OTLP over HTTP with protobuf; `/v1/traces` is appended.",
    )
    .also(&[
        "THV_REGISTRY_TELEMETRY_ENDPOINT",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
    ]),
    Key::new(
        "telemetry.insecure",
        Text("false"),
        |c: &mut Config| Slot::Flag(&mut c.telemetry.insecure),
        "Without TLS, where the endpoint does not say `http://` or `https://` itself.",
    )
    .also(&["THV_REGISTRY_TELEMETRY_INSECURE"]),
    Key::new(
        "telemetry.headers",
        Nothing("none"),
        |c: &mut Config| Slot::Secret(&mut c.telemetry.headers),
        "Headers of each request as `name=value`, separated by commas; better given by variable.",
    )
    .also(&["OTEL_EXPORTER_OTLP_HEADERS"]),
    Key::new(
        "telemetry.tracing.enabled",
        Derived("`true` when a variable names the endpoint"),
        |c: &mut Config| Slot::Flag(&mut c.telemetry.tracing),
        "Send traces.",
    )
    .also(&["THV_REGISTRY_TELEMETRY_TRACING_ENABLED"]),
    Key::new(
        "telemetry.tracing.sampling",
        Text("0.05"),
        |c: &mut Config| Slot::Text(&mut c.telemetry.sampling, telemetry::SHARE),
        "How many of the traces that begin here; of a caller's trace the caller decides.",
    )
    .also(&[
        "THV_REGISTRY_TELEMETRY_TRACING_SAMPLING",
        "OTEL_TRACES_SAMPLER_ARG",
    ]),
    Key::new(
        "telemetry.metrics.enabled",
        Text("false"),
        |c: &mut Config| Slot::Flag(&mut c.telemetry.metrics),
        "Only `false` while telemetry is on: metrics are read at `/metrics` and not sent.",
    )
    .also(&["THV_REGISTRY_TELEMETRY_METRICS_ENABLED"]),
];
