//! Where the servers are.

use clap::{Args, ValueEnum};
use runner::TargetRequest;

#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Target")]
pub(crate) struct TargetArgs {
    /// A target of targets.yaml, or `embedded`: throw-away servers [env: SNAPBENCH_TARGET]
    #[arg(long, value_name = "NAME")]
    target: Option<String>,

    /// A Postgres to use instead of the target's [env: SNAPBENCH_POSTGRES_URL]
    #[arg(long, value_name = "URL")]
    postgres_url: Option<String>,

    /// An HTTP service to use instead of the target's [env: SNAPBENCH_HTTP_URL]
    #[arg(long, value_name = "URL")]
    http_url: Option<String>,

    #[command(flatten)]
    store: StoreArgs,
}

/// What is said of an object store, by every command that talks to one.
#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Target")]
pub(crate) struct StoreArgs {
    /// An object store to use instead of the target's [env: SNAPBENCH_S3_ENDPOINT]
    #[arg(long, value_name = "URL")]
    s3_endpoint: Option<String>,

    /// The bucket [env: SNAPBENCH_S3_BUCKET]
    #[arg(long, value_name = "NAME")]
    s3_bucket: Option<String>,

    /// The region that requests are signed for [env: SNAPBENCH_S3_REGION]
    #[arg(long, value_name = "NAME")]
    s3_region: Option<String>,

    /// The code that talks to the store: `lean` or `sdk` [env: SNAPBENCH_S3_CLIENT]
    #[arg(long, value_name = "CLIENT")]
    s3_client: Option<String>,

    /// Whether embedded servers sync to disk before they acknowledge [env: SNAPBENCH_DURABILITY]
    #[arg(long, value_name = "SWITCH")]
    durability: Option<Switch>,
}

/// On or off.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Switch {
    On,
    Off,
}

impl TargetArgs {
    pub(crate) fn meaning(&self) -> TargetRequest {
        TargetRequest {
            postgres_url: self.postgres_url.clone(),
            http_url: self.http_url.clone(),
            ..self.store.of(self.target.as_ref())
        }
    }
}

impl StoreArgs {
    /// A request for the target of that name, with these words about its store.
    pub(crate) fn of(&self, target: Option<&String>) -> TargetRequest {
        TargetRequest {
            name: target.cloned(),
            postgres_url: None,
            http_url: None,
            s3_endpoint: self.s3_endpoint.clone(),
            s3_bucket: self.s3_bucket.clone(),
            s3_region: self.s3_region.clone(),
            s3_client: self.s3_client.clone(),
            durable: self.durability.map(|switch| switch == Switch::On),
        }
    }
}
