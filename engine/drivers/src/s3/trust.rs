//! Why a store cannot be opened, and whom TLS connections to it believe.
//!
//! Deliberately opens no connection.

use super::config::S3Config;
use super::endpoint::Address;
use crate::net::{self, Connector, Trust, TrustError};

/// Why a store cannot be opened, before anything was sent to it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum S3OpenError {
    /// There can be no TLS.
    #[error(transparent)]
    Trust(#[from] TrustError),
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
    Ok(net::ca_pem(config.ca_file())?)
}

/// What makes connections to the store.
pub(crate) fn connector(config: &S3Config, address: &Address) -> Result<Connector, S3OpenError> {
    let trust = Trust {
        setting: "endpoint",
        ca_file: config.ca_file(),
        believes_anybody: false,
        protocol: b"http/1.1",
    };
    let trust = config.endpoint().is_https().then_some(&trust);
    Ok(Connector::new(&address.server_name, address.port, trust)?.through(config.detour))
}
