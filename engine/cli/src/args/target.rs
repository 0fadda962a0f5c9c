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
            name: self.target.clone(),
            postgres_url: self.postgres_url.clone(),
            s3_endpoint: self.s3_endpoint.clone(),
            s3_bucket: self.s3_bucket.clone(),
            s3_region: self.s3_region.clone(),
            s3_client: self.s3_client.clone(),
            durable: self.durability.map(|switch| switch == Switch::On),
        }
    }
}
