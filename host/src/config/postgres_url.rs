//! `postgres://user:password@host:port/database?sslmode=…`, as people and platforms write it. It connects to nothing.

use std::{path::PathBuf, str::FromStr};

use percent_encoding::percent_decode_str;

use super::server::{Secret, Tls};

/// What such a URL may say; what it leaves out has its value from elsewhere.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PostgresUrl {
    pub(super) host: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) user: Option<String>,
    pub(super) password: Option<Secret>,
    pub(super) database: Option<String>,
    pub(super) tls: Option<Tls>,
    pub(super) ca_file: Option<PathBuf>,
}

/// Schemes of other programs' libraries that mean the same.
const SCHEMES: [&str; 2] = ["postgres", "postgresql"];

const NO_URL: &str = "is not a URL of the form postgres://user@host/database";
const UNESCAPED: &str = "has a `/`, `?`, `#` or `@` in user, password or database name: write %2F, %3F, %23 or %40 instead";
const NO_MYSQL: &str = "asks for MySQL, which is not supported: use Postgres, or leave it out for the embedded database";

impl FromStr for PostgresUrl {
    type Err = String;

    /// The message never repeats the URL, which may hold a password.
    fn from_str(text: &str) -> Result<Self, String> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(unknown_form(text));
        };
        // `postgresql+asyncpg` names a driver of Python, which is nobody's business here.
        let engine = scheme.split('+').next().unwrap_or_default();
        let engine = engine.to_ascii_lowercase();
        if !SCHEMES.contains(&engine.as_str()) {
            return Err(unknown_engine(&engine));
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        if database.contains(['@', '/']) {
            return Err(UNESCAPED.to_owned());
        }
        let (login, place) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let (host, port) = address(place)?;
        let mut url = Self {
            host: given(host)?,
            port,
            user: given(user)?,
            password: given(password)?.map(Secret::new),
            database: given(database)?,
            tls: None,
            ca_file: None,
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if !url.set(name, decoded(value)?)? {
                return Err(unknown_parameter(name, query));
            }
        }
        Ok(url)
    }
}

impl PostgresUrl {
    /// `false` for a parameter that is not known.
    fn set(&mut self, name: &str, value: String) -> Result<bool, String> {
        match name {
            "sslmode" | "ssl" => self.tls = Some(tls(&value)?),
            "sslrootcert" => self.ca_file = Some(value.into()),
            "host" => self.host = Some(value),
            "port" => self.port = Some(port(&value)?),
            "user" => self.user = Some(value),
            "password" => self.password = Some(Secret::new(value)),
            "dbname" => self.database = Some(value),
            // How others present themselves, and what has a key of its own here.
            "application_name" | "connect_timeout" | "channel_binding" | "pool_max_conns" => {}
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// A query with an `@` may be the rest of a password, of which nothing is repeated.
fn unknown_parameter(name: &str, query: &str) -> String {
    if query.contains('@') {
        return UNESCAPED.to_owned();
    }
    format!("has the parameter {name}, which is not known")
}

/// The modes in libpq's words.
pub(super) fn tls(word: &str) -> Result<Tls, String> {
    match word {
        "disable" => Ok(Tls::Disable),
        "allow" | "prefer" => Ok(Tls::Prefer),
        "require" | "true" => Ok(Tls::Require),
        "verify-ca" => Ok(Tls::VerifyCa),
        "verify-full" => Ok(Tls::VerifyFull),
        _ => Err(
            "has an unknown sslmode: disable, prefer, allow, require, verify-ca and verify-full are known"
                .to_owned(),
        ),
    }
}

fn unknown_engine(engine: &str) -> String {
    match engine.trim_start_matches("jdbc:") {
        "mysql" | "mariadb" => NO_MYSQL.to_owned(),
        _ => NO_URL.to_owned(),
    }
}

/// What Go's driver of MySQL is given is no URL: `user:password@tcp(host)/database`.
fn unknown_form(text: &str) -> String {
    if text.contains("@tcp(") || text.contains("@unix(") {
        NO_MYSQL.to_owned()
    } else {
        NO_URL.to_owned()
    }
}

/// Host and port; an address of IPv6 stands in brackets.
fn address(place: &str) -> Result<(&str, Option<u16>), String> {
    if place.contains(',') {
        return Err("names several hosts: name one that leads to the primary".to_owned());
    }
    let (host, after) = match place
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
    {
        Some((host, after)) => (host, after.strip_prefix(':')),
        None => match place.rsplit_once(':') {
            Some((host, after)) => (host, Some(after)),
            None => (place, None),
        },
    };
    let digits = after.filter(|digits| !digits.is_empty());
    Ok((host, digits.map(port).transpose()?))
}

fn port(digits: &str) -> Result<u16, String> {
    digits
        .parse()
        .ok()
        .filter(|port| *port > 0)
        .ok_or_else(|| "has a port that is none".to_owned())
}

fn given(part: &str) -> Result<Option<String>, String> {
    decoded(part).map(|part| Some(part).filter(|part| !part.is_empty()))
}

fn decoded(part: &str) -> Result<String, String> {
    let text = percent_decode_str(part).decode_utf8();
    text.map(std::borrow::Cow::into_owned)
        .map_err(|_| "is not UTF-8 once decoded".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `user:password@host:port/database tls ca`, with `-` for what is left out.
    fn told(text: &str) -> String {
        let url: PostgresUrl = match text.parse() {
            Ok(url) => url,
            Err(message) => return message,
        };
        let or = |part: Option<String>| part.unwrap_or_else(|| "-".to_owned());
        format!(
            "{}:{}@{}:{}/{} {} {}",
            or(url.user),
            or(url.password.map(|secret| secret.expose().to_owned())),
            or(url.host),
            or(url.port.map(|port| port.to_string())),
            or(url.database),
            or(url.tls.map(|tls| format!("{tls:?}"))),
            or(url.ca_file.map(|file| file.display().to_string())),
        )
    }

    #[test]
    fn urls_are_read_as_others_write_them() {
        let check = |text, expected: &str| assert_eq!(told(text), expected, "{text}");
        check("postgres://a:b@h:5433/d", "a:b@h:5433/d - -");
        check("postgresql+asyncpg://a:b@h/d", "a:b@h:-/d - -");
        check("postgresql://h", "-:-@h:-/- - -");
        check("POSTGRES://h", "-:-@h:-/- - -");
        check("postgres://h?sslmode=allow", "-:-@h:-/- Prefer -");
        check("postgres://a:p%40%3A%2F@h/d", "a:p@:/@h:-/d - -");
        check("postgres://a@[::1]:5432/d", "a:-@::1:5432/d - -");
        check("postgres:///d?host=/run/pg&user=u", "u:-@/run/pg:-/d - -");
        check("postgres://%2Frun%2Fpg/d", "-:-@/run/pg:-/d - -");
        check(
            "postgres://h/d?sslmode=verify-full&sslrootcert=/ca.pem&application_name=x",
            "-:-@h:-/d VerifyFull /ca.pem",
        );
    }

    #[test]
    fn what_cannot_be_meant_is_refused_without_repeating_it() {
        let check = |text, word: &str| {
            let message = told(text);
            assert!(
                message.contains(word) && !message.contains("s3cret"),
                "{text}: {message}"
            );
        };
        check("mysql://a:s3cret@h/d", "MySQL");
        check("mysql+aiomysql://a:s3cret@h/d", "MySQL");
        check("MYSQL://a:s3cret@h/d", "MySQL");
        check("jdbc:mysql://h/d?user=a&password=s3cret", "MySQL");
        check("jdbc:mariadb://h/d", "MySQL");
        check("a:s3cret@tcp(h:3306)/d", "MySQL");
        check("a:s3cret@unix(/run/s)/d", "MySQL");
        check("jdbc:oracle://h/d", "postgres://");
        check("sqlite:///x", "postgres://");
        check("s3cret", "postgres://");
        check("postgres://a:s3cret@h:x/d", "port");
        check("postgres://a:s3cret@h:0/d", "port");
        check("postgres://a:s3cret@h1,h2/d", "several hosts");
        check("postgres://h/d?sslmode=s3cret", "sslmode");
        check("postgres://h/d?speed=fast", "speed");
        check("postgres://a:%ff@h/d", "UTF-8");
        check("postgres://a:12/s3cret@h/d", "%2F");
        check("postgres://a:1@s3cret/2@h/d", "%2F");
        check("postgres://a:12?s3cret@h/d", "%3F");
        check("postgres://a:12?s3cret&x=1@h/d", "%3F");
        check("postgres://a:s3cret/x@h/d", "%2F");
        check("postgres://a:12/s3cret/x@h/d?sslmode=disable", "%2F");
    }
}
