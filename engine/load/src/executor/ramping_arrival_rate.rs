//! `ramping-arrival-rate`: the arrival rate that follows stages.

use std::sync::Arc;

use model::{
    arrivals::Pacing,
    shape::{Shape, Stage as RateStage},
};

use super::arrival_rate::ArrivalRate;

/// Options of `ramping-arrival-rate`, which are those of an [`ArrivalRate`] whose shape is its stages.
#[derive(Clone, Debug, PartialEq)]
pub struct RampingArrivalRate {
    /// Iterations a second at the start (k6: `startRate` per `timeUnit`).
    pub start_rate_per_s: f64,
    /// The rates that follow, each reached at the end of its stage.
    pub stages: Vec<RateStage>,
    /// How arrivals keep to it.
    pub pacing: Pacing,
    /// VUs that exist from the start.
    pub pre_allocated_vus: u32,
    /// VUs that may exist.
    pub max_vus: u32,
}

impl From<RampingArrivalRate> for ArrivalRate {
    fn from(options: RampingArrivalRate) -> Self {
        let RampingArrivalRate { start_rate_per_s, stages, pacing, pre_allocated_vus, max_vus } = options;
        let shape = Shape::Stages { start: start_rate_per_s, stages };
        // Stages that are not valid may have any length at all; the shape's own check says what is wrong with them.
        let duration_ns = (shape.duration_s().unwrap_or(0.0) * 1e9).round() as u64;
        ArrivalRate { shape: Arc::new(shape), pacing, duration_ns, pre_allocated_vus, max_vus }
    }
}
