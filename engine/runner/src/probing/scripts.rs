//! Probes that are functions of the script: called on the stage's thread, each in a task of its own.

use std::{rc::Rc, sync::mpsc};

use load::time::{RealTime, Time as _};
use script::{Portable, ScriptProbe, Stage};

use super::{Look, Timetable};

/// Asks one probe again and again.
pub(crate) async fn sample(stage: Rc<Stage>, probe: ScriptProbe, time: RealTime, looks: mpsc::Sender<Look>) {
    let mut timetable = Timetable::new(probe.every, 0);
    loop {
        timetable.next(&time).await;
        let at_ns = time.now_ns();
        let result = match stage.call(&probe.function).await {
            Ok(value) => values(&probe.name, &value),
            Err(complaint) => Err(complaint.to_string()),
        };
        let took = std::time::Duration::from_nanos(time.now_ns().saturating_sub(at_ns));
        let look = Look { probe: probe.name.clone(), at_ns, took, ..Look::default() };
        let look = match result {
            Ok(values) => Look { values, ..look },
            Err(trouble) => Look { failure: Some(trouble), ..look },
        };
        if looks.send(look).is_err() {
            return;
        }
        timetable.done(time.now_ns());
    }
}

/// The numbers in what a probe returned.
fn values(name: &str, value: &Portable) -> Result<Vec<(String, f64)>, String> {
    let number = |value: &Portable| match value {
        #[allow(clippy::cast_precision_loss, reason = "measured values are far below 2^53")]
        Portable::Int(value) => Some(*value as f64),
        Portable::Float(value) => Some(*value),
        Portable::Bool(value) => Some(f64::from(u8::from(*value))),
        _ => None,
    };
    match value {
        Portable::Map(entries) => {
            let named = entries.iter().map(|(key, value)| {
                let wrong = || format!("probe `{name}` returned something that is no number as `{key}`");
                Ok((format!("{name}.{key}"), number(value).ok_or_else(wrong)?))
            });
            named.collect()
        }
        other => match number(other) {
            Some(number) => Ok(vec![(name.to_owned(), number)]),
            None => Err(format!("probe `{name}` must return a number or a map of numbers")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_returns_a_number_or_a_map_of_them() {
        assert_eq!(values("depth", &Portable::Int(7)), Ok(vec![("depth".into(), 7.0)]));
        let map = Portable::Map(vec![("a".into(), Portable::Float(0.5)), ("b".into(), Portable::Bool(true))]);
        assert_eq!(values("q", &map), Ok(vec![("q.a".into(), 0.5), ("q.b".into(), 1.0)]));
    }

    #[test]
    fn anything_else_is_told() {
        let told = values("depth", &Portable::Text("7".into())).unwrap_err();
        assert_eq!(told, "probe `depth` must return a number or a map of numbers");
        let map = Portable::Map(vec![("a".into(), Portable::Unit)]);
        assert_eq!(values("q", &map).unwrap_err(), "probe `q` returned something that is no number as `a`");
    }
}
