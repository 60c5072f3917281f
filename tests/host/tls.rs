//! A server that insists on encryption and on a password: whose certificate is taken, and whose password file.

use std::{
    fs::{self, Permissions},
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
};

use cairn_tests::{
    Ended, Installation, Postgres, database, fixture,
    installation::{of_file, run},
};
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

    /// An installation that reaches the server by that name, in that mode, with a password file of that content and mode.
    fn installation(
        &self,
        (host, mode): (&str, &str),
        ca: Option<&str>,
        file: (&str, u32),
    ) -> Installation {
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
        installation
    }

    fn migrate(&self, place: (&str, &str), ca: Option<&str>, file: (&str, u32)) -> Ended {
        let installation = self.installation(place, ca, file);
        installation.run(MIGRATE)
    }

    /// A line with the password, below others.
    fn line(&self) -> String {
        format!(
            "# host:port:database:user:password\nelsewhere:*:*:*:wrong\n*:{}:registry:app:s3\\:cr\\\\et\n",
            self.postgres.port()
        )
    }
}

const MIGRATE: &[&str] = &["migrate", "up", "--yes"];

#[test]
fn certificates_and_passwords_are_looked_at_as_libpq_does() {
    let Some(guarded) = Guarded::new() else {
        return;
    };
    let line = guarded.line();
    let good = (line.as_str(), 0o600);
    let ours = Some("our");
    for (place, ca) in [
        (("127.0.0.1", "require"), None),
        (("127.0.0.1", "require"), ours),
        (("127.0.0.1", "prefer"), None),
        (("127.0.0.1", "allow"), None),
        (("127.0.0.1", "verify-ca"), ours),
        (("localhost", "verify-full"), ours),
    ] {
        let ended = guarded.migrate(place, ca, good);
        assert_eq!(ended.code, Some(0), "{place:?} {ca:?}: {}", ended.stderr);
        assert!(!ended.stderr.contains(WARNING), "{}", ended.stderr);
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

/// Somebody in a pod, and the group that its volumes are made readable for.
const SOMEBODY: u32 = 65_531;
const GROUP: u32 = 65_532;

const WARNING: &str = "the password file is root's";

/// `migrate up` by somebody who may read what the group may. The binary goes along: where it lies, not everybody may go.
fn by_somebody(installation: &Installation) -> Ended {
    let ours = installation.command(MIGRATE);
    let program = installation.path("cairn");
    // By another process: while this one had it open for writing, what other tests start at that moment would inherit that,
    // and nobody could run it.
    let copied = Command::new("cp")
        .args([ours.get_program(), program.as_os_str()])
        .status();
    assert!(copied.expect("cp").success());
    chown(installation.path(""), Some(SOMEBODY), Some(GROUP)).expect("a folder of theirs");
    let mut theirs = Command::new(program);
    theirs.args(ours.get_args()).uid(SOMEBODY).gid(GROUP);
    for (name, value) in ours.get_envs() {
        match value {
            Some(value) => theirs.env(name, value),
            None => theirs.env_remove(name),
        };
    }
    theirs.current_dir(installation.path(""));
    run(theirs)
}

#[test]
fn a_secret_that_root_has_mounted_for_a_group_is_read_with_a_warning() {
    let Some(guarded) = Guarded::new() else {
        return;
    };
    let line = guarded.line();
    let with_mode = |mode| guarded.installation(("127.0.0.1", "require"), None, (&line, mode));
    let file = |installation: &Installation| installation.path(".pgpass");
    if chown(file(&with_mode(0o640)), Some(0), Some(GROUP)).is_err() {
        println!("not checked: password files of root: this is not root");
        return;
    }
    for (mode, code, word) in [
        (0o640, 0, WARNING),
        (0o440, 0, WARNING),
        (0o644, 1, "may be read by others"),
        (0o660, 1, "may be read by others"),
        (0o600, 1, "cannot be read"),
    ] {
        let installation = with_mode(mode);
        chown(file(&installation), Some(0), Some(GROUP)).expect("root's file");
        let ended = by_somebody(&installation);
        assert_eq!(ended.code, Some(code), "{mode:o}: {}", ended.stderr);
        assert!(ended.stderr.contains(word), "{mode:o}: {}", ended.stderr);
    }
    let own = with_mode(0o600);
    chown(file(&own), Some(SOMEBODY), Some(GROUP)).expect("a file of theirs");
    let ended = by_somebody(&own).expect(0);
    assert!(!ended.stderr.contains(WARNING), "{}", ended.stderr);
}

#[test]
fn a_missing_password_is_named_at_once_with_its_line() {
    let Some(guarded) = Guarded::new() else {
        return;
    };
    let installation = guarded.installation(("127.0.0.1", "require"), None, ("", 0o600));
    let patient = installation.path("config.yaml");
    let text = fs::read_to_string(patient).expect("the configuration");
    installation.write(
        "config.yaml",
        &text.replace("\"connectAttempts\":1", "\"connectAttempts\":30"),
    );
    let wanted = format!("127.0.0.1:{}:registry:app", guarded.postgres.port());
    let (other, absent) = (installation.path("other"), installation.path("absent"));
    fs::write(&other, "postgres-service:5432:registry:app:secret\n").expect("a file");
    fs::set_permissions(&other, Permissions::from_mode(0o600)).expect("a mode");
    for (file, words) in [(&other, "no line of"), (&absent, "is not there")] {
        for args in [&["serve"][..], &["sync", "--once"], MIGRATE, &["doctor"]] {
            let mut command = installation.command(args);
            command.env("PGPASSFILE", file);
            let ended = run(command).expect(1);
            let said = format!("{}{}", ended.stdout, ended.stderr);
            for word in [words, &wanted, file.to_str().expect("a path")] {
                assert!(said.contains(word), "{args:?}: {word}: {said}");
            }
            assert!(!said.contains("waiting for"), "{args:?}: {said}");
            assert!(!said.contains("secret"), "{args:?}: {said}");
        }
    }
}
