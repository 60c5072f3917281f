//! The commands by which a server is backed up and restored: Postgres' own, with the connection of the configuration. A
//! password is never among them; these programs find it where libpq does.

use std::path::Path;

use super::pgpass;
use crate::config::model::{Postgres, Tls};

/// Copies everything at one moment, while others write.
#[must_use]
pub fn dump(server: &Postgres, file: &Path) -> String {
    words(&[
        "pg_dump",
        "--format=custom",
        "--no-owner",
        &format!("--file={}", file.display()),
        &format!("--dbname={}", address(server)),
    ])
}

/// Puts it into an empty database, all or nothing; with `clean`, in the place of what is there.
#[must_use]
pub fn restore(server: &Postgres, file: &Path, clean: bool) -> String {
    let address = format!("--dbname={}", address(server));
    let file = file.display().to_string();
    let mut all = vec![
        "pg_restore",
        "--single-transaction",
        "--exit-on-error",
        "--no-owner",
        // Only the owner of an extension may comment on it.
        "--no-comments",
    ];
    if clean {
        all.extend(["--clean", "--if-exists"]);
    }
    all.extend([address.as_str(), file.as_str()]);
    words(&all)
}

/// The line of a password file that these programs would need.
#[must_use]
pub fn password_line(server: &Postgres) -> String {
    format!(
        "{}:{}:{}:{}:PASSWORD",
        pgpass::escaped(pgpass::host(&server.host)),
        server.port,
        pgpass::escaped(&server.database),
        pgpass::escaped(&server.migration.user)
    )
}

/// As libpq reads it. Who changes the schema owns what is to be copied.
fn address(server: &Postgres) -> String {
    let port = server.port.to_string();
    let ca_file = server
        .ca_file
        .as_ref()
        .map(|file| file.display().to_string());
    let parts = [
        ("host", server.host.as_str()),
        ("port", &port),
        ("dbname", &server.database),
        ("user", &server.migration.user),
        ("sslmode", mode(server.tls)),
        ("sslrootcert", ca_file.as_deref().unwrap_or_default()),
    ];
    let given = parts.iter().filter(|(_, value)| !value.is_empty());
    let written: Vec<String> = given
        .map(|(key, value)| format!("{key}={}", quoted(value)))
        .collect();
    written.join(" ")
}

fn mode(tls: Tls) -> &'static str {
    match tls {
        Tls::Disable => "disable",
        Tls::Prefer => "prefer",
        Tls::Require => "require",
        Tls::VerifyCa => "verify-ca",
        Tls::VerifyFull => "verify-full",
    }
}

fn is_plain(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,".contains(c);
    !text.is_empty() && text.chars().all(plain)
}

/// A value of a connection string.
fn quoted(value: &str) -> String {
    if is_plain(value) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// A command as a shell reads it.
fn words(words: &[&str]) -> String {
    let word = |word: &&str| match word.split_once('=') {
        Some((option, value)) if is_plain(option) => format!("{option}={}", shell(value)),
        _ => shell(word),
    };
    words.iter().map(word).collect::<Vec<_>>().join(" ")
}

fn shell(word: &str) -> String {
    if is_plain(word) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config;

    fn server(url: &str) -> Postgres {
        let given = BTreeMap::from([("DATABASE_URL".to_owned(), url.to_owned())]);
        let loaded = config::load(None, &config::Overrides::default(), &given).unwrap();
        loaded.database.postgres.clone().unwrap()
    }

    #[test]
    fn the_guide_shows_what_is_told() {
        let guide = include_str!("../../../../docs/operations.md");
        let guide = guide.replace("\\\n  ", "");
        let server = server("postgres://cairn@db/cairn?sslmode=require");
        let file = Path::new("copy.dump");
        for command in [dump(&server, file), restore(&server, file, false)] {
            assert!(guide.contains(&format!("\n{command}\n")), "{command}");
        }
        assert!(restore(&server, file, true).contains(" --clean --if-exists "));
        assert_eq!(password_line(&server), "db:5432:cairn:cairn:PASSWORD");
    }

    #[test]
    fn a_password_is_kept_under_the_name_by_which_libpq_looks() {
        let check = |folder: &str, name: &str| {
            let url = format!("postgres:///registry?host={folder}&user=a:b");
            let line = password_line(&server(&url));
            assert_eq!(line, format!("{name}:5432:registry:a\\:b:PASSWORD"));
        };
        check("/var/run/postgresql", "localhost");
        check("/run/pg", "/run/pg");
    }

    #[test]
    fn a_value_is_quoted_for_libpq_and_a_word_for_the_shell() {
        let check = |value, expected: &str| assert_eq!(quoted(value), expected);
        check("db.example.com", "db.example.com");
        check("it's \\ here", r"'it\'s \\ here'");
        assert_eq!(
            words(&["pg_dump", "--dbname=host=a user='b c'", "plain"]),
            r"pg_dump --dbname='host=a user='\''b c'\''' plain"
        );
    }
}
