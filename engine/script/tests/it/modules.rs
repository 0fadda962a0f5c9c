//! Where `import` looks, and what it says when there is nothing.

use std::{fs, path::Path};

use script::Program;

use crate::tools::{call_with, wiring};

const USES_HELPER: &str = "import \"helper\" as helper;\nfn setup() { helper::answer() }\n";

fn answer(folder: &std::path::Path, stdlib: Option<&std::path::Path>) -> Result<serde_json::Value, String> {
    let program = Program::load(&folder.join("main.rhai"), stdlib).map_err(|told| told[0].to_string())?;
    call_with(wiring(&program), &program, "setup")
}

#[test]
fn a_file_beside_the_script_comes_before_the_stdlib_folder() {
    let folder = tempfile::tempdir().unwrap();
    let stdlib = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("main.rhai"), USES_HELPER).unwrap();
    fs::write(stdlib.path().join("helper.rhai"), "fn answer() { \"stdlib\" }").unwrap();
    assert_eq!(answer(folder.path(), Some(stdlib.path())).unwrap(), "stdlib");
    fs::write(folder.path().join("helper.rhai"), "fn answer() { \"beside\" }").unwrap();
    assert_eq!(answer(folder.path(), Some(stdlib.path())).unwrap(), "beside");
}

#[test]
fn a_module_that_is_not_there_gets_the_nearest_name() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("main.rhai"), "import \"queu\" as q;\nfn setup() { 1 }\n").unwrap();
    let told = answer(folder.path(), None).unwrap_err();
    assert!(told.contains("there is no module `queu`") && told.contains("did you mean `queue`?"), "{told}");
}

#[test]
fn an_error_in_a_module_is_shown_in_the_module() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("main.rhai"), USES_HELPER).unwrap();
    fs::write(folder.path().join("helper.rhai"), "fn answer() {\n    nothing_here(1)\n}\n").unwrap();
    let told = answer(folder.path(), None).unwrap_err();
    assert!(told.contains("helper.rhai:2:5: there is no function nothing_here"), "{told}");
}

#[test]
fn modules_that_import_each_other_are_told_so() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("main.rhai"), USES_HELPER).unwrap();
    fs::write(folder.path().join("helper.rhai"), "import \"other\" as o;\nfn answer() { o::x() }").unwrap();
    fs::write(folder.path().join("other.rhai"), "import \"helper\" as h;\nfn x() { 1 }").unwrap();
    let told = answer(folder.path(), None).unwrap_err();
    assert!(told.contains("in a circle"), "{told}");
}

#[test]
fn constants_and_imports_at_the_top_hold_in_functions() {
    let folder = tempfile::tempdir().unwrap();
    let main =
        "import \"helper\" as helper;\nconst TWICE = 2;\nfn setup() { helper::answer() * global::TWICE }\n";
    fs::write(folder.path().join("main.rhai"), main).unwrap();
    fs::write(folder.path().join("helper.rhai"), "const BASE = 20;\nfn answer() { global::BASE + 1 }")
        .unwrap();
    assert_eq!(answer(folder.path(), None).unwrap(), 42);
}

#[test]
fn every_module_of_the_library_compiles_and_is_documented() {
    for (name, text) in script::BUILT_IN {
        Program::from_text(std::path::Path::new(name), text, None).expect(name);
    }
    let docs = script::docs::render_stdlib();
    for wanted in ["queue::push(q, item, priority)", "shape::sine(settings)"] {
        assert!(docs.contains(wanted), "{wanted} is missing in:\n{docs}");
    }
}

#[test]
fn the_servers_that_a_script_talks_to_are_seen_in_its_code() {
    let facts = |text: &str| {
        let program = crate::tools::program(text);
        (program.facts().uses_postgres, program.facts().uses_store)
    };
    assert_eq!(facts("fn f() { pg::query(\"SELECT 1\", []) }"), (true, false));
    assert_eq!(facts("fn f() { s3::get(\"k\"); 1 }"), (false, true));
    assert_eq!(facts("import \"queue\" as queue; fn f(q) { queue::pop(q, 1) }"), (true, false));
    assert_eq!(facts("fn f() { \"pg::query\" }"), (false, false));
}

#[test]
fn a_wrong_call_of_a_binding_in_a_module_is_told_at_its_place() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("main.rhai"), USES_HELPER).unwrap();
    fs::write(folder.path().join("helper.rhai"), "fn answer() {\n    pg::execute(1)\n}\n").unwrap();
    let told = answer(folder.path(), None).unwrap_err();
    assert!(told.contains("helper.rhai:2:5: `pg::execute` does not take 1 argument"), "{told}");
    assert!(told.contains("there is `pg::execute(sql, params)`"), "{told}");
}

#[test]
fn a_module_that_is_called_like_a_namespace_is_the_scripts_own_affair() {
    let folder = tempfile::tempdir().unwrap();
    let main = "import \"helper\" as clock;\nfn setup() { clock::answer() }\n";
    fs::write(folder.path().join("main.rhai"), main).unwrap();
    fs::write(folder.path().join("helper.rhai"), "fn answer() { 7 }").unwrap();
    assert_eq!(answer(folder.path(), None).unwrap(), 7);
}

#[test]
fn a_function_that_a_module_lacks_is_told_with_the_file_that_was_read() {
    let folder = tempfile::tempdir().unwrap();
    let main = "import \"queue\" as q;\nfn setup() {\n    q::push(1, 2, 3)\n}\n";
    fs::write(folder.path().join("main.rhai"), main).unwrap();
    fs::write(folder.path().join("queue.rhai"), "fn pusch(q, item) { 1 }\nfn pop() { 2 }").unwrap();
    let told = answer(folder.path(), None).unwrap_err().replace(&folder.path().display().to_string(), "");
    insta::assert_snapshot!(told);
    fs::remove_file(folder.path().join("queue.rhai")).unwrap();
    fs::write(folder.path().join("main.rhai"), main.replace(", 3", "")).unwrap();
    let told = answer(folder.path(), None).unwrap_err().replace(&folder.path().display().to_string(), "");
    insta::assert_snapshot!(told);
}

#[test]
fn the_library_in_the_binary_is_the_whole_folder() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../stdlib");
    let mut there: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.strip_suffix(".rhai").map(str::to_owned))
        .collect();
    there.sort();
    let built_in: Vec<&str> = script::BUILT_IN.iter().map(|(name, _)| *name).collect();
    assert_eq!(built_in, there);
}
