//! Rules of the repository that the compiler does not keep, as code: `cargo xtask tidy`.
//!
//! It reads files and prints what breaks a rule, with the remedy. It knows nothing of what the program does.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool of the repository speaks to its developer"
)]

mod floors;
mod printing;
mod sizes;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// One broken rule.
pub(crate) struct Breach {
    /// File, relative to the repository.
    pub(crate) file: PathBuf,
    /// What is wrong and what to do.
    pub(crate) message: String,
}

fn main() -> ExitCode {
    let command = std::env::args().nth(1);
    if command.as_deref() != Some("tidy") {
        eprintln!("usage: cargo xtask tidy   (keeps the floors, the printing rule and the file sizes)");
        return ExitCode::from(2);
    }
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the repository").to_path_buf();
    let breaches = tidy(&root);
    for breach in &breaches {
        eprintln!("{}: {}", breach.file.display(), breach.message);
    }
    if breaches.is_empty() {
        println!("tidy: floors, printing and file sizes hold");
        ExitCode::SUCCESS
    } else {
        eprintln!("tidy: {} broken rules", breaches.len());
        ExitCode::FAILURE
    }
}

/// Every broken rule below `root`.
fn tidy(root: &Path) -> Vec<Breach> {
    let sources = sources_below(root, &["engine", "xtask", "scenarios", "stdlib", "examples", "bench"]);
    let mut breaches = floors::check(root);
    for (file, text) in &sources {
        breaches.extend(printing::check(file, text));
        breaches.extend(sizes::check(file, text));
    }
    breaches
}

/// Rust, Rhai and shell sources below the given folders, with their texts.
fn sources_below(root: &Path, folders: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = folders.iter().map(|f| root.join(f)).collect();
    while let Some(folder) = open.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for path in entries.flatten().map(|e| e.path()) {
            let is_source = path.extension().is_some_and(|e| e == "rs" || e == "rhai" || e == "sh");
            if path.is_dir() {
                open.push(path);
            } else if is_source && let Ok(text) = fs::read_to_string(&path) {
                let relative = path.strip_prefix(root).unwrap_or(&path).to_path_buf();
                found.push((relative, text));
            }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_repository_is_tidy() {
        let root =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the repository");
        let told: Vec<String> =
            super::tidy(root).iter().map(|b| format!("{}: {}", b.file.display(), b.message)).collect();
        assert!(told.is_empty(), "\n{}", told.join("\n"));
    }
}
