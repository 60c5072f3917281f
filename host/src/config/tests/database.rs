//! Which database is used, and how it is reached.

use std::path::PathBuf;

use super::{super::effective, CURRENT, OLDER, problems, read};

/// `user:password@host:port/database` with the migration user, or the path of the file.
fn told(file: &str, variables: &[(&str, &str)]) -> String {
    let database = match read(file, variables) {
        Ok(config) => config.database,
        Err(error) => return error.to_string(),
    };
    let Some(server) = database.postgres else {
        return database.path.display().to_string();
    };
    let password = server.login.password.as_ref();
    format!(
        "{}:{}@{}:{}/{} {} {:?}",
        server.login.user,
        password.map_or("-", |password| password.expose()),
        server.host,
        server.port,
        server.database,
        server.migration.user,
        server.tls,
    )
}

#[test]
fn a_server_is_used_when_one_is_named() {
    let keys = "database:\n  host: db\n  port: 5433\n  user: app\n  migrationUser: migrator\n  database: registry\n  \
                sslMode: verify-full\n";
    for form in [OLDER, &format!("{CURRENT}auth: {{ mode: anonymous }}\n")] {
        let file = format!("{form}{keys}");
        let check = |variables: &[(&str, &str)], expected: &str| {
            assert_eq!(told(&file, variables), expected, "{variables:?}");
        };
        check(&[], "app:-@db:5433/registry migrator VerifyFull");
        check(
            &[("THV_REGISTRY_DATABASE_PASSWORD", "pw")],
            "app:pw@db:5433/registry migrator VerifyFull",
        );
        check(
            &[("CAIRN_DATABASE_HOST", "other")],
            "app:-@other:5433/registry migrator VerifyFull",
        );
        check(
            &[("DATABASE_TYPE", "sqlite"), ("HOME", "/home/me")],
            "/home/me/.local/share/cairn/cairn.db",
        );
        check(
            &[(
                "DATABASE_URL",
                "postgresql+asyncpg://me:pw@there/mine?sslmode=disable",
            )],
            "me:pw@there:5433/mine migrator Disable",
        );
    }
    let bare = |variables: &[(&str, &str)], expected: &str| {
        assert_eq!(told(CURRENT, variables), expected, "{variables:?}");
    };
    bare(
        &[("DATABASE_DSN", "postgres://me@there")],
        "me:-@there:5432/me me Require",
    );
    for mode in ["allow", "prefer"] {
        bare(
            &[
                ("CAIRN_DATABASE_HOST", "there"),
                ("CAIRN_DATABASE_SSL_MODE", mode),
            ],
            "cairn:-@there:5432/cairn cairn Prefer",
        );
    }
    bare(
        &[("DATABASE_URL", "postgres:///mine?host=/run/pg")],
        "cairn:-@/run/pg:5432/mine cairn Require",
    );
}

#[test]
fn a_standby_is_as_the_primary_where_its_url_says_nothing_else() {
    let check = |read_url: &str, expected: &str| {
        let variables = [
            (
                "DATABASE_URL",
                "postgres://me:pw@there:1234/mine?sslmode=verify-ca",
            ),
            ("CAIRN_DATABASE_READ_URL", read_url),
        ];
        let config = read(CURRENT, &variables).expect("loads");
        let standby = config.database.postgres.and_then(|server| server.standby);
        let standby = standby.expect("a standby");
        let password = standby.login.password.as_ref();
        let told = format!(
            "{}:{}@{}:{}/{} {:?}",
            standby.login.user,
            password.map_or("-", |password| password.expose()),
            standby.host,
            standby.port,
            standby.database,
            standby.tls,
        );
        assert_eq!(told, expected, "{read_url}");
    };
    check("postgres://copy", "me:pw@copy:1234/mine VerifyCa");
    check(
        "postgres://reader:other@copy:6000/mine2?sslmode=require",
        "reader:other@copy:6000/mine2 Require",
    );
    // The primary's password is nobody else's.
    check("postgres://reader@copy", "reader:-@copy:1234/mine VerifyCa");
}

const MYSQL: &str = "DATABASE_DSN: database.url: asks for MySQL";

#[test]
fn what_cannot_be_used_is_named_and_no_password_repeated() {
    for (variable, value, word) in [
        (
            "DATABASE_URL",
            "mysql://a:s3cret@h/d",
            "DATABASE_URL: database.url: asks for MySQL",
        ),
        ("DATABASE_DSN", "mysql://a:s3cret@h/d", MYSQL),
        ("DATABASE_DSN", "MYSQL://a:s3cret@h/d", MYSQL),
        ("DATABASE_DSN", "a:s3cret@tcp(h:3306)/d", MYSQL),
        ("DATABASE_DSN", "jdbc:mysql://h/d?password=s3cret", MYSQL),
        ("DATABASE_URL", "postgres://a:s3cret@h:x/d", "port"),
        (
            "DATABASE_TYPE",
            "mysql",
            "DATABASE_TYPE: database.type: `mysql` is not supported",
        ),
        ("DATABASE_TYPE", "postgres", "no server is named"),
        (
            "CAIRN_DATABASE_READ_URL",
            "postgres://a:s3cret@h/d",
            "database.readUrl: names a standby, but no primary is",
        ),
        (
            "CAIRN_DATABASE_SSL_MODE",
            "maybe",
            "choose one of disable, prefer, allow, require",
        ),
    ] {
        let said = problems(read(CURRENT, &[(variable, value)])).join("\n");
        assert!(
            said.contains(word) && !said.contains("s3cret"),
            "{value}: {said}"
        );
    }
}

#[test]
fn passwords_are_not_shown_and_the_rest_loads_again() {
    let url = [
        ("DATABASE_URL", "postgres://me:s3cret@there:1234/mine"),
        ("CAIRN_DATABASE_MIGRATION_PASSWORD", "s3cret"),
    ];
    let config = read(CURRENT, &url).expect("loads");
    let shown = effective(&config);
    assert!(
        !shown.contains("s3cret") && !format!("{config:?}").contains("s3cret"),
        "{shown}"
    );
    assert_eq!(
        told(&shown, &[]),
        "me:-@there:1234/mine me Require",
        "{shown}"
    );
}

#[test]
fn the_password_file_is_where_libpq_looks() {
    for (variables, expected) in [
        (&[("HOME", "/home/me")][..], Some("/home/me/.pgpass")),
        (
            &[("HOME", "/home/me"), ("PGPASSFILE", "/secrets/pgpass")],
            Some("/secrets/pgpass"),
        ),
        (&[], None),
    ] {
        let mut variables = variables.to_vec();
        variables.push(("DATABASE_URL", "postgres://there"));
        let config = read(CURRENT, &variables).expect("loads");
        let server = config.database.postgres.expect("a server");
        assert_eq!(server.password_file, expected.map(PathBuf::from));
    }
}
