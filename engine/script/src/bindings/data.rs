//! `data`: files beside the script, such as a price list, as maps and arrays.
//!
//! Deliberately refused in iterations: a read of a file blocks a core, and every user of it with it.

use std::{
    io,
    path::{Path, PathBuf},
};

use model::suggest::did_you_mean;
use rhai::{Dynamic, NativeCallContext, plugin::*};

use crate::{
    context::{self, failure, placed},
    engine::EvalError,
    portable::Portable,
};

/// A file that a script reads as a whole; more is no list of prices.
const BYTES_AT_MOST: u64 = 16 << 20;

/// Where the script is, as its engine knows it.
#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// That of a script's file.
    pub(crate) fn of(script: &Path) -> Self {
        Self(script.parent().map(Path::to_path_buf).unwrap_or_default())
    }

    /// The path of a file that the script names.
    pub(crate) fn join(&self, file: &str) -> PathBuf {
        self.0.join(file)
    }

    fn of_call(call: &NativeCallContext<'_>) -> Self {
        call.tag()
            .and_then(|tag| tag.read_lock::<Self>().map(|folder| folder.clone()))
            .unwrap_or(Self(PathBuf::new()))
    }
}

/// The text of a file, and its path as messages name it.
fn text(call: &NativeCallContext<'_>, of: &str, file: &str) -> Result<(String, String), EvalError> {
    if context::with(|c| c.scenario.is_some()).unwrap_or(false) {
        return Err(failure(&format!(
            "{of} reads a file, which would hold up every virtual user of this core: read it in options() or in \
             setup(), return it, and use it as vu.shared.NAME"
        )));
    }
    let path = Folder::of_call(call).join(file);
    let shown = shown(&path);
    let unreadable = |e: &io::Error| failure(&unreadable(e, &path, &shown));
    let length = std::fs::metadata(&path).map_err(|e| unreadable(&e))?.len();
    if length > BYTES_AT_MOST {
        return Err(failure(&format!(
            "{shown} has {length} bytes; {of} reads files of up to {BYTES_AT_MOST}"
        )));
    }
    let text = std::fs::read_to_string(&path).map_err(|e| unreadable(&e))?;
    Ok((text, shown))
}

/// A path as messages name it.
pub(crate) fn shown(path: &Path) -> String {
    path.components().collect::<PathBuf>().display().to_string()
}

/// Why a file cannot be read, with the nearest name when there is none of this one.
pub(crate) fn unreadable(error: &io::Error, path: &Path, shown: &str) -> String {
    if error.kind() == io::ErrorKind::NotFound {
        let near = nearest(path).map_or_else(
            || "files are looked for beside the script".to_owned(),
            |near| format!("did you mean `{near}`? Files are looked for beside the script"),
        );
        return format!("there is no file {shown} ({near})");
    }
    format!("cannot read {shown}: {error}")
}

/// The file in the same folder whose name is nearest.
fn nearest(path: &Path) -> Option<String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let files = std::fs::read_dir(folder).ok()?.flatten();
    let names: Vec<String> = files.filter_map(|file| file.file_name().into_string().ok()).collect();
    did_you_mean(path.file_name()?.to_str()?, names.iter().map(String::as_str)).map(str::to_owned)
}

/// Files beside the script.
#[export_module]
pub(crate) mod data_api {
    /// A YAML file beside the script, as maps, arrays and plain values: for options(), setup() and report(r). A path is
    /// taken from the script's folder, wherever it is run from.
    ///
    /// ```rhai
    /// fn setup() { #{ prices: data::yaml("prices.yaml").stores } }
    /// ```
    #[rhai_fn(return_raw)]
    pub fn yaml(call: NativeCallContext<'_>, file: &str) -> Result<Dynamic, EvalError> {
        placed(&call, || {
            let (text, shown) = text(&call, "data::yaml", file)?;
            let value: serde_json::Value = serde_yaml::from_str(&text).map_err(|e| {
                let place =
                    e.location().map_or(String::new(), |at| format!(":{}:{}", at.line(), at.column()));
                failure(&format!("{shown}{place}: this is no YAML: {}", e.without_snippet()))
            })?;
            Ok(Portable::from_json(&value).to_dynamic())
        })
    }

    /// A JSON file beside the script, as maps, arrays and plain values: see `data::yaml`.
    #[rhai_fn(return_raw)]
    pub fn json(call: NativeCallContext<'_>, file: &str) -> Result<Dynamic, EvalError> {
        placed(&call, || {
            let (text, shown) = text(&call, "data::json", file)?;
            let value: serde_json::Value = serde_json::from_str(&text).map_err(|e| {
                failure(&format!("{shown}:{}:{}: this is no JSON: {e}", e.line(), e.column()))
            })?;
            Ok(Portable::from_json(&value).to_dynamic())
        })
    }
}
