//! The handle by which somebody outside changes how many VUs a scenario has, and holds it, while it runs.
//!
//! Turned from any thread, read by the executor of each core when its bell rings. What is turned between two looks of a
//! core comes to the same as its last state; each turn is told once all the same.
//!
//! Deliberately absent: who turns it, and how they are reached.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::bell::Bell;

/// What a scenario is told from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// How many VUs there are, over all cores and segments.
    pub vus: u32,
    /// Whether nobody begins an iteration. VUs stay, and finish what they are in.
    pub is_paused: bool,
}

/// More VUs than the scenario may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{vus} virtual users are more than the scenario's `max_vus` ({max_vus})")]
pub struct AboveMax {
    /// What was wanted.
    pub vus: u32,
    /// What is possible.
    pub max_vus: u32,
}

/// One scenario's dial.
#[derive(Debug)]
pub struct Dial {
    max_vus: u32,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    setting: Setting,
    /// Settings that no core has told of yet.
    untold: Vec<Setting>,
    bells: Vec<Arc<Bell>>,
}

impl Dial {
    pub(crate) fn new(vus: u32, max_vus: u32) -> Arc<Self> {
        let setting = Setting { vus, is_paused: false };
        Arc::new(Self {
            max_vus,
            state: Mutex::new(State { setting, untold: Vec::new(), bells: Vec::new() }),
        })
    }

    /// How it stands.
    pub fn setting(&self) -> Setting {
        self.state().setting
    }

    /// The most VUs it can be set to.
    pub fn max_vus(&self) -> u32 {
        self.max_vus
    }

    /// Changes what is given and leaves the rest. Sleeping cores wake at once.
    ///
    /// # Errors
    /// When there cannot be so many VUs; nothing is changed then.
    pub fn turn(&self, vus: Option<u32>, is_paused: Option<bool>) -> Result<Setting, AboveMax> {
        if let Some(vus) = vus.filter(|&vus| vus > self.max_vus) {
            return Err(AboveMax { vus, max_vus: self.max_vus });
        }
        let mut state = self.state();
        let before = state.setting;
        let setting =
            Setting { vus: vus.unwrap_or(before.vus), is_paused: is_paused.unwrap_or(before.is_paused) };
        if setting != before {
            state.setting = setting;
            state.untold.push(setting);
            state.bells.iter().for_each(|bell| bell.ring());
        }
        Ok(setting)
    }

    /// Rings `bell` at every change from now on.
    pub(crate) fn wake_on_turn(&self, bell: Arc<Bell>) {
        self.state().bells.push(bell);
    }

    /// How it stands, and what has to be told: each change reaches one of those who ask.
    pub(crate) fn look(&self) -> (Setting, Vec<Setting>) {
        let mut state = self.state();
        (state.setting, std::mem::take(&mut state.untold))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic happens under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Setting {
    /// As a mark on the time axis says it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} VUs{}", self.vus, if self.is_paused { ", paused" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use super::*;

    #[test]
    fn what_is_not_given_stays_as_it_is() {
        let dial = Dial::new(3, 10);
        assert_eq!(dial.turn(Some(7), None), Ok(Setting { vus: 7, is_paused: false }));
        assert_eq!(dial.turn(None, Some(true)), Ok(Setting { vus: 7, is_paused: true }));
        assert_eq!(dial.turn(Some(11), Some(false)), Err(AboveMax { vus: 11, max_vus: 10 }));
        assert_eq!(dial.setting(), Setting { vus: 7, is_paused: true }, "a wrong wish changes nothing");
    }

    #[test]
    fn each_change_rings_and_is_told_once() {
        let mut cx = Context::from_waker(Waker::noop());
        let (dial, bell) = (Dial::new(3, 10), Arc::new(Bell::default()));
        dial.wake_on_turn(Arc::clone(&bell));
        dial.turn(Some(3), Some(false)).expect("possible");
        assert!(bell.poll_rung(&mut cx).is_pending(), "nothing has changed");
        dial.turn(Some(4), None).expect("possible");
        dial.turn(Some(5), None).expect("possible");
        assert!(bell.poll_rung(&mut cx).is_ready());
        let (setting, untold) = dial.look();
        assert_eq!((setting.vus, untold.len()), (5, 2));
        assert_eq!(dial.look(), (setting, vec![]));
    }
}
