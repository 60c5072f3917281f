//! What `sslMode` means: whether the server's certificate is looked at, and how closely.

use std::{path::Path, sync::Arc};

use cairn_registry::{Error, Result};
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::config::model::Tls;

/// A transport for connections in that mode. As in libpq, `require` looks at the certificate when it was told whose to
/// trust, and else only encrypts.
pub(super) fn connector(mode: Tls, ca_file: Option<&Path>) -> Result<MakeRustlsConnect> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let look = match (mode, ca_file) {
        (Tls::VerifyFull, _) => Look::AtIssuerAndName,
        (Tls::VerifyCa, _) | (Tls::Require, Some(_)) => Look::AtIssuer,
        (Tls::Disable | Tls::Prefer | Tls::Require, _) => Look::Away,
    };
    let issuers = match look {
        Look::Away => None,
        Look::AtIssuer | Look::AtIssuerAndName => Some(issuers(ca_file, &provider)?),
    };
    let verifier = Verifier {
        look,
        issuers,
        provider: Arc::clone(&provider),
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::internal(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn issuers(
    ca_file: Option<&Path>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>> {
    let mut roots = RootCertStore::empty();
    match ca_file {
        Some(file) => {
            let unread = |error: &dyn std::fmt::Display| {
                Error::unavailable(
                    format!("{} holds no certificate that can be read", file.display()),
                    error.to_string(),
                )
            };
            for certificate in
                CertificateDer::pem_file_iter(file).map_err(|error| unread(&error))?
            {
                let certificate = certificate.map_err(|error| unread(&error))?;
                roots.add(certificate).map_err(|error| unread(&error))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|error| {
            Error::unavailable(
                "no certificate authority is known: name one by database.sslRootCert",
                error.to_string(),
            )
        })
}

/// How closely a certificate is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Away,
    AtIssuer,
    AtIssuerAndName,
}

#[derive(Debug)]
struct Verifier {
    look: Look,
    issuers: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(issuers) = &self.issuers else {
            return Ok(ServerCertVerified::assertion());
        };
        let verdict = issuers.verify_server_cert(certificate, intermediates, name, ocsp, now);
        match verdict {
            // The issuer has been checked before the name.
            Err(rustls::Error::InvalidCertificate(
                rustls::CertificateError::NotValidForName
                | rustls::CertificateError::NotValidForNameContext { .. },
            )) if self.look == Look::AtIssuer => Ok(ServerCertVerified::assertion()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
