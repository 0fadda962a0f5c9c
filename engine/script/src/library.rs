//! Where `import "name"` finds its text: a file beside the script, a `stdlib` folder, the library in the binary.
//!
//! Every text is read once a run and kept, so that all cores see the same one and the run file can hold it.
//!
//! Deliberately absent: how a text becomes a module (see `engine`).

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// The standard library as it was when this binary was built: name and text.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("head_row", include_str!("../../../stdlib/head_row.rhai")),
    ("queue", include_str!("../../../stdlib/queue.rhai")),
    ("queue_document", include_str!("../../../stdlib/queue_document.rhai")),
    ("queue_http", include_str!("../../../stdlib/queue_http.rhai")),
    ("queue_table", include_str!("../../../stdlib/queue_table.rhai")),
    ("server", include_str!("../../../stdlib/server.rhai")),
    ("shape", include_str!("../../../stdlib/shape.rhai")),
    ("steps", include_str!("../../../stdlib/steps.rhai")),
    ("workflow", include_str!("../../../stdlib/workflow.rhai")),
    ("workflow_report", include_str!("../../../stdlib/workflow_report.rhai")),
];

/// One module's text and where it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleText {
    /// Path of the file, or `stdlib:name` for the library in the binary.
    pub origin: String,
    /// The text.
    pub text: Arc<str>,
}

/// The texts that a script's imports resolve to.
#[derive(Debug)]
pub(crate) struct Library {
    folders: Vec<PathBuf>,
    read: Mutex<BTreeMap<String, ModuleText>>,
}

impl Library {
    /// Looks beside the script, then in `stdlib` (when given) or a `stdlib` folder beside the script or beside its
    /// folder, then in the binary.
    pub(crate) fn new(script: &Path, stdlib: Option<&Path>) -> Self {
        let beside = script.parent().map(Path::to_path_buf).unwrap_or_default();
        let mut folders = vec![beside.clone()];
        match stdlib {
            Some(folder) => folders.push(folder.to_path_buf()),
            None => folders.extend([beside.join("stdlib"), beside.join("..").join("stdlib")]),
        }
        Self { folders, read: Mutex::default() }
    }

    /// The text of a module. `None` when nobody has it; an error when a file is there and cannot be read.
    pub(crate) fn find(&self, name: &str) -> Result<Option<ModuleText>, std::io::Error> {
        if let Some(known) = self.known().get(name) {
            return Ok(Some(known.clone()));
        }
        let found = self.look_up(name)?;
        if let Some(text) = &found {
            self.read.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), text.clone());
        }
        Ok(found)
    }

    /// Every module read so far, by the name it was imported under.
    pub(crate) fn known(&self) -> BTreeMap<String, ModuleText> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Names that `import` understands: the built-in ones and the files in the folders.
    pub(crate) fn names(&self) -> Vec<String> {
        let files = self.folders.iter().filter_map(|f| std::fs::read_dir(f).ok()).flatten().flatten();
        let stems = files.filter_map(|f| {
            let path = f.path();
            (path.extension()? == "rhai").then(|| path.file_stem()?.to_str().map(str::to_owned))?
        });
        BUILT_IN.iter().map(|(name, _)| (*name).to_owned()).chain(stems).collect()
    }

    fn look_up(&self, name: &str) -> Result<Option<ModuleText>, std::io::Error> {
        let file = if name.ends_with(".rhai") { name.to_owned() } else { format!("{name}.rhai") };
        for folder in &self.folders {
            let path = folder.join(&file);
            match std::fs::read_to_string(&path) {
                Ok(text) => {
                    let origin = path.components().collect::<PathBuf>().display().to_string();
                    return Ok(Some(ModuleText { origin, text: text.into() }));
                }
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                Err(e) => return Err(std::io::Error::new(e.kind(), format!("{}: {e}", path.display()))),
            }
        }
        let built_in = BUILT_IN.iter().find(|(known, _)| *known == name);
        Ok(built_in.map(|(_, text)| ModuleText { origin: format!("stdlib:{name}"), text: (*text).into() }))
    }
}
