//! Credentials that a source sends to its own server, read from its files at each pass, and the authorities that it trusts.

use std::path::Path;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use reqwest::Certificate;
use rustls::pki_types::{CertificateDer, pem::PemObject};

use super::super::{Kind, SourceError};
use crate::config::model::{Access, BasicAuth, Credentials};

/// Bytes of a secret.
const MAX_SECRET: u64 = 64 << 10;
/// Variable that names the certificates of trusted authorities in place of the system's.
const ROOTS: &str = "SSL_CERT_FILE";

/// Request headers that identify the source.
pub(super) fn headers(access: &Access, section: &str) -> Result<HeaderMap, SourceError> {
    let mut headers = HeaderMap::new();
    for (name, value) in &access.headers {
        insert(&mut headers, name, value, "headers")?;
    }
    for (name, file) in &access.header_files {
        let key = format!("{section}.headerFiles.{name}");
        insert(&mut headers, name, &secret(file, &key)?, &key)?;
    }
    match &access.credentials {
        Some(Credentials::Token(file)) => {
            let key = format!("{section}.auth.tokenFile");
            let value = format!("Bearer {}", secret(file, &key)?);
            insert(&mut headers, header::AUTHORIZATION.as_str(), &value, &key)?;
        }
        Some(Credentials::Basic(auth)) => {
            let key = format!("{section}.auth.passwordFile");
            let value = basic(auth, &secret(&auth.password_file, &key)?);
            insert(&mut headers, header::AUTHORIZATION.as_str(), &value, &key)?;
        }
        None => {}
    }
    Ok(headers)
}

fn insert(headers: &mut HeaderMap, name: &str, value: &str, key: &str) -> Result<(), SourceError> {
    let parsed = name.parse::<HeaderName>().ok();
    let Some((name, mut value)) = parsed.zip(HeaderValue::from_str(value).ok()) else {
        let message = format!(
            "`{key}`: {name} cannot be sent; its value must be visible ASCII letters on one line"
        );
        return Err(SourceError::new(Kind::Secret, message));
    };
    value.set_sensitive(true);
    headers.insert(name, value);
    Ok(())
}

fn basic(auth: &BasicAuth, password: &str) -> String {
    use base64::Engine;
    let pair = format!("{}:{password}", auth.username);
    let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
    format!("Basic {encoded}")
}

/// The content of a secret's file without the line end after it.
fn secret(file: &Path, key: &str) -> Result<String, SourceError> {
    let text = read(file, key)?;
    let text = String::from_utf8(text).map_err(|_| refused(file, key, "is not UTF-8"))?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(refused(file, key, "is empty")),
        secret => Ok(secret.to_owned()),
    }
}

fn read(file: &Path, key: &str) -> Result<Vec<u8>, SourceError> {
    let length = std::fs::metadata(file).map(|metadata| metadata.len());
    if length.is_ok_and(|length| length > MAX_SECRET) {
        return Err(refused(file, key, "is larger than 64 KiB"));
    }
    std::fs::read(file).map_err(|error| refused(file, key, &format!("cannot be read: {error}")))
}

fn refused(file: &Path, key: &str, why: &str) -> SourceError {
    let message = format!("{} {why}; check `{key}`", file.display());
    SourceError::new(Kind::Secret, message)
}

/// Certificates of further authorities.
pub(in super::super) fn authorities(
    file: Option<&Path>,
    section: &str,
) -> Result<Vec<Certificate>, SourceError> {
    let Some(file) = file else {
        return Ok(Vec::new());
    };
    let key = format!("{section}.caPath");
    let text = std::fs::read(file)
        .map_err(|error| refused(file, &key, &format!("cannot be read: {error}")))?;
    certificates(&text)
        .and_then(|()| Certificate::from_pem_bundle(&text).ok())
        .filter(|certificates| !certificates.is_empty())
        .ok_or_else(|| refused(file, &key, "has no certificate in PEM form"))
}

fn certificates(pem: &[u8]) -> Option<()> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    all.ok().filter(|all| !all.is_empty()).map(drop)
}

/// Refuses a file of trusted authorities that the environment names and that has none: without it every connection would
/// fail in a way that hides the cause.
pub(in super::super) fn check_environment() -> Result<(), SourceError> {
    match std::env::var_os(ROOTS).filter(|path| !path.is_empty()) {
        Some(path) => check_roots(Path::new(&path)),
        None => Ok(()),
    }
}

fn check_roots(file: &Path) -> Result<(), SourceError> {
    let text = std::fs::read(file)
        .map_err(|error| refused(file, ROOTS, &format!("cannot be read: {error}")))?;
    certificates(&text).ok_or_else(|| refused(file, ROOTS, "has no certificate in PEM form"))
}

/// The remedy for a server that refuses access.
pub(super) fn remedy(access: &Access, section: &str) -> String {
    match &access.credentials {
        Some(Credentials::Token(file)) => {
            format!(
                "check the token in {} (`{section}.auth.tokenFile`)",
                file.display()
            )
        }
        Some(Credentials::Basic(auth)) => format!(
            "check `{section}.auth.username` and the password in {} (`{section}.auth.passwordFile`)",
            auth.password_file.display()
        ),
        None if !access.header_files.is_empty() => {
            format!("check the files of `{section}.headerFiles`")
        }
        None => format!(
            "set `{section}.auth.tokenFile`, or `{section}.auth.username` and `{section}.auth.passwordFile`"
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Access, authorities, check_roots, headers};
    use crate::config::model::{BasicAuth, Credentials};

    #[test]
    fn secrets_are_read_from_their_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("secret");
        std::fs::write(&file, "s3cret\r\n").expect("a file");
        let basic = BasicAuth {
            username: "me".into(),
            password_file: file.clone(),
        };
        for (credentials, expected) in [
            (Credentials::Token(file.clone()), "Bearer s3cret"),
            (Credentials::Basic(basic), "Basic bWU6czNjcmV0"),
        ] {
            let access = Access {
                credentials: Some(credentials),
                headers: vec![("X-Tenant".into(), "acme".into())],
                header_files: vec![("X-Key".into(), file.clone())],
                ca_path: None,
            };
            let found = headers(&access, "api").expect("headers");
            assert_eq!(found["authorization"], expected);
            assert_eq!(found["x-tenant"], "acme");
            assert_eq!(found["x-key"], "s3cret");
            assert!(!format!("{found:?}").contains("s3cret"));
        }
    }

    #[test]
    fn files_that_cannot_be_used_are_named_with_their_key() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, content: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, content).expect("a file");
            path
        };
        for (file, why) in [
            (folder.path().join("absent"), "cannot be read: No such file"),
            (write("empty", b"\n"), "is empty"),
            (write("binary", b"\xFF"), "is not UTF-8"),
            (write("large", &[b'x'; 70_000]), "is larger than 64 KiB"),
            (write("lines", b"a\nb"), "visible ASCII"),
        ] {
            let access = Access {
                credentials: Some(Credentials::Token(file)),
                ..Access::default()
            };
            let error = headers(&access, "file").expect_err(why).to_string();
            assert!(error.contains(why), "no `{why}` in: {error}");
            assert!(error.contains("`file.auth.tokenFile`"), "{error}");
        }
        for (file, why) in [
            (write("text", b"no certificate"), "has no certificate"),
            (folder.path().join("absent"), "cannot be read"),
        ] {
            let error = authorities(Some(&file), "git").expect_err(why).to_string();
            assert!(
                error.contains(why) && error.contains("`git.caPath`"),
                "{error}"
            );
            let error = check_roots(&file).expect_err(why).to_string();
            assert!(
                error.contains(why) && error.contains("SSL_CERT_FILE"),
                "{error}"
            );
        }
        assert!(authorities(None::<&Path>, "git").expect("none").is_empty());
    }
}
