//! What a user asks for, with words already turned into values: the door's flags end up here.
//!
//! Deliberately absent: reading flags (see `cli`), what the script and the target file say (see `prepare`).

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use model::segment::Segment;
use script::SweepInputs;

/// Which script, and what it is told.
#[derive(Clone, Debug, Default)]
pub struct ScriptRequest {
    /// The script's file.
    pub path: PathBuf,
    /// A folder that stands in for the standard library in the binary.
    pub stdlib: Option<PathBuf>,
    /// `-p name=value`, in the order given.
    pub params: Vec<(String, String)>,
    /// `-e NAME=value`.
    pub env: BTreeMap<String, String>,
}

/// How the load differs from what the script says.
#[derive(Clone, Debug)]
pub struct LoadRequest {
    /// `--duration`: every shape squeezed or stretched to this long.
    pub duration: Option<Duration>,
    /// `--warm-up`.
    pub warm_up: Option<Duration>,
    /// `--scale`: multiplies rates and sizes.
    pub scale: f64,
    /// `--vus`, for a script with one scenario.
    pub vus: Option<u32>,
    /// `--stage 30s:100`, for a script with one scenario: duration and target.
    pub stages: Vec<(Duration, f64)>,
    /// `--seed`.
    pub seed: Option<u64>,
    /// `--cores`.
    pub cores: Option<usize>,
    /// `--only`: scenarios to play; all when empty.
    pub only: Vec<String>,
    /// `--segment`.
    pub segment: Segment,
    /// `--sweep` and what belongs to it.
    pub sweep: SweepInputs,
}

impl Default for LoadRequest {
    fn default() -> Self {
        Self {
            duration: None,
            warm_up: None,
            scale: 1.0,
            vus: None,
            stages: Vec::new(),
            seed: None,
            cores: None,
            only: Vec::new(),
            segment: Segment::WHOLE,
            sweep: SweepInputs::default(),
        }
    }
}

/// Where the servers are, as far as flags say so; words as typed.
#[derive(Clone, Default)]
pub struct TargetRequest {
    /// `--target`.
    pub name: Option<String>,
    /// `--postgres-url`.
    pub postgres_url: Option<String>,
    /// `--http-url`.
    pub http_url: Option<String>,
    /// `--s3-endpoint`.
    pub s3_endpoint: Option<String>,
    /// `--s3-bucket`.
    pub s3_bucket: Option<String>,
    /// `--s3-region`.
    pub s3_region: Option<String>,
    /// `--s3-client`.
    pub s3_client: Option<String>,
    /// `--durability`: whether embedded servers sync before they acknowledge.
    pub durable: Option<bool>,
}

impl std::fmt::Debug for TargetRequest {
    /// Without URLs, which may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TargetRequest")
            .field("name", &self.name)
            .field("postgres_url", &self.postgres_url.as_ref().map(|_| "(hidden)"))
            .field("http_url", &self.http_url.as_ref().map(|_| "(hidden)"))
            .field("s3_endpoint", &self.s3_endpoint)
            .field("s3_bucket", &self.s3_bucket)
            .field("s3_region", &self.s3_region)
            .field("s3_client", &self.s3_client)
            .field("durable", &self.durable)
            .finish()
    }
}

/// One run.
#[derive(Clone, Debug)]
pub struct RunRequest {
    /// Which script.
    pub script: ScriptRequest,
    /// How much load.
    pub load: LoadRequest,
    /// Against what.
    pub target: TargetRequest,
    /// The folder in which the run directory is made.
    pub out: PathBuf,
    /// `--tag name=value`; kept in the run file.
    pub tags: BTreeMap<String, String>,
    /// False with `--no-thresholds`.
    pub judge_thresholds: bool,
    /// `--control`: where the run can be steered from outside.
    pub control: Option<String>,
    /// `--yes`: the script may drop and truncate on a target that is not embedded.
    pub yes: bool,
    /// `--reset`: the script's `reset()` is called before its `setup()`.
    pub reset: bool,
}

/// One reset.
#[derive(Clone, Debug)]
pub struct ResetRequest {
    /// Which script.
    pub script: ScriptRequest,
    /// Against what.
    pub target: TargetRequest,
    /// `--yes`: it may be done on a target that does not permit it by itself.
    pub yes: bool,
}
