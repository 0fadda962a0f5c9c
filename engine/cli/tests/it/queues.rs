//! The ledger of a queue, from the script's calls to exit code, run file and report.

use model::runfile::RunFile;

use crate::support::{Ended, Place};

/// Producers and consumers of one table. What `spoil` names is done to the server behind the queue's back.
const JOBS: &str = r#"// Jobs
// Question: does the queue lose anything?
fn options() {
    #{
        scenarios: #{
            produce: #{ executor: "shared-iterations", vus: 4, iterations: 300, exec: "produce" },
            consume: #{ executor: "shared-iterations", vus: 4, iterations: 100, exec: "consume" },
        },
        thresholds: #{
            "ledger.lost": ["value == 0"],
            "ledger.twice": ["value == 0"],
            "ledger.age_p99_ms": ["value < 3600000"],
        },
    }
}
fn setup() {
    pg::batch("CREATE TABLE snapbench_jobs (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, priority int NOT NULL, item jsonb NOT NULL)");
    let spoil = param("spoil", "");
    if spoil != "" {
        pg::batch(`CREATE FUNCTION snapbench_spoil() RETURNS trigger AS $f$ BEGIN
            IF NEW.id = 50 THEN ${spoil}; END IF; RETURN NULL; END $f$ LANGUAGE plpgsql;
            CREATE TRIGGER snapbench_spoil AFTER INSERT ON snapbench_jobs FOR EACH ROW EXECUTE FUNCTION snapbench_spoil()`);
    }
    #{
        book: ledger::queue("jobs", #{ order: true, remaining: "SELECT (item->>'k')::bigint FROM snapbench_jobs" }),
        push: pg::statement("push", "INSERT INTO snapbench_jobs (priority, item) VALUES ($1, $2)"),
        pop: pg::statement("pop", `WITH gone AS (DELETE FROM snapbench_jobs WHERE id IN (
                SELECT id FROM snapbench_jobs ORDER BY priority, id LIMIT $1 FOR UPDATE SKIP LOCKED
            ) RETURNING *) SELECT item FROM gone ORDER BY priority, id`, #{ no_row: "empty" }),
    }
}
fn produce(vu) {
    let book = vu.shared.book;
    let item = book.item(100);
    let priority = vu.rng.below(2);
    book.push(item, priority, 0);
    vu.shared.push.run([priority, item]);
}
fn consume(vu) {
    vu.shared.book.pop(2);
    vu.shared.pop.run([2]);
}
fn teardown() { pg::batch("DROP TABLE snapbench_jobs"); }
"#;

fn played(place: &Place, spoil: &str, code: i32) -> (Ended, RunFile) {
    place.file("jobs.rhai", JOBS);
    let spoil = format!("spoil={spoil}");
    let flags = ["run", "jobs.rhai", "--cores", "2", "--durability", "off", "-p", &spoil];
    let ended = place.run(flags).expect(code);
    (ended, place.run_file())
}

#[test]
fn a_queue_that_loses_nothing_passes() {
    let place = Place::new();
    let (ended, run) = played(&place, "", 0);
    let ledger = &run.ledgers[0];
    assert_eq!((ledger.name.as_str(), ledger.kind.as_str(), ledger.passed), ("jobs", "queue", true));
    let figures = &ledger.figures;
    assert_eq!((figures["pushed"], figures["lost"], figures["order"]), (300, 0, 0), "{figures:?}");
    assert_eq!(figures["taken"] + figures["remaining"], 300, "{figures:?}");
    assert!(run.thresholds.iter().all(|threshold| threshold.passed == Some(true)), "{:?}", run.thresholds);
    assert!(ended.stdout.contains("✓ PASS  jobs (queue)"), "{}", ended.stdout);
    let report = std::fs::read_to_string(place.run_dir().join("report.md")).unwrap();
    assert!(report.contains("in doubt") && report.contains("age p99"), "{report}");
    place.assert_nothing_is_left();
}

#[test]
fn what_is_done_behind_its_back_fails_the_run_and_is_named() {
    for (spoil, figure, about) in [
        ("DELETE FROM snapbench_jobs WHERE id = 50", "lost", "never taken, and not there at the end"),
        (
            "INSERT INTO snapbench_jobs (priority, item) SELECT priority, item FROM snapbench_jobs WHERE id = 50",
            "twice",
            "key ",
        ),
    ] {
        let place = Place::new();
        let (ended, run) = played(&place, spoil, 99);
        let ledger = &run.ledgers[0];
        assert!(!ledger.passed && ledger.figures[figure] == 1, "{ledger:?}");
        assert!(ledger.examples.iter().any(|it| it.contains(about)), "{ledger:?}");
        assert!(ended.stdout.contains("✗ FAIL  jobs (queue)"), "{}", ended.stdout);
        let metric = format!("ledger.{figure}");
        let threshold = run.thresholds.iter().find(|threshold| threshold.metric == metric).unwrap();
        assert_eq!(threshold.passed, Some(false), "{threshold:?}");
    }
}
