//! The places of one scenario on one core, and who is hired into them.

use std::rc::Rc;

use model::segment::Stride;

use crate::{
    life,
    place::Place,
    scene::{Departed, Scene},
    time::Time,
    vu::Crew,
};

pub(crate) struct Roster<C, T: Time> {
    pub(crate) scene: Rc<Scene<T>>,
    crew: Rc<C>,
    /// The VU numbers that this core owns.
    lane: Stride,
    places: Vec<Rc<Place>>,
    live: usize,
}

impl<C: Crew, T: Time> Roster<C, T> {
    pub(crate) fn new(scene: Rc<Scene<T>>, crew: Rc<C>) -> Self {
        let context = &scene.core.context;
        let lane = scene.run.plan().segment.stride().lane(context.core, context.cores);
        Self { scene, crew, lane, places: Vec::new(), live: 0 }
    }

    /// The VU numbers that this core owns.
    pub(crate) fn lane(&self) -> Stride {
        self.lane
    }

    /// VUs that exist.
    pub(crate) fn live(&self) -> usize {
        self.live
    }

    /// Places that were ever used: all indices below this.
    pub(crate) fn used(&self) -> usize {
        self.places.len()
    }

    /// The core's `index`-th place.
    pub(crate) fn place(&mut self, index: usize) -> &Rc<Place> {
        while self.places.len() <= index {
            let next = self.places.len();
            self.places.push(Rc::new(Place::new(next, self.lane.nth(next as u64))));
        }
        &self.places[index]
    }

    /// Hires a VU into a vacant place.
    pub(crate) fn hire(&mut self, index: usize) {
        self.live += 1;
        let place = Rc::clone(self.place(index));
        life::hire(&self.crew, &self.scene, &place);
    }

    /// Those who have gone since the last call.
    pub(crate) fn departed(&mut self) -> Vec<Departed> {
        let departed = self.scene.departed.take();
        self.live -= departed.len();
        departed
    }

    /// Wakes all who wait for a turn.
    pub(crate) fn wake_all(&self) {
        self.places.iter().for_each(|place| place.wake());
    }

    /// Asks everybody to take no further turn.
    pub(crate) fn dismiss_all(&self) {
        self.places.iter().for_each(|place| place.leave());
    }

    /// Drops everybody where they stand.
    pub(crate) fn cut_all(&self) {
        self.places.iter().for_each(|place| place.cut());
    }
}
