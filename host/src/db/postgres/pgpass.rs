//! The password file of libpq: `host:port:database:user:password` in each line, `*` for any, `\` before what is meant as it
//! stands. The first line that fits counts.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use cairn_registry::{Error, Result};

use crate::config::model::{Postgres, Secret};

/// A password file, and the line of it that is looked for.
pub(super) struct Passwords {
    file: Option<PathBuf>,
    /// Host, port, database and user, as the file calls them.
    wanted: [String; 4],
}

impl Passwords {
    pub(super) fn of(server: &Postgres) -> Self {
        Self {
            file: server.password_file.clone(),
            wanted: [
                host(&server.host).to_owned(),
                server.port.to_string(),
                server.database.clone(),
                server.login.user.clone(),
            ],
        }
    }

    /// The password, if the file has one. A file that is not there has none.
    pub(super) fn find(&self) -> Result<Option<Secret>> {
        let Some(file) = &self.file else {
            return Ok(None);
        };
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unread(file, &error)),
        };
        if trusted(file)? == Trust::None {
            return Err(not_private(file));
        }
        let wanted = self.wanted.each_ref().map(String::as_str);
        Ok(password(&text, wanted).map(Secret::new))
    }

    /// Says at the start what is wrong with the file.
    pub(super) fn check(&self) -> Result<()> {
        self.find()?;
        if let Some(file) = &self.file
            && file.exists()
            && trusted(file)? == Trust::Mounted
        {
            tracing::warn!(
                file = %file.display(),
                "the password file is root's, as mounted secrets are: taken, though others may read it"
            );
        }
        Ok(())
    }

    /// Returns the reason why a server that asks for a password gets none.
    pub(super) fn missing(&self) -> String {
        let line = self.wanted.each_ref().map(|part| escaped(part)).join(":");
        match &self.file {
            Some(file) if file.exists() => format!(
                "the database wants a password, and no line of {} is for {line}: add a line {line}:PASSWORD to it, or \
                 set database.password",
                file.display()
            ),
            Some(file) => format!(
                "the database wants a password, and the password file {} (PGPASSFILE, else ~/.pgpass) is not there; it \
                 needs a line {line}:PASSWORD: mount it, or set database.password",
                file.display()
            ),
            None => format!(
                "the database wants a password for {line}: set database.password, or PGPASSFILE to a file with a line \
                 {line}:PASSWORD"
            ),
        }
    }
}

fn trusted(file: &Path) -> Result<Trust> {
    let found = fs::metadata(file).map_err(|error| unread(file, &error))?;
    let us = rustix::process::geteuid().as_raw();
    Ok(trust(found.mode() & 0o777, found.uid(), us))
}

fn not_private(file: &Path) -> Error {
    Error::unavailable(
        format!(
            "the password file {} may be read by others: chmod 600 it",
            file.display()
        ),
        "password file not private",
    )
}

/// A part of a line as it is written in the file.
pub(super) fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace(':', "\\:")
}

/// Where a libpq looks for its socket when it is told no host: its own place, and those of the distributions.
const SOCKETS: [&str; 3] = ["/tmp", "/run/postgresql", "/var/run/postgresql"];

/// What the file calls a host: a folder of sockets by its path, but the usual one `localhost`.
pub(super) fn host(host: &str) -> &str {
    if SOCKETS.contains(&host) {
        "localhost"
    } else {
        host
    }
}

fn unread(file: &Path, error: &io::Error) -> Error {
    Error::unavailable(
        format!(
            "the password file {} cannot be read: give this user its mode or group (in Kubernetes by fsGroup)",
            file.display()
        ),
        error.to_string(),
    )
}

/// Whether a file's word is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    Whole,
    /// A secret that Kubernetes mounts belongs to root, and is made readable for the pod's group: nobody in the pod can
    /// make it more private.
    Mounted,
    None,
}

fn trust(mode: u32, owner: u32, us: u32) -> Trust {
    const ROOT: u32 = 0;
    match mode & 0o077 {
        0 if owner == ROOT && us != ROOT => Trust::Mounted,
        0 => Trust::Whole,
        0o040 if owner == ROOT => Trust::Mounted,
        _ => Trust::None,
    }
}

fn password(text: &str, wanted: [&str; 4]) -> Option<String> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .find_map(|line| {
            let fields = fields(line)?;
            let (password, fits) = fields.split_last()?;
            let fits = fits.iter().zip(wanted).all(|(field, wanted)| {
                (field.is_wild && field.text == "*") || field.text == wanted
            });
            fits.then(|| password.text.clone())
        })
}

/// A part of a line.
#[derive(Debug, Default)]
struct Field {
    text: String,
    /// Nothing in it was escaped.
    is_wild: bool,
}

/// The five parts; what follows the fourth colon is the password, further colons included.
fn fields(line: &str) -> Option<Vec<Field>> {
    let mut fields = vec![Field {
        is_wild: true,
        ..Field::default()
    }];
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        let colons = fields.len() - 1;
        let field = fields.last_mut()?;
        match letter {
            '\\' => {
                field.text.extend(letters.next());
                field.is_wild = false;
            }
            ':' if colons < 4 => fields.push(Field {
                is_wild: true,
                ..Field::default()
            }),
            letter => field.text.push(letter),
        }
    }
    (fields.len() == 5).then_some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_fits_counts() {
        let check = |text: &str, expected: Option<&str>| {
            let found = password(text, ["db.example.com", "5432", "registry", "app"]);
            assert_eq!(found.as_deref(), expected, "{text}");
        };
        check("db.example.com:5432:registry:app:pw", Some("pw"));
        check(
            "*:*:*:*:any\ndb.example.com:5432:registry:app:pw",
            Some("any"),
        );
        check("*:*:*:migrator:no\n*:*:*:app:yes", Some("yes"));
        check("# db.example.com:5432:registry:app:pw", None);
        check("db.example.com:5433:registry:app:pw", None);
        check("db.example.com:5432:registry:app", None);
        check("", None);
        check("*:*:*:app:a:b\\:c\\\\d", Some("a:b:c\\d"));
        check("*:*:*:\\app:pw", Some("pw"));
        check("\\*:*:*:app:pw", None);
        check("*:*:*:app:", Some(""));
    }

    #[test]
    fn a_missing_password_names_the_file_and_the_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pgpass");
        let passwords = |file: Option<PathBuf>| Passwords {
            file,
            wanted: ["db", "5432", "registry", "a:b"].map(str::to_owned),
        };
        let line = "db:5432:registry:a\\:b";
        let check = |file: Option<PathBuf>, words: &str| {
            let message = passwords(file).missing();
            assert!(
                message.contains(line) && message.contains(words),
                "{message}"
            );
        };
        check(None, "PGPASSFILE");
        check(Some(file.clone()), "is not there");
        fs::write(&file, "other:5432:*:*:pw\n").unwrap();
        check(Some(file.clone()), "no line of");
        fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        assert!(passwords(Some(file.clone())).find().unwrap().is_none());
        fs::write(&file, "db:5432:*:*:pw\n").unwrap();
        let found = passwords(Some(file)).find().unwrap();
        assert_eq!(found.unwrap().expose(), "pw", "the file is read again");
    }

    #[test]
    fn others_must_not_read_it_except_a_pods_group() {
        for (mode, owner, us, expected) in [
            (0o600, 1000, 1000, Trust::Whole),
            (0o400, 1000, 1000, Trust::Whole),
            (0o600, 1000, 0, Trust::Whole),
            (0o600, 0, 0, Trust::Whole),
            (0o600, 0, 1000, Trust::Mounted),
            (0o640, 0, 1000, Trust::Mounted),
            (0o440, 0, 1000, Trust::Mounted),
            (0o640, 0, 0, Trust::Mounted),
            (0o640, 1000, 1000, Trust::None),
            (0o640, 1000, 0, Trust::None),
            (0o644, 0, 1000, Trust::None),
            (0o604, 0, 1000, Trust::None),
            (0o660, 0, 1000, Trust::None),
            (0o777, 1000, 1000, Trust::None),
        ] {
            let found = trust(mode, owner, us);
            assert_eq!(found, expected, "{mode:o} of {owner} read by {us}");
        }
    }

    #[test]
    fn a_folder_of_sockets_has_its_path_for_a_name_unless_it_is_the_usual_one() {
        let check = |given, expected| assert_eq!(host(given), expected);
        check("/var/run/postgresql", "localhost");
        check("/tmp", "localhost");
        check("/run/pg", "/run/pg");
        check("db.example.com", "db.example.com");
    }
}
