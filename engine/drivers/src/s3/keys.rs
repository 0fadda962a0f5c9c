//! Whose keys requests are signed with: those that the settings name, or those that AWS's own chain finds, which
//! end one day and are then renewed.
//!
//! Clients ask once a second at most, and get the same allocation until there are other keys: whoever compares
//! pointers knows that nothing has changed.
//!
//! Deliberately does not know how a request is signed.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, future};

use super::config::S3Config;
use super::trust::S3OpenError;

mod chain;
mod kept;

pub(crate) use chain::{Chain, region_of_profile};
use kept::Kept;

/// An access key, and what comes with it. Debug output hides the secrets.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
    /// What comes with temporary keys.
    pub(crate) session_token: Option<String>,
    /// When temporary keys end; nothing for those that settings name, even with a token.
    pub(crate) expires_at: Option<SystemTime>,
}

/// Where keys come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeySource {
    /// The settings, or the environment in their place.
    Named(Arc<Keys>),
    /// AWS's own places.
    Chain(Chain),
}

/// Keys to sign with, now and later.
#[derive(Debug, Clone)]
pub(crate) enum KeyRing {
    /// The same for ever.
    Fixed(Arc<Keys>),
    /// Others from time to time.
    Renewed(Arc<Kept>),
}

impl KeySource {
    /// The keys. For the chain this blocks while it looks for the first ones, once for all clones of a
    /// configuration: some milliseconds where they are in a file, seconds where there are none.
    pub(crate) fn open(&self, config: &S3Config) -> Result<KeyRing, S3OpenError> {
        match self {
            KeySource::Named(keys) => Ok(KeyRing::Fixed(Arc::clone(keys))),
            KeySource::Chain(chain) => chain.open(config),
        }
    }
}

impl KeyRing {
    /// The keys to sign with now.
    pub(crate) fn current(&self) -> Arc<Keys> {
        match self {
            KeyRing::Fixed(keys) => Arc::clone(keys),
            KeyRing::Renewed(kept) => kept.current(),
        }
    }
}

/// The SDK asks for keys when those it has are about to end.
impl ProvideCredentials for KeyRing {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let keys = self.current();
        future::ProvideCredentials::ready(Ok(Credentials::new(
            keys.access_key.clone(),
            keys.secret_key.clone(),
            keys.session_token.clone(),
            keys.expires_at,
            "snapbench",
        )))
    }
}

/// Visible ASCII without spaces: what can stand in a header and in a signature unchanged.
pub(crate) fn is_header_text(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_graphic())
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("access_key", &self.access_key)
            .field("secret_key", &Hidden)
            .field("session_token", &self.session_token.as_ref().map(|_| Hidden))
            .field("expires_at", &self.expires_at)
            .finish()
    }
}

/// Stands in debug output for a secret.
pub(super) struct Hidden;

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}
