//! The password file of libpq: `host:port:database:user:password` in each line, `*` for any, `\` before what is meant as it
//! stands. The first line that fits counts.

use std::{fs, io, os::unix::fs::MetadataExt, path::Path};

use cairn_registry::{Error, Result};

use crate::config::model::{Postgres, Secret};

/// The password for that server, if the file has one. A file that is not there has none.
pub(super) fn find(file: &Path, server: &Postgres) -> Result<Option<Secret>> {
    let metadata = match fs::metadata(file) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unread(file, &error)),
    };
    let mode = metadata.mode() & 0o777;
    let us = rustix::process::geteuid().as_raw();
    match trust(mode, metadata.uid(), us) {
        Trust::Whole => {}
        Trust::Mounted => tracing::warn!(
            file = %file.display(),
            "the password file is root's, as mounted secrets are: taken, though others may read it"
        ),
        Trust::None => {
            return Err(Error::unavailable(
                format!(
                    "the password file {} may be read by others (mode {mode:o}): chmod 600 it",
                    file.display()
                ),
                "password file not private",
            ));
        }
    }
    let text = fs::read_to_string(file).map_err(|error| unread(file, &error))?;
    let port = server.port.to_string();
    let wanted = [
        host(&server.host),
        &port,
        &server.database,
        &server.login.user,
    ];
    Ok(password(&text, wanted).map(Secret::new))
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
        format!("the password file {} cannot be read", file.display()),
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
