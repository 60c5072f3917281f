//! Keys of `database`.

use std::time::Duration;

use crate::config::{
    check,
    key::{Derived, Key, Nothing, Text},
    model::Config,
    slot::Slot,
    units::{HOUR, MILLISECOND, SECOND, YEAR},
};

pub(super) const DATABASE: &[Key<Config>] = &[
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
        "After this time the server cancels a statement. One of a request ends earlier, after three quarters of \
         `limits.requestTimeout`.",
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
];
