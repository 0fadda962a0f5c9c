//! The places where AWS's own tools look for keys, asked by their own code: the environment, the profiles of
//! `~/.aws` (roles included), a web identity's token, a container's endpoint, an instance's metadata.
//!
//! Deliberately absent: browsers (`sso`, `login`) and programs (`credential_process`), which bring SDKs and
//! processes with them; their keys can be exported.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::meta::region::ProvideRegion;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::provider::{ProvideCredentials, error::CredentialsError};
use aws_sdk_s3::config::Region;
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use super::kept::Kept;
use super::{KeyRing, Keys, is_header_text};
use crate::s3::config::S3Config;
use crate::s3::sdk::http_client;
use crate::s3::trust::S3OpenError;

/// Longer than any of the places may take by their own limits.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is said when every place was asked.
const NOWHERE: &str = "no keys are named, and there are none in the environment (AWS_ACCESS_KEY_ID), in the profile \
                       (AWS_PROFILE, ~/.aws), for a web identity (AWS_WEB_IDENTITY_TOKEN_FILE), for a container \
                       (AWS_CONTAINER_CREDENTIALS_FULL_URI) or in the instance metadata (169.254.169.254)";

/// The chain, and what it found: clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chain {
    /// The one profile to take keys from; without it every place is asked in turn.
    profile: Option<String>,
    found: Arc<Mutex<Option<KeyRing>>>,
}

/// What it takes to ask, as often as it takes.
#[derive(Clone)]
pub(super) struct Asking {
    profile: Option<String>,
    region: String,
    http: SharedHttpClient,
}

impl PartialEq for Chain {
    fn eq(&self, other: &Self) -> bool {
        self.profile == other.profile
    }
}

impl Eq for Chain {}

impl Chain {
    pub(crate) fn new(profile: Option<String>) -> Self {
        Chain { profile, found: Arc::default() }
    }

    /// The keys, looked for if nobody has yet. What was not found is looked for again next time.
    pub(super) fn open(&self, config: &S3Config) -> Result<KeyRing, S3OpenError> {
        // Whoever comes meanwhile waits here for the same answer.
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ring) = &*found {
            return Ok(ring.clone());
        }
        let asking = Asking {
            profile: self.profile.clone(),
            region: config.region.clone(),
            http: http_client(config)?,
        };
        let keys = apart({
            let asking = asking.clone();
            move || asking.ask()
        });
        let keys = keys.map_err(|problem| S3OpenError::Keys { problem })?;
        let ring = match keys.expires_at {
            None => KeyRing::Fixed(Arc::new(keys)),
            Some(_) => KeyRing::Renewed(Kept::renewing(keys, asking)),
        };
        Ok(found.insert(ring).clone())
    }
}

impl Asking {
    /// Asks once. Blocks, and must be called where no runtime is.
    pub(super) fn ask(&self) -> Result<Keys, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let asked = runtime.block_on(async { tokio::time::timeout(PATIENCE, self.credentials()).await });
        let found = match asked {
            Err(_) => return Err(self.problem(&format!("no answer within {} s", PATIENCE.as_secs()))),
            // Nothing went wrong; there is just nothing.
            Ok(Err(CredentialsError::CredentialsNotLoaded(_))) if self.profile.is_none() => {
                return Err(NOWHERE.to_owned());
            }
            Ok(found) => found.map_err(|error| self.problem(&said(&error)))?,
        };
        let keys = Keys {
            access_key: found.access_key_id().to_owned(),
            secret_key: found.secret_access_key().to_owned(),
            session_token: found.session_token().filter(|token| !token.is_empty()).map(str::to_owned),
            expires_at: found.expiry(),
        };
        let texts = [Some(&keys.access_key), keys.session_token.as_ref()];
        if keys.access_key.is_empty() || texts.into_iter().flatten().any(|text| !is_header_text(text)) {
            return Err(self.problem("what was found is no access key"));
        }
        Ok(keys)
    }

    fn problem(&self, reason: &str) -> String {
        match &self.profile {
            Some(profile) => {
                format!(
                    "the profile `{profile}` of ~/.aws/config and ~/.aws/credentials gives no keys ({reason})"
                )
            }
            None => format!("{NOWHERE} ({reason})"),
        }
    }

    /// Made anew each time: the places keep their failures.
    async fn credentials(&self) -> Result<aws_credential_types::Credentials, CredentialsError> {
        let region = Region::new(self.region.clone());
        let config = ProviderConfig::default().with_http_client(self.http.clone());
        match &self.profile {
            Some(profile) => {
                let config = config.with_region(Some(region));
                let provider = ProfileFileCredentialsProvider::builder()
                    .profile_name(profile)
                    .configure(&config)
                    .build();
                provider.provide_credentials().await
            }
            None => {
                let chain = DefaultCredentialsChain::builder().configure(config).region(region).build().await;
                chain.provide_credentials().await
            }
        }
    }
}

/// The region that a profile names; that of `AWS_PROFILE`, or else of `default`, when none is given.
pub(crate) fn region_of_profile(profile: Option<&str>) -> Option<String> {
    let profile = profile.map(str::to_owned);
    let region = apart(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let provider = ProfileFileRegionProvider::builder();
        let provider = match profile {
            Some(profile) => provider.profile_name(profile),
            None => provider,
        };
        Ok(runtime.block_on(provider.build().region()))
    });
    // What is wrong with the files is told when keys are looked for in them.
    region.ok().flatten().map(|region| region.to_string())
}

/// Runs something that needs a runtime of its own on a thread of its own, because the caller may be in one.
fn apart<T: Send + 'static>(work: impl FnOnce() -> Result<T, String> + Send + 'static) -> Result<T, String> {
    let thread = std::thread::Builder::new().name("s3-keys".to_owned()).spawn(work);
    let ended = thread.map_err(|error| error.to_string())?.join();
    ended.unwrap_or_else(|_| Err("the code that looks for keys broke off".to_owned()))
}

/// What an error and its causes say, each thing once and on one line.
fn said(error: &(dyn Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        let text = cause.to_string();
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
        next = cause.source();
    }
    // That it gave none is known.
    let said = parts.join(": ").replace("the credential provider was not enabled: ", "");
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    if said.contains("cargo feature(s) enabled") {
        return "it wants a browser (sso, login) or a program (credential_process), and neither is asked from here".to_owned();
    }
    said
}
