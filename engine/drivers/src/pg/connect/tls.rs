//! TLS as libpq's sslmode means it.
//!
//! `prefer` and `require` encrypt without asking who is at the other end; `verify-full` asks.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use crate::net::Anybody;
use crate::pg::config::{PgConfig, SslMode};

/// A connector for this configuration. Reading the authorities costs milliseconds: keep it.
pub(crate) fn connector(config: &PgConfig) -> Result<TlsConnector, String> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let client = if config.ssl_mode == SslMode::VerifyFull {
        builder.with_root_certificates(authorities(config.ssl_root_cert.as_deref())?).with_no_client_auth()
    } else {
        let verifier = Arc::new(Anybody::new(provider));
        builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
    };
    Ok(TlsConnector::from(Arc::new(client)))
}

fn authorities(file: Option<&Path>) -> Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    let Some(file) = file else {
        let native = rustls_native_certs::load_native_certs();
        store.add_parsable_certificates(native.certs);
        if store.is_empty() {
            return Err("this machine lists no certificate authorities; name one with sslrootcert".to_owned());
        }
        return Ok(store);
    };
    let unreadable = |error: &dyn std::fmt::Display| format!("sslrootcert {}: {error}", file.display());
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| unreadable(&error))? {
        let certificate = certificate.map_err(|error| unreadable(&error))?;
        store.add(certificate).map_err(|error| unreadable(&error))?;
    }
    if store.is_empty() { Err(unreadable(&"holds no certificate")) } else { Ok(store) }
}
