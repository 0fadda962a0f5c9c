//! What goes on beside the load: probes, faults and gates, read from options() and refused with a reason.

use std::{path::Path, time::Duration};

use insta::assert_snapshot;
use script::{Fault, FaultServer, Options, Program, docs, evaluate};

use crate::tools::{complaints, inputs};

/// The options of a script whose `options()` says this beside its one scenario.
fn options(beside: &str) -> Options {
    let text = script(beside);
    let program = Program::from_text(Path::new("beside.rhai"), &text, None).unwrap();
    match evaluate(&program, &inputs(&[])) {
        Ok(evaluated) => evaluated.options,
        Err(wrong) => panic!("{wrong:#?}"),
    }
}

fn script(beside: &str) -> String {
    format!(
        "fn options() {{ #{{ scenarios: #{{ a: #{{ executor: \"constant-vus\", duration: \"1s\" }} }},\n{beside} }} }}
         fn a() {{}} fn depth() {{ 1 }}"
    )
}

/// The parts of the Postgres probe with the milliseconds between their looks.
fn parts(options: &Options) -> Vec<(&'static str, u128)> {
    options.probes.postgres.iter().map(|(part, every)| (part.name(), every.as_millis())).collect()
}

#[test]
fn a_server_is_looked_at_in_parts_each_in_its_own_time() {
    let with_tables =
        options("probes: #{ postgres: #{ every: \"2s\", tables: \"heads\", locks: false, wal: \"500ms\" } }");
    assert_eq!(with_tables.probes.tables, ["heads"]);
    let expected = [
        ("tables", 2_000),
        ("tuples", 12_000),
        ("indexes", 12_000),
        ("activity", 2_000),
        ("wal", 500),
        ("horizon", 2_000),
        ("progress", 2_000),
    ];
    assert_eq!(parts(&with_tables), expected);
    let plain =
        options("probes: #{ postgres: #{ statements: true }, host: #{}, depth: #{ exec: \"depth\" } }");
    assert!(
        parts(&plain).contains(&("statements", 10_000))
            && !parts(&plain).iter().any(|(name, _)| *name == "tables")
    );
    assert_eq!(plain.probes.host, Some(Duration::from_secs(1)));
    assert_eq!(plain.probes.scripts[0].function, "depth");
    assert!(options("").probes.is_empty());
}

#[test]
fn faults_stand_in_order_of_time() {
    let faults = options(
        "faults: [#{ at: \"9s\", fault: \"kill\", lasts: 2 }, #{ at: 1, fault: \"hold_xmin\", lasts: \"3s\" },
            #{ at: \"2s\", fault: \"lock\", table: \"heads\", lasts: \"1s\" }, #{ at: 0, fault: \"kill_backends\" }]",
    )
    .faults;
    let kinds: Vec<_> = faults.iter().map(|fault| (fault.at.as_secs(), fault.fault.kind())).collect();
    assert_eq!(kinds, [(0, "kill_backends"), (1, "hold_xmin"), (2, "lock"), (9, "kill")]);
    assert_eq!(faults[3].fault, Fault::Kill { server: FaultServer::Postgres, lasts: Duration::from_secs(2) });
}

#[test]
fn everything_wrong_with_them_is_told_at_once() {
    assert_snapshot!(complaints(
        &script(
            "probes: #{ postgres: #{ evry: \"1s\", tuples: \"1s\", wal: \"1ms\" }, host: #{ every: \"soon\" }, depth: 3 },
             faults: [#{ at: \"1s\", fault: \"hold_xmim\", lasts: \"1s\" }, #{ fault: \"hold_xmin\" }, 7,
                #{ at: \"1s\", fault: \"restart\", lasts: \"1s\" }, #{ at: \"1s\", fault: \"pause\", server: \"redis\", lasts: 0 },
                #{ at: \"1s\", fault: \"lock\", lasts: \"1s\", mode: \"exclusiv\" }],
             gates: #{ one: #{ go: \"yes\" }, two: 5, three: #{ thresholds: #{ errors: \"rate <\" }, go: \"y\", no_go: 4 } }"
        ),
        &[]
    ));
    assert_snapshot!(complaints(&script("faults: #{ at: \"1s\" }"), &[]));
}

#[test]
fn what_the_guide_says_of_them_is_in_order() {
    let guide = docs::render(Some("options")).unwrap();
    let example = |heading: &str| {
        let section = guide.split(heading).nth(1).unwrap();
        section.split("```rhai\n").nth(1).unwrap().split("```").next().unwrap().to_owned()
    };
    let all = [example("\n## Probes"), example("\n## Faults"), example("\n## Gates")].concat();
    let options = options(&all);
    assert_eq!((options.probes.scripts.len(), options.faults.len(), options.gates.len()), (1, 5, 1));
    assert_eq!(options.gates[0].thresholds.len(), 2);
    for part in drivers::probe::PgPart::ALL {
        assert!(
            guide.contains(&format!("| `{}` |", part.name())),
            "the guide says nothing of `{}`",
            part.name()
        );
    }
}
