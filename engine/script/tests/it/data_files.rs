//! Files beside the script: read where nobody waits for it, found from wherever the script is run.

use std::{fs, path::Path};

use script::{Program, Stage, evaluate};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::tools::{inputs, on_core, play, wiring};

const PRICES: &str = "
# What a store charges.
stores:
  cheap: { put_per_1000: 0.005, date: 2024-02-15, tiers: [1, 2.5, true, null] }
";

/// A folder with data, and the script `text` in it.
fn beside(text: &str) -> (TempDir, Program) {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("prices.yaml"), PRICES).unwrap();
    fs::write(folder.path().join("wrong.yaml"), "a: 1\nb: [1, 2\nc: 3\n").unwrap();
    fs::create_dir(folder.path().join("lists")).unwrap();
    fs::write(folder.path().join("lists/runs.json"), r#"{"runs": [{"id": "a", "seq": 9007199254740993}]}"#)
        .unwrap();
    fs::write(folder.path().join("lists/wrong.json"), "{\n  \"a\": 1,\n}").unwrap();
    let script = folder.path().join("priced.rhai");
    fs::write(&script, text).unwrap();
    let program = Program::load(&script, None).expect("the script compiles");
    (folder, program)
}

/// What `setup` returns, or what it complains about, with the folder's name left out.
fn setup(body: &str) -> Result<Value, String> {
    let (folder, program) = beside(&format!("fn setup() {{ {body} }}"));
    let wiring = wiring(&program);
    let called = on_core(async {
        let stage = Stage::new(&program, wiring, None).expect("the stage compiles the script");
        stage.call("setup").await.map(|value| value.to_json())
    });
    called.map_err(|told| told.message.replace(&folder.path().display().to_string(), "FOLDER"))
}

#[test]
fn yaml_and_json_become_maps_arrays_and_plain_values() {
    let said = setup(
        r#"
        let cheap = data::yaml("prices.yaml").stores.cheap;
        [cheap.put_per_1000, cheap.date, cheap.tiers, data::json("lists/runs.json").runs[0].seq]
        "#,
    );
    assert_eq!(said.unwrap(), json!([0.005, "2024-02-15", [1, 2.5, true, null], 9_007_199_254_740_993_i64]));
}

#[test]
fn options_may_read_data_and_modules_find_it_beside_the_script() {
    let (folder, _) = beside("");
    fs::write(folder.path().join("tariff.rhai"), "fn cheap() { data::yaml(\"prices.yaml\").stores.cheap }")
        .unwrap();
    let text = r#"
        import "tariff" as tariff;
        fn options() {
            let vus = data::json("lists/runs.json").runs.len;
            #{ scenarios: #{ work: #{ executor: "constant-vus", vus: vus, duration: `${tariff::cheap().tiers[1]}s` } } }
        }
        fn work(vu) {}
    "#;
    let script = folder.path().join("priced.rhai");
    fs::write(&script, text).unwrap();
    let program = Program::load(Path::new(&script), None).unwrap();
    let options = evaluate(&program, &inputs(&[])).unwrap().options;
    assert_eq!(options.scenarios[0].executor.max_vus(), 1);
}

#[test]
fn what_cannot_be_read_says_where_and_what_to_do() {
    let wrong = [
        r#"data::yaml("price.yaml")"#,
        r#"data::yaml("nothing/like/it.yaml")"#,
        r#"data::yaml("wrong.yaml")"#,
        r#"data::json("lists/wrong.json")"#,
        r#"data::json("lists")"#,
    ];
    let told: Vec<String> = wrong.iter().map(|body| setup(body).unwrap_err()).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn an_iteration_reads_no_files() {
    let (_folder, program) = beside(
        r#"
        fn options() { #{ scenarios: #{ work: #{ executor: "shared-iterations" } } } }
        fn work(vu) { data::yaml("prices.yaml"); }
        "#,
    );
    let wiring = wiring(&program);
    play(&program, &wiring, None, 1);
    let told = wiring.findings.complaints().remove(0);
    assert!(told.message.contains("read it in options() or in setup()"), "{told}");
    assert_eq!(told.position().rsplit('/').next(), Some("priced.rhai:3:29"));
}
