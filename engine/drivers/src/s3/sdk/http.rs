//! Connections for the code of AWS: TLS on ring, believing whom the target believes.

use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use crate::net::dialled;
use crate::s3::config::S3Config;
use crate::s3::trust::{S3OpenError, ca_pem};

pub(crate) fn http_client(config: &S3Config) -> Result<SharedHttpClient, S3OpenError> {
    let mut trust = TrustStore::default();
    if let Some(pem) = ca_pem(config)? {
        trust.add_pem_certificate(pem);
    }
    let tls = TlsContext::builder()
        .with_trust_store(trust)
        .build()
        .map_err(|error| S3OpenError::Sdk { reason: error.to_string() })?;
    let client = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(tls);
    Ok(client.build_with_resolver(Names))
}

/// The system's resolver, and `localhost` for every name under it.
#[derive(Debug, Clone)]
struct Names;

impl ResolveDns for Names {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move {
            let found = tokio::net::lookup_host((dialled(name), 0)).await.map_err(ResolveDnsError::new)?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}
