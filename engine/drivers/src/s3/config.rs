//! Which object store, as whom, and through which client: what a user wrote, and what it means.
//!
//! `S3Settings` holds words as they stand in a target file; `S3Settings::check` makes an `S3Config` of them
//! or tells everything that is wrong at once. Deliberately connects to nothing, and reads file and environment
//! only where it is asked to.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::endpoint::{Address, Endpoint};
use super::keys::{Hidden, KeySource, region_of_profile};
use super::meaning::Place;
use crate::SettingsError;

mod check;
#[cfg(test)]
mod tests;

/// Which code talks to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ClientKind {
    /// Our own: hyper, one connection an operation in flight, a signature that costs about a microsecond.
    /// What is measured is the store.
    #[default]
    Lean,
    /// The AWS SDK for Rust: what an application pays, several times the CPU.
    Sdk,
}

impl ClientKind {
    /// Every client.
    pub const ALL: [ClientKind; 2] = [ClientKind::Lean, ClientKind::Sdk];

    /// The name as targets and reports write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            ClientKind::Lean => "lean",
            ClientKind::Sdk => "sdk",
        }
    }
}

impl fmt::Display for ClientKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A target's words about an object store, none of them checked yet. Debug output hides the secrets.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct S3Settings {
    /// `http://host:port`; AWS in `region` when absent.
    pub endpoint: Option<String>,
    /// The region that requests are signed for; `us-east-1` when absent.
    pub region: Option<String>,
    /// The bucket all operations are about.
    pub bucket: Option<String>,
    /// The profile of `~/.aws` to take keys from, when none are named here. Without keys and without a profile
    /// AWS's own places are asked in turn.
    pub profile: Option<String>,
    /// The access key's id.
    pub access_key: Option<String>,
    /// The access key's secret.
    pub secret_key: Option<String>,
    /// The token that comes with temporary credentials.
    pub session_token: Option<String>,
    /// `true` (the default): `host/bucket/key`; `false`: `bucket.host/key`.
    pub path_style: Option<bool>,
    /// `lean` (the default) or `sdk`.
    pub client: Option<String>,
    /// The time one request may take, such as `30s` (the default).
    pub timeout: Option<String>,
    /// Whether `lean` hashes what it uploads into the signature. `false` by default: the hash of a payload
    /// costs both sides CPU that is not the store's work. AWS and the usual stores accept
    /// `UNSIGNED-PAYLOAD` over http and https; a bucket policy may refuse it. `sdk` always signs.
    pub sign_payload: Option<bool>,
    /// A PEM file with certificate authorities to trust beside those of the system.
    pub ca_file: Option<PathBuf>,
}

impl fmt::Debug for S3Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Settings")
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .field("bucket", &self.bucket)
            .field("profile", &self.profile)
            .field("access_key", &self.access_key)
            .field("secret_key", &self.secret_key.as_ref().map(|_| Hidden))
            .field("session_token", &self.session_token.as_ref().map(|_| Hidden))
            .field("path_style", &self.path_style)
            .field("client", &self.client)
            .field("timeout", &self.timeout)
            .field("sign_payload", &self.sign_payload)
            .field("ca_file", &self.ca_file)
            .finish()
    }
}

/// An object store that can be used. Debug output hides the secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct S3Config {
    pub(crate) endpoint: Endpoint,
    pub(crate) region: String,
    pub(crate) bucket: String,
    pub(crate) keys: KeySource,
    pub(crate) path_style: bool,
    pub(crate) client: ClientKind,
    pub(crate) timeout: Duration,
    pub(crate) sign_payload: bool,
    pub(crate) ca_file: Option<PathBuf>,
    /// What the lean client connects to in its place.
    pub(crate) detour: Option<SocketAddr>,
}

impl S3Settings {
    /// Fills what is absent from the variables every S3 tool reads (`AWS_ACCESS_KEY_ID`, `AWS_REGION`, …).
    /// Keys come as a set: settings that name one key, or a profile, take nothing of another from the environment.
    pub fn or_environment(mut self, variable: impl Fn(&str) -> Option<String>) -> Self {
        let first =
            |names: &[&str]| names.iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
        if self.names_no_keys() && self.profile.is_none() {
            self.access_key = first(&["AWS_ACCESS_KEY_ID"]);
            self.secret_key = first(&["AWS_SECRET_ACCESS_KEY"]);
            self.session_token = self.session_token.or_else(|| first(&["AWS_SESSION_TOKEN"]));
        }
        self.endpoint = self.endpoint.or_else(|| first(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]));
        self.region = self.region.or_else(|| first(&["AWS_REGION", "AWS_DEFAULT_REGION"]));
        self.ca_file = self.ca_file.or_else(|| first(&["AWS_CA_BUNDLE"]).map(PathBuf::from));
        self
    }

    /// Fills an absent region from the profile that keys will be looked for in. Reads `~/.aws`, or what the
    /// environment names in its place; touches nothing when keys are named.
    pub fn or_profile(mut self) -> Self {
        if self.names_no_keys() && self.region.is_none() {
            self.region = region_of_profile(self.profile.as_deref());
        }
        self
    }

    fn names_no_keys(&self) -> bool {
        self.access_key.is_none() && self.secret_key.is_none()
    }

    /// Makes sense of the settings, or says everything that is wrong with them.
    pub fn check(&self) -> Result<S3Config, SettingsError> {
        check::check(self)
    }
}

impl S3Config {
    /// Where the store is.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The region that requests are signed for.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The bucket all operations are about.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Which code talks to the store.
    pub fn client(&self) -> ClientKind {
        self.client
    }

    /// The time one request may take.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The same store by way of another address, for the lean client. Host, signature and names in certificates are still
    /// those of the endpoint: who listens there passes bytes on and is no party to them.
    #[must_use]
    pub fn with_detour(self, detour: Option<SocketAddr>) -> Self {
        Self { detour, ..self }
    }

    /// The host that is connected to, and its port.
    #[must_use]
    pub fn dialled(&self) -> (String, u16) {
        let address = self.address();
        (crate::net::dialled(&address.server_name).to_owned(), address.port)
    }

    /// The same, where one request may take so long.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// A PEM file with certificate authorities to trust beside those of the system.
    pub fn ca_file(&self) -> Option<&Path> {
        self.ca_file.as_deref()
    }

    pub(crate) fn address(&self) -> Address {
        Address::new(&self.endpoint, &self.bucket, self.path_style)
    }

    pub(crate) fn place(&self) -> Place {
        Place {
            endpoint: self.endpoint.to_string(),
            bucket: self.bucket.clone(),
            region: self.region.clone(),
        }
    }
}

impl fmt::Debug for S3Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Config")
            .field("endpoint", &self.endpoint.to_string())
            .field("region", &self.region)
            .field("bucket", &self.bucket)
            .field("keys", &self.keys)
            .field("path_style", &self.path_style)
            .field("client", &self.client)
            .field("timeout", &self.timeout)
            .field("sign_payload", &self.sign_payload)
            .field("ca_file", &self.ca_file)
            .finish()
    }
}
