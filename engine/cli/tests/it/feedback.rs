//! A measured value that is held by the arrival rate: the depth of a table, which others empty.

use std::fs;

use model::runfile::RunState;

use crate::support::{Place, wait, wait_until};

/// Sixty rows too many, and somebody who takes a hundred a second at most.
const SCRIPT: &str = r#"// Held
// Question: does the rate follow the depth?
fn options() {
    #{
        scenarios: #{
            push: #{
                executor: "feedback", probe: "queue.depth", target: 20, start_rate: 80, min_rate: 1, max_rate: 300,
                every: "100ms", duration: "10m", max_vus: 20,
            },
            pop: #{ executor: "constant-vus", vus: 1, duration: "10m" },
        },
        probes: #{ queue: #{ every: "100ms", exec: "queue" } },
        thresholds: #{ "push.rate": ["min < 80", "max <= 300"] },
        warm_up: "0s",
    }
}
fn setup() { pg::batch("CREATE TABLE rows_waiting AS SELECT n FROM generate_series(1, 80) AS n"); }
fn push() { pg::execute("INSERT INTO rows_waiting VALUES (0)", []); }
fn pop() {
    pg::execute("DELETE FROM rows_waiting WHERE ctid = (SELECT min(ctid) FROM rows_waiting)", []);
    sleep("10ms");
}
fn queue() { #{ depth: pg::query("SELECT count(*) AS n FROM rows_waiting", [])[0].n, kind: 1 } }
"#;

/// The values of a series of the only run so far, in the order of time: (s, value).
fn series(place: &Place, name: &str) -> Vec<(f64, f64)> {
    let text = fs::read_to_string(place.run_dir().join("probes.csv")).unwrap_or_default();
    // The last line may be half written.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let row = |line: &str| {
        let [at_s, probe, value] = line.split(',').collect::<Vec<_>>().try_into().ok()?;
        (probe == name).then(|| Some((at_s.parse().ok()?, value.parse().ok()?)))?
    };
    let mut rows: Vec<(f64, f64)> = whole.lines().filter_map(row).collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    rows
}

#[test]
fn the_rate_falls_above_the_target_and_rises_below_it() {
    let place = Place::new();
    place.file("s.rhai", SCRIPT);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let child = place.spawn(["run", "s.rhai", "--durability", "off", "--control", &port]);
    wait_until("the rate has fallen and risen again, and the depth has come near its target", || {
        if place.run_dirs().is_empty() {
            return false;
        }
        let rates = series(&place, "push.rate");
        let lowest = rates.iter().position(|(_, rate)| *rate == 1.0);
        lowest.is_some_and(|lowest| rates[lowest..].iter().any(|(_, rate)| *rate > 1.0))
            && series(&place, "queue.depth").iter().any(|(_, depth)| *depth <= 25.0)
    });
    place.run(["scale", "--address", &port, "--stop"]).expect(0);
    wait(child).expect(0);

    let (rates, depths) = (series(&place, "push.rate"), series(&place, "queue.depth"));
    assert_eq!(rates[0], (0.0, 80.0), "nothing was measured when it began");
    let fell = rates.iter().position(|(_, rate)| *rate < 80.0).unwrap();
    assert!(rates[..fell].iter().all(|(_, rate)| *rate == 80.0), "{rates:?}");
    let lowest = rates.iter().position(|(_, rate)| *rate == 1.0).unwrap();
    let rose = lowest + rates[lowest..].iter().position(|(_, rate)| *rate > 1.0).unwrap();
    let depths_until = |at: f64| depths.iter().filter(move |(seen, _)| *seen <= at).map(|(_, depth)| *depth);
    assert!(
        depths_until(rates[fell].0).any(|depth| depth > 20.0),
        "it fell at {:?} with {depths:?}",
        rates[fell]
    );
    // While a limit holds it, nothing but a lower depth lets it rise.
    let highest = depths_until(rates[lowest].0).fold(0.0, f64::max);
    let least = depths_until(rates[rose].0).fold(f64::MAX, f64::min);
    assert!(least < highest, "it rose at {:?} with {depths:?}", rates[rose]);

    let run = place.run_file();
    assert_eq!((run.state, run.loads[0].executor.as_str()), (RunState::Finished, "feedback"));
    assert!(
        run.series.iter().any(|series| series.name == "push.rate" && series.min == 1.0),
        "{:?}",
        run.series
    );
    let judged: Vec<_> = run.thresholds.iter().map(|judged| judged.passed).collect();
    assert_eq!(judged, [Some(true); 2], "{:?}", run.thresholds);
    place.assert_nothing_is_left();
}

#[test]
fn a_value_that_its_probe_does_not_return_is_told_and_the_rate_stays() {
    let place = Place::new();
    place.file("s.rhai", SCRIPT.replace("queue.depth", "queue.dept"));
    let ended = place
        .run(["run", "s.rhai", "--durability", "off", "--duration", "500ms", "--no-thresholds"])
        .expect(0);
    let told = "scenario push holds `queue.dept`, which probe queue does not return (it has queue.depth, queue.kind)";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
    let rates = series(&place, "push.rate");
    assert!(rates.len() == 5 && rates.iter().all(|(_, rate)| *rate == 80.0), "{rates:?}");
}

#[test]
fn inspect_says_what_is_held_and_how() {
    let place = Place::new();
    place.file("s.rhai", SCRIPT);
    let shown = place.run(["inspect", "s.rhai", "--duration", "20s"]).expect(0).stdout;
    let scenario = shown.split("scenario pop").next().unwrap().split("\nscenario push").nth(1).unwrap();
    insta::assert_snapshot!(scenario);
    let json: serde_json::Value =
        serde_json::from_str(&place.run(["inspect", "s.rhai", "--json"]).expect(0).stdout).unwrap();
    let holds =
        json["scenarios"].as_array().unwrap().iter().find(|s| s["name"] == "push").unwrap()["holds"].clone();
    assert_eq!((&holds["series"], &holds["target"]), (&"queue.depth".into(), &20.0.into()));
}
