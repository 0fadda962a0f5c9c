//! `constant-arrival-rate`: the arrival rate that never changes.

use std::sync::Arc;

use model::{arrivals::Pacing, shape::Shape};

use super::arrival_rate::ArrivalRate;

/// Options of `constant-arrival-rate`, which are those of an [`ArrivalRate`] of a constant shape.
#[derive(Clone, Debug, PartialEq)]
pub struct ConstantArrivalRate {
    /// Iterations a second (k6: `rate` per `timeUnit`).
    pub rate_per_s: f64,
    /// How arrivals keep to it.
    pub pacing: Pacing,
    /// For how long.
    pub duration_ns: u64,
    /// VUs that exist from the start.
    pub pre_allocated_vus: u32,
    /// VUs that may exist.
    pub max_vus: u32,
}

impl From<ConstantArrivalRate> for ArrivalRate {
    fn from(options: ConstantArrivalRate) -> Self {
        let ConstantArrivalRate { rate_per_s, pacing, duration_ns, pre_allocated_vus, max_vus } = options;
        let shape = Arc::new(Shape::Constant { rate: rate_per_s });
        ArrivalRate { shape, pacing, duration_ns, pre_allocated_vus, max_vus }
    }
}
