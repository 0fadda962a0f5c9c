//! The task in which a VU lives: from its making to its departure, however that comes.

use std::{
    any::Any,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    rc::Rc,
    sync::Arc,
    task::Poll,
};

use crate::{
    event::Event,
    place::Place,
    scene::Scene,
    threads::message_of,
    time::Time,
    turns::Turns,
    vu::{Crew, Vu, VuId},
};

/// Hires a VU into a vacant place. Its task makes it, so that making many does not hold the core.
pub(crate) fn hire<C: Crew, T: Time>(crew: &Rc<C>, scene: &Rc<Scene<T>>, place: &Rc<Place>) {
    place.occupy();
    scene.core.hired();
    // Made here: a task that is aborted before its first poll runs nothing, but drops what it was given.
    let farewell = Farewell { scene: Rc::clone(scene), place: Rc::clone(place) };
    let task = tokio::task::spawn_local(live(Rc::clone(crew), farewell));
    place.occupied_by(task.abort_handle());
}

/// Sees to it that a departure is recorded, also when the task is dropped.
struct Farewell<T: Time> {
    scene: Rc<Scene<T>>,
    place: Rc<Place>,
}

impl<T: Time> Drop for Farewell<T> {
    fn drop(&mut self) {
        self.scene.depart(&self.place);
    }
}

async fn live<C: Crew, T: Time>(crew: Rc<C>, farewell: Farewell<T>) {
    let Farewell { scene, place } = &farewell;
    {
        let who = VuId { scenario: scene.scenario, number: place.vu };
        // Dropped before the farewell is said, so the VU can still finish its turn while it is cancelled.
        let mut life = pin!(async {
            let vu = crew.hire(who);
            place.is_unmade.set(false);
            scene.core.made();
            vu.live(Turns::new(Rc::clone(scene), Rc::clone(place))).await;
        });
        poll_fn(|cx| {
            place.polls.set(place.polls.get().wrapping_add(1));
            // What a panic leaves half done is the VU's own, and that is dropped right after.
            match catch_unwind(AssertUnwindSafe(|| life.as_mut().poll(cx))) {
                Ok(poll) => poll,
                Err(payload) => {
                    report_panic(scene, place, payload.as_ref());
                    Poll::Ready(())
                }
            }
        })
        .await;
    }
    drop(farewell);
}

fn report_panic<T: Time>(scene: &Scene<T>, place: &Place, payload: &(dyn Any + Send)) {
    place.has_panicked.set(true);
    let message = message_of(payload);
    let context = &scene.core.context;
    context.recorder.borrow_mut().failure(&format!("a VU panicked: {message}"), "");
    if scene.core.is_new_panic(message) {
        scene.run.tell(Event::Panic {
            scenario: Arc::clone(scene.run.name(scene.scenario)),
            vu: place.vu,
            at_ns: context.time.now_ns(),
            message: message.to_owned(),
        });
    }
}
