//! Whom TLS connections believe: the system's certificate authorities and a file's, or anybody.
//!
//! Deliberately opens no connection.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::anybody::Anybody;

/// Whom to believe, and what to speak inside.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trust<'a> {
    /// The setting that says where the server is.
    pub(crate) setting: &'static str,
    /// A PEM file with authorities beside those of the system.
    pub(crate) ca_file: Option<&'a Path>,
    /// Whether any certificate will do.
    pub(crate) believes_anybody: bool,
    /// The protocol inside, as ALPN calls it: `http/1.1` or `h2`.
    pub(crate) protocol: &'static [u8],
}

/// Why there can be no TLS, before anything was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// The file cannot be read or holds no certificate.
    #[error("ca_file: {path} gives no certificate authority ({reason}); name a PEM file with certificates")]
    CaFile {
        /// The file as it was given.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The server is https and nobody is trusted.
    #[error(
        "{setting}: https needs certificate authorities, and this system has none{reason}; install the package \
         ca-certificates, or name a PEM file as `ca_file:`"
    )]
    NobodyTrusted {
        /// The setting that asks for TLS.
        setting: &'static str,
        /// What went wrong while looking for them.
        reason: String,
    },
    /// The server is https and its name cannot stand in a certificate.
    #[error(
        "{setting}: `{name}` cannot be a name in a certificate ({reason}); write a host name or an IP address"
    )]
    Name {
        /// The setting that names it.
        setting: &'static str,
        /// The host name; of a store with the bucket in front when buckets are addressed by host.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// The certificates in `path`, if one is named, as PEM text that holds at least one.
pub(crate) fn ca_pem(path: Option<&Path>) -> Result<Option<Vec<u8>>, TrustError> {
    let Some(path) = path else { return Ok(None) };
    let error = |reason: String| TrustError::CaFile { path: path.display().to_string(), reason };
    let pem = std::fs::read(path).map_err(|problem| error(problem.to_string()))?;
    certificates(&pem).map_err(error)?;
    Ok(Some(pem))
}

impl Trust<'_> {
    /// How to open TLS connections: TLS 1.2 and 1.3 on ring.
    pub(crate) fn tls_config(&self) -> Result<Arc<ClientConfig>, TrustError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("ring offers cipher suites for TLS 1.2 and 1.3");
        let mut tls = if self.believes_anybody {
            let verifier = Arc::new(Anybody::new(provider));
            builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
        } else {
            builder.with_root_certificates(self.authorities()?).with_no_client_auth()
        };
        tls.alpn_protocols = vec![self.protocol.to_vec()];
        Ok(Arc::new(tls))
    }

    fn authorities(&self) -> Result<RootCertStore, TrustError> {
        let mut roots = RootCertStore::empty();
        let (system, problems) = system_certificates();
        roots.add_parsable_certificates(system.iter().cloned());
        if let Some(pem) = ca_pem(self.ca_file)? {
            roots.add_parsable_certificates(certificates(&pem).unwrap_or_default());
        }
        if roots.is_empty() {
            return Err(TrustError::NobodyTrusted { setting: self.setting, reason: problems.clone() });
        }
        Ok(roots)
    }
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

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Vec<_> =
        CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    if found.is_empty() { Err("it holds no certificate".to_owned()) } else { Ok(found) }
}
