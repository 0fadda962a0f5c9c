//! Whom TLS connections to a store believe: the system's certificate authorities, and a file's.
//!
//! Deliberately opens no connection.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::config::S3Config;

/// Why a store cannot be opened, before anything was sent to it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum S3OpenError {
    /// `ca_file` cannot be read or holds no certificate.
    #[error("ca_file: {path} gives no certificate authority ({reason}); name a PEM file with certificates")]
    CaFile {
        /// The file as it was given.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The endpoint is https and nobody is trusted.
    #[error(
        "endpoint: https needs certificate authorities, and this system has none{reason}; install the package \
         ca-certificates, or name a PEM file as `ca_file:`"
    )]
    NobodyTrusted {
        /// What went wrong while looking for them.
        reason: String,
    },
    /// The endpoint is https and its name cannot stand in a certificate.
    #[error(
        "endpoint: `{name}` cannot be a name in a certificate ({reason}); write a host name or an IP address"
    )]
    Name {
        /// The host name, with the bucket in front when buckets are addressed by host.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Nobody gave keys to sign with.
    #[error(
        "access_key: {problem}; set `access_key` and `secret_key`, or export AWS_ACCESS_KEY_ID and \
         AWS_SECRET_ACCESS_KEY (where a browser or a program gives keys: `eval \"$(aws configure export-credentials \
         --format env)\"`), or name another `profile:`"
    )]
    Keys {
        /// Who was asked in vain, and what they said.
        problem: String,
    },
    /// The AWS SDK refused to be set up.
    #[error("client: the sdk client cannot be set up ({reason}); try `client: lean`")]
    Sdk {
        /// What it said.
        reason: String,
    },
}

/// The certificates in `ca_file`, if one is named, as PEM text that holds at least one.
pub(crate) fn ca_pem(config: &S3Config) -> Result<Option<Vec<u8>>, S3OpenError> {
    let Some(path) = config.ca_file() else { return Ok(None) };
    let error = |reason: String| S3OpenError::CaFile { path: path.display().to_string(), reason };
    let pem = read(path).map_err(error)?;
    certificates(&pem).map_err(error)?;
    Ok(Some(pem))
}

/// How to open TLS connections: TLS 1.2 and 1.3 on ring, speaking HTTP/1.1 inside.
pub(crate) fn tls_config(config: &S3Config) -> Result<Arc<ClientConfig>, S3OpenError> {
    let mut roots = RootCertStore::empty();
    let (system, problems) = system_certificates();
    roots.add_parsable_certificates(system.iter().cloned());
    if let Some(pem) = ca_pem(config)? {
        roots.add_parsable_certificates(certificates(&pem).unwrap_or_default());
    }
    if roots.is_empty() {
        return Err(S3OpenError::NobodyTrusted { reason: problems.clone() });
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring offers cipher suites for TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(tls))
}

/// Reading the system's certificates takes milliseconds, so it is done once a process and not once a thread.
fn system_certificates() -> &'static (Vec<CertificateDer<'static>>, String) {
    static SYSTEM: OnceLock<(Vec<CertificateDer<'static>>, String)> = OnceLock::new();
    SYSTEM.get_or_init(|| {
        let found = rustls_native_certs::load_native_certs();
        let problems = found.errors.iter().map(|error| format!(" ({error})")).collect();
        (found.certs, problems)
    })
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| error.to_string())
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Vec<_> =
        CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    if found.is_empty() { Err("it holds no certificate".to_owned()) } else { Ok(found) }
}
