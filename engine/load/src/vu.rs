//! What a virtual user is to this crate: a future that asks for turns.

use std::future::Future;

use crate::{time::Time, turns::Turns};

/// What a virtual user does. It is made on the thread that runs it and never moves to another.
pub trait Vu: 'static {
    /// Takes turns until there are none.
    ///
    /// Dropping the future cancels the VU in the middle of what it does. A VU that returns before it was told
    /// [`Next::Stop`](crate::turns::Next::Stop) has resigned: in a closed loop its place stays empty, for arrivals
    /// another VU is hired when one is needed, and serves what may have been handed to this one with the end of its
    /// last turn. A panic ends this VU alone.
    fn live<T: Time>(self, turns: Turns<T>) -> impl Future<Output = ()> + 'static;
}

/// One core's maker of VUs.
pub trait Crew: 'static {
    /// What it makes.
    type Vu: Vu;

    /// Makes a VU. Called in the VU's own task; a panic in here ends that VU alone.
    fn hire(&self, who: VuId) -> Self::Vu;
}

/// Which virtual user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VuId {
    /// The scenario's place in the plan.
    pub scenario: usize,
    /// The VU's number within its scenario, counted from 0 over all segments and cores.
    pub number: u64,
}
