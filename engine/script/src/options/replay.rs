//! The scenario entry of the executor `replay`: which trace, how fast, how often.

use std::{path::Path, sync::Arc};

use load::executor::{Executor, Replay};

use super::{
    Reader, duration,
    executor::{ns, open_vus},
};
use crate::{
    bindings::data::Folder,
    settings::Settings,
    trace::{self, Trace},
};

impl Reader<'_> {
    /// Reads the trace beside the script and says how it is played; everything that is wrong with it is told.
    pub(super) fn replay(
        &mut self,
        name: &str,
        s: &mut Settings<'_>,
        scale: f64,
    ) -> Option<(Executor, Arc<Trace>)> {
        let speed = s.number("speed").unwrap_or(1.0);
        if !(speed > 0.0 && speed.is_finite()) {
            s.problem(
                "speed",
                format!("takes a `speed` above 0, such as 2.0 for twice as fast, not {speed}"),
            );
        }
        let is_endless = s.flag("repeat").unwrap_or(false);
        let fixed = s.seconds("duration").and_then(duration);
        if is_endless && fixed.is_none() {
            s.problem("repeat", "needs `duration` with `repeat`: it would have no end".to_owned());
        }
        let (pre_allocated_vus, max_vus) = open_vus(s);
        let file = s.required("file", Settings::text);
        if file.is_empty() {
            return None;
        }
        let path = Folder::of(Path::new(self.program.file())).join(&file);
        let trace = match trace::read(&path) {
            Ok(trace) => Arc::new(trace),
            Err(complaints) => {
                for complaint in complaints {
                    let place = ["scenarios", name, "file"];
                    self.complain(&place, complaint.message, Some(complaint.help.to_owned()));
                }
                return None;
            }
        };
        let listed = trace.listed().clone().faster(speed).scaled(scale);
        let listed = if is_endless { listed.endless() } else { listed };
        let duration_ns = fixed.map_or(listed.pass_ns(), ns);
        Some((Executor::Replay(Replay { listed, duration_ns, pre_allocated_vus, max_vus }), trace))
    }
}
