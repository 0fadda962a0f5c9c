//! The scenarios in a folder, each with its question.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// A script, as its head describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its file.
    pub path: PathBuf,
    /// The first line of the comment at its head, without the slashes; empty when there is none.
    pub title: String,
    /// What stands behind `Question:`; empty when there is none.
    pub question: String,
}

/// The scripts in `folder`, by name.
///
/// # Errors
/// When the folder cannot be read.
pub fn scenarios(folder: &Path) -> io::Result<Vec<Listed>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_file() && path.extension().is_some_and(|extension| extension == "rhai") {
            // One that cannot be read as text is listed by its name: `check` says what is wrong with it.
            let text =
                fs::read(&path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
            found.push(listed(path, &text));
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn listed(path: PathBuf, text: &str) -> Listed {
    let head = text.lines().map(str::trim).take_while(|line| line.starts_with("//"));
    let head: Vec<&str> = head.map(|line| line.trim_start_matches('/').trim()).collect();
    let question = head.iter().find_map(|line| line.strip_prefix("Question:"));
    Listed {
        path,
        title: head.first().map(|line| (*line).to_owned()).unwrap_or_default(),
        question: question.unwrap_or_default().trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_says_title_and_question() {
        let text = "// S6 · Burst\n// Question: what does it cost?\n// Look at: p95\n\nfn options() {}\n// Question: no\n";
        let listed = listed("s6.rhai".into(), text);
        assert_eq!((listed.title.as_str(), listed.question.as_str()), ("S6 · Burst", "what does it cost?"));
    }

    #[test]
    fn a_folder_is_listed_by_name_and_only_its_scripts() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("b.rhai", "fn options() {}"), ("a.rhai", "// A"), ("c.txt", "// C")] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        fs::write(folder.path().join("d.rhai"), [0xff, 0xfe, 0]).unwrap();
        let found = scenarios(folder.path()).unwrap();
        let names: Vec<_> =
            found.iter().map(|listed| listed.path.file_stem().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["a", "b", "d"]);
        assert_eq!(found[0].title, "A");
        assert!(scenarios(&folder.path().join("none")).is_err());
    }
}
