//! TLS failures in plain words: dates instead of Unix seconds, names instead of variants.

use std::error::Error;

use jiff::{Timestamp, tz::TimeZone};
use rustls::{CertificateError, pki_types::UnixTime};

use super::super::error::find;

/// Returns the fault of the server's certificate or the handshake, with the remedy; `None` for errors of other kinds.
pub(in super::super) fn explain(error: &(dyn Error + 'static)) -> Option<String> {
    match find::<rustls::Error>(error)? {
        rustls::Error::InvalidCertificate(fault) => Some(certificate(fault)),
        rustls::Error::AlertReceived(alert) => Some(format!(
            "the server ended the TLS handshake ({alert:?}); check that it speaks TLS 1.2 or 1.3 for this name"
        )),
        rustls::Error::InvalidMessage(_) => Some(
            "the server does not speak TLS on this port; check the port, or use `http://`".into(),
        ),
        other => Some(format!("the TLS handshake failed: {other}")),
    }
}

fn certificate(fault: &CertificateError) -> String {
    match fault {
        CertificateError::Expired => expired(None),
        CertificateError::ExpiredContext { not_after, .. } => expired(Some(*not_after)),
        CertificateError::NotValidYet => early(None),
        CertificateError::NotValidYetContext { not_before, .. } => early(Some(*not_before)),
        CertificateError::UnknownIssuer => {
            "the server's certificate is issued by an authority that is not trusted; name a private one's certificate in \
             `caPath` or `SSL_CERT_FILE`"
                .into()
        }
        CertificateError::NotValidForName => wrong_name(""),
        CertificateError::NotValidForNameContext { presented, .. } => {
            wrong_name(&format!(" (it is for {})", presented.join(", ")))
        }
        CertificateError::Revoked => {
            "the server's certificate has been revoked; the server needs a new one".into()
        }
        other => format!(
            "the server's certificate cannot be used ({}); the server needs an ordinary server certificate, and `caPath` \
             the certificate of its authority",
            words(other)
        ),
    }
}

fn expired(when: Option<UnixTime>) -> String {
    let when = when.map_or(String::new(), |time| format!(" on {}", date(time)));
    format!(
        "the server's certificate expired{when}; it must be renewed, or this machine's clock set"
    )
}

fn early(when: Option<UnixTime>) -> String {
    let when = when.map_or_else(|| "later".to_owned(), date);
    format!("the server's certificate is not valid before {when}; check this machine's clock")
}

fn wrong_name(names: &str) -> String {
    format!(
        "the server's certificate is not for this name{names}; use a name that the certificate has"
    )
}

fn date(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).map_or_else(
        |_| "an impossible date".to_owned(),
        |time| {
            let time = time.to_zoned(TimeZone::UTC);
            time.strftime("%Y-%m-%d %H:%M UTC").to_string()
        },
    )
}

/// A variant's name as words: `CaUsedAsEndEntity` is `ca used as end entity`.
fn words(fault: &CertificateError) -> String {
    let text = format!("{fault:?}");
    let name = text
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .rfind(|part| !part.is_empty())
        .unwrap_or_default();
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use std::{io, time::Duration};

    use rustls::{CertificateError, OtherError, pki_types::UnixTime};

    use super::explain;

    #[derive(Debug)]
    struct CaUsedAsEndEntity;

    impl std::fmt::Display for CaUsedAsEndEntity {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("CaUsedAsEndEntity")
        }
    }

    impl std::error::Error for CaUsedAsEndEntity {}

    #[test]
    fn certificate_faults_are_told_in_words_and_dates() {
        let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        for (fault, parts) in [
            (
                CertificateError::ExpiredContext {
                    time: at(1_800_000_000),
                    not_after: at(1_700_000_000),
                },
                &["expired on 2023-11-14 22:13 UTC", "renewed"][..],
            ),
            (
                CertificateError::NotValidYetContext {
                    time: at(0),
                    not_before: at(1_700_000_000),
                },
                &["not valid before 2023-11-14", "clock"],
            ),
            (
                CertificateError::UnknownIssuer,
                &[
                    "authority that is not trusted",
                    "`caPath`",
                    "`SSL_CERT_FILE`",
                ],
            ),
            (
                CertificateError::Other(OtherError(std::sync::Arc::new(CaUsedAsEndEntity))),
                &["ca used as end entity"],
            ),
        ] {
            let inner = rustls::Error::InvalidCertificate(fault);
            let outer = io::Error::other(io::Error::other(inner));
            let told = explain(&outer).expect("a TLS error");
            for part in parts {
                assert!(told.contains(part), "no `{part}` in: {told}");
            }
            assert!(!told.contains("Other("), "{told}");
        }
        assert_eq!(explain(&io::Error::other("refused")), None);
    }
}
