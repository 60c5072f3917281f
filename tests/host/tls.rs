//! A server that insists on encryption and on a password: whose certificate is taken, and whose password file.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use cairn_tests::{Ended, Installation, Postgres, database, fixture, installation::of_file};
use serde_json::json;

/// With what is special in a password file.
const PASSWORD: &str = r"s3:cr\et";

/// Who is asked for a password is asked over TLS only.
const LOGINS: &[u8] = b"host all cairn 127.0.0.1/32 trust\nhostssl all app all scram-sha-256\n";

fn openssl(folder: &Path, arguments: &str) {
    let mut openssl = Command::new("openssl");
    openssl.args(arguments.split(' ')).current_dir(folder);
    let output = openssl.output().expect("openssl");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {arguments}: {said}");
}

/// An authority, and a key with a certificate of its for `localhost`.
fn certificates(folder: &Path, name: &str) {
    let new = "req -newkey rsa:2048 -nodes -days 2";
    openssl(
        folder,
        &format!("{new} -x509 -subj /CN={name}-authority -keyout {name}-ca.key -out {name}-ca.pem"),
    );
    openssl(
        folder,
        &format!("{new} -subj /CN=localhost -keyout {name}.key -out {name}.csr"),
    );
    fs::write(folder.join("names"), "subjectAltName=DNS:localhost\n").expect("names");
    openssl(
        folder,
        &format!(
            "x509 -req -days 2 -in {name}.csr -CA {name}-ca.pem -CAkey {name}-ca.key -CAcreateserial -extfile names \
             -out {name}.pem"
        ),
    );
}

/// The server, and a folder with everything that was made for it.
struct Guarded {
    postgres: Postgres,
    folder: Installation,
}

impl Guarded {
    fn new() -> Option<Self> {
        let about = "Postgres over TLS";
        if Command::new("openssl").arg("version").output().is_err() {
            println!("not checked: {about}: there is no openssl");
            return None;
        }
        let folder = Installation::empty();
        let here = folder.path("");
        certificates(&here, "our");
        certificates(&here, "other");
        let read = |file| fs::read(folder.path(file)).expect("a file");
        let started = Postgres::with(
            &["ssl=on"],
            &[
                ("server.crt", &read("our.pem")),
                ("server.key", &read("our.key")),
                ("pg_hba.conf", LOGINS),
            ],
        );
        let postgres = started
            .map_err(|why| println!("not checked: {about}: {why}"))
            .ok()?;
        let role = format!("CREATE ROLE app LOGIN PASSWORD '{PASSWORD}'");
        database::ask(&postgres.url(), &role);
        database::ask(&postgres.url(), "CREATE DATABASE registry OWNER app");
        Some(Self { postgres, folder })
    }

    fn authority(&self, name: &str) -> PathBuf {
        self.folder.path(&format!("{name}-ca.pem"))
    }

    /// `migrate up` at the server by that name, in that mode, with a password file of that content and mode.
    fn migrate(&self, (host, mode): (&str, &str), ca: Option<&str>, file: (&str, u32)) -> Ended {
        let mut config = of_file(&fixture::path("catalog.json"));
        config["database"] = json!({
            "host": host, "port": self.postgres.port(), "database": "registry", "user": "app", "sslMode": mode,
            "connectAttempts": 1,
        });
        if let Some(ca) = ca {
            config["database"]["sslRootCert"] = json!(self.authority(ca));
        }
        let installation = Installation::new(config);
        let passwords = installation.write(".pgpass", file.0);
        fs::set_permissions(&passwords, Permissions::from_mode(file.1)).expect("a mode");
        installation.run(&["migrate", "up", "--yes"])
    }
}

#[test]
fn certificates_and_passwords_are_looked_at_as_libpq_does() {
    let Some(guarded) = Guarded::new() else {
        return;
    };
    let line = format!(
        "# host:port:database:user:password\nelsewhere:*:*:*:wrong\n*:{}:registry:app:s3\\:cr\\\\et\n",
        guarded.postgres.port()
    );
    let good = (line.as_str(), 0o600);
    let ours = Some("our");
    for (place, ca) in [
        (("127.0.0.1", "require"), None),
        (("127.0.0.1", "require"), ours),
        (("127.0.0.1", "prefer"), None),
        (("127.0.0.1", "verify-ca"), ours),
        (("localhost", "verify-full"), ours),
    ] {
        let ended = guarded.migrate(place, ca, good);
        assert_eq!(ended.code, Some(0), "{place:?} {ca:?}: {}", ended.stderr);
    }
    for (place, ca, file, word) in [
        // Nobody vouches for the certificate, or somebody else does.
        (
            ("localhost", "verify-full"),
            Some("other"),
            good,
            "certificate",
        ),
        (
            ("localhost", "verify-ca"),
            Some("other"),
            good,
            "certificate",
        ),
        (("localhost", "require"), Some("other"), good, "certificate"),
        (("localhost", "verify-full"), None, good, "certificate"),
        // It is not the certificate of an address.
        (("127.0.0.1", "verify-full"), ours, good, "certificate"),
        (("127.0.0.1", "disable"), None, good, "refuses the login"),
        (
            ("127.0.0.1", "require"),
            None,
            ("*:*:*:app:wrong\n", 0o600),
            "refuses the login",
        ),
        (
            ("127.0.0.1", "require"),
            None,
            (line.as_str(), 0o644),
            "may be read by others",
        ),
    ] {
        let ended = guarded.migrate(place, ca, file);
        assert_eq!(ended.code, Some(1), "{place:?} {ca:?}: {}", ended.stdout);
        assert!(
            ended.stderr.contains(word),
            "{place:?} {ca:?}: {}",
            ended.stderr
        );
        assert!(!ended.stderr.contains("cr\\et"), "{}", ended.stderr);
    }
}
