//! An HTTP service that is broken on purpose, on the wire and by the commands of its target, through the real binary.

use model::{healing::Healing, outcome::Outcome, runfile::RunFile};

use crate::{
    faults::fault,
    services::Queue,
    support::{Place, ended},
};

/// Pushes that go on after errors. `beside` are more options.
fn pushes(executor: &str, beside: &str) -> String {
    let script = r#"// Pushes that are disturbed
// Question: how soon is it well again?
fn options() {
    #{
        scenarios: #{ pushes: #{ executor: EXECUTOR, exec: "push" } },
        BESIDE
    }
}
fn setup() {
    #{ push: http::operation("push", #{ method: "POST", path: "/v1/queues/{}/items" }) }
}
fn push(vu) {
    try { vu.shared.push.send(["jobs"], #{ item: #{ k: 1 }, priority: 0 }); } catch { sleep("20ms"); }
    sleep("2ms");
}
"#;
    script.replace("EXECUTOR", executor).replace("BESIDE", beside)
}

fn closed(duration: &str, beside: &str) -> String {
    pushes(&format!(r#""constant-vus", vus: 4, duration: "{duration}""#), beside)
}

const OWN: &str = "http: #{ service: \"queue-api\" },";
const FLAGS: [&str; 6] = ["run", "s.rhai", "--durability", "off", "--warm-up", "0s"];

fn goes_through_a_proxy(run: &RunFile) {
    let proxy = "the load reaches the service through a proxy";
    assert!(run.warnings.iter().any(|warning| warning.contains(proxy)), "{:?}", run.warnings);
}

#[test]
fn a_slow_wire_before_a_service_of_our_own_is_in_the_service_time() {
    let open = r#""constant-arrival-rate", rate: 50, duration: "3s", max_vus: 40"#;
    let latency = r#"faults: [#{ at: 0, fault: "latency", server: "service", delay: "60ms", lasts: "3s" }],"#;
    let place = Place::new();
    place.file("s.rhai", pushes(open, &format!("{OWN}{latency}")));
    place.run(FLAGS).expect(0);
    place.assert_nothing_is_left();
    let run = place.run_file();
    let of_fault = fault(&run, "latency");
    assert_eq!(of_fault.took_hold, Some(true), "{of_fault:?}");
    assert!(of_fault.finding.contains("delayed"), "{of_fault:?}");
    let mut ops = run.summary.iter().flat_map(|summary| &summary.ops);
    let push = ops.find(|op| op.name == "push" && op.outcome == Outcome::Ok).unwrap();
    assert!(push.latency.count > 10 && push.latency.p50_ms >= 60.0, "{push:?}");
    goes_through_a_proxy(&run);
}

#[test]
fn a_cut_before_a_service_of_our_own_is_an_outage_with_its_recovery() {
    let beside = r#"
        faults: [
            #{ at: "6s", fault: "cut", server: "service", lasts: "2s" },
            #{ at: "14s", fault: "reset", server: "service", lasts: "200ms" },
        ],
        thresholds: #{ faults: ["outage >= 1900ms", "count == 2"] },
    "#;
    let place = Place::new();
    place.file("s.rhai", closed("16s", &format!("{OWN}{beside}")));
    let ended = place.run(FLAGS).expect(0);
    place.assert_nothing_is_left();
    let run = place.run_file();
    let cut = fault(&run, "cut");
    assert!(cut.took_hold == Some(true) && cut.finding.contains("held back"), "{cut:?}");
    let course = cut.recovery.as_ref().unwrap();
    assert!(course.has_outage() && course.outage_s >= 1.9, "{course:?}");
    assert_eq!(course.errors, 0, "what is held back arrives: {course:?}");
    // A whole second in which nothing ended is no calm one.
    assert!(course.worst() > Healing::NeverLeft && course.worst() < Healing::NoCalm, "{course:?}");
    let reset = fault(&run, "reset");
    assert!(reset.took_hold == Some(true) && reset.finding.contains("reset"), "{reset:?}");
    let course = reset.recovery.as_ref().unwrap();
    assert!(course.errors > 0 && !course.error_classes.is_empty(), "{course:?}");
    assert!(ended.stdout.contains("outage: "), "{}", ended.stdout);
    goes_through_a_proxy(&run);
}

#[test]
fn a_service_that_is_not_ours_is_broken_by_the_commands_of_its_target() {
    let place = Place::new();
    let queue = Queue::that_waits_for(place.path("still"));
    let target = format!(
        "targets:\n  mine:\n    http: {{ url: \"{}\" }}\n    allow_destructive: true\n    faults:\n      \
         service: {{ pause: touch still && echo it stands still, resume: rm still, restart: \"echo no; exit 3\" }}\n",
        queue.url
    );
    place.file("targets.yaml", target);
    let beside = r#"faults: [
        #{ at: "1s", fault: "pause", server: "service", lasts: "800ms" },
        #{ at: "2s", fault: "restart", server: "service" },
        #{ at: "3s", fault: "reset", server: "service" },
    ],"#;
    place.file("s.rhai", closed("4s", beside));
    place.run(["run", "s.rhai", "--target", "mine", "--warm-up", "0s"]).expect(0);
    assert!(!place.path("still").exists(), "it was resumed");
    let run = place.run_file();
    let pause = fault(&run, "pause");
    assert_eq!(pause.took_hold, Some(true), "{pause:?}");
    assert!(
        pause.finding.contains("pause: ") && pause.finding.contains(": it stands still; resume: "),
        "{pause:?}"
    );
    let course = pause.recovery.as_ref().unwrap();
    assert!(course.outage_s >= 0.7, "{course:?}");
    let restart = fault(&run, "restart");
    assert_eq!(restart.took_hold, Some(false), "{restart:?}");
    assert!(restart.finding.contains("exit status: 3") && restart.finding.ends_with(": no"), "{restart:?}");
    assert_eq!(fault(&run, "reset").took_hold, Some(true), "{:?}", run.faults);
}

#[test]
fn a_proxy_needs_nobodys_permission_and_a_command_does() {
    let (place, queue) = (Place::new(), Queue::start());
    let with = |kind: &str| {
        let fault =
            format!(r#"faults: [#{{ at: "200ms", fault: "{kind}", server: "service", lasts: "200ms" }}],"#);
        place.file("s.rhai", closed("1s", &fault));
        place.file(
            "targets.yaml",
            format!(
                "targets:\n  mine:\n    http: {{ url: \"{}\" }}\n    faults:\n      service: {{ kill: touch killed, start: \"true\" }}\n",
                queue.url
            ),
        );
        place.run(["run", "s.rhai", "--target", "mine", "--warm-up", "0s"])
    };
    let told = with("kill").expect(104).stderr;
    assert!(told.contains("the target does not permit to break anything"), "{told}");
    assert!(!place.path("killed").exists());
    with("cut").expect(0);
    let run = place.run_file();
    assert_eq!(fault(&run, "cut").took_hold, Some(true), "{:?}", run.faults);
    // The address is that of the service, and not the proxy's.
    assert!(queue.url.contains(&format!("{}/", host(&queue.heads()[0]))), "{:?}", queue.heads()[0]);
}

/// What a request says in `Host`.
fn host(head: &str) -> &str {
    head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap()
}

#[test]
fn what_a_service_cannot_suffer_is_told_before_anything_connects() {
    let place = Place::new();
    place.file(
        "targets.yaml",
        "targets:\n  far:\n    http: { url: \"http://far\" }\n    faults: { service: { restart: \"true\" } }\n  \
         bare:\n    http: { url: \"http://bare\" }\n",
    );
    let faults = |kinds: &[&str]| {
        let one = |kind: &&str| {
            let lasts = if *kind == "restart" || *kind == "kill_backends" { "" } else { ", lasts: \"1s\"" };
            format!("#{{ at: \"1s\", fault: \"{kind}\", server: \"service\"{lasts} }}")
        };
        format!("faults: [{}],", kinds.iter().map(one).collect::<Vec<_>>().join(", "))
    };
    let told = |script: String, args: &[&str]| {
        place.file("s.rhai", script);
        let mut command = place.command(["check", "s.rhai"].iter().chain(args));
        ended(command.output().unwrap()).expect(104).stderr
    };
    let whole = |script: String| {
        let whole = r#"try { http::get("http://elsewhere/x"); } catch { sleep("20ms"); }"#;
        let lines = script.lines().map(|line| if line.contains("try {") { whole } else { line });
        lines.filter(|line| !line.contains("http::operation")).collect::<Vec<_>>().join("\n")
    };
    let all = [
        told(closed("2s", &faults(&["restart", "kill", "pause"])), &["--target", "far"]),
        // Another service than the target's is none of the commands' business.
        told(closed("2s", &faults(&["restart"])), &["--target", "far", "--http-url", "http://other"]),
        told(closed("2s", &faults(&["pause"])), &["--target", "bare"]),
        told(whole(closed("2s", &faults(&["cut", "kill"]))), &[]),
        told(
            closed("2s", &faults(&["cut"]))
                .replace("vu.shared.push.send", "print")
                .replace("http::operation", "type_of"),
            &[],
        ),
        told(closed("2s", &faults(&["kill_backends", "hold_xmin"])), &["--target", "far"]),
        told(closed("2s", &faults(&["cut"]).replace("service", "http")), &["--target", "far"]),
    ];
    insta::assert_snapshot!(place.settled(&all.join("\n=====\n")));
    place.file(
        "targets.yaml",
        "targets:\n  far:\n    postgres: { url: postgresql://u@h/d }\n    faults:\n      service: { kill: a, timeout: 0s }\n",
    );
    insta::assert_snapshot!(place.settled(&told(closed("2s", ""), &["--target", "far"])));
}
