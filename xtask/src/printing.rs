//! Only the door prints. (Clippy says so too; this also sees direct writes to the standard streams.)

use std::path::Path;

use crate::Breach;

const WORDS: [&str; 6] = ["println!(", "print!(", "eprintln!(", "eprint!(", "io::stdout()", "io::stderr()"];

/// Files that may print: the door, tests, benches, this tool, and child processes that speak to their parent.
fn may_print(file: &Path) -> bool {
    let text = file.to_string_lossy().replace('\\', "/");
    text.starts_with("engine/cli/")
        || text.starts_with("xtask/")
        || text.starts_with("engine/embed/src/child")
        || text.starts_with("engine/embed/src/bin/")
        || ["/tests/", "/benches/", "/examples/"].iter().any(|part| text.contains(part))
}

/// Lines that print where nobody may.
pub(crate) fn check(file: &Path, text: &str) -> Vec<Breach> {
    if file.extension().is_none_or(|e| e != "rs") || may_print(file) {
        return Vec::new();
    }
    let code = text.split("#[cfg(test)]").next().unwrap_or(text);
    let lines = code.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
    lines
        .filter_map(|(n, line)| {
            let word = WORDS.iter().find(|word| line.contains(**word))?;
            Some(Breach {
                file: file.to_path_buf(),
                message: format!(
                    "line {}: `{word}` outside of the door: return the text, or use `tracing`",
                    n + 1
                ),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_prints_is_told_and_the_door_is_not() {
        let text = "fn f() {\n    println!(\"x\");\n}\n";
        assert_eq!(check(Path::new("engine/load/src/lib.rs"), text).len(), 1);
        assert_eq!(check(Path::new("engine/cli/src/main.rs"), text).len(), 0);
        assert_eq!(check(Path::new("engine/load/src/lib.rs"), "// println!(\"x\")\n").len(), 0);
    }
}
