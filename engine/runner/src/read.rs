//! A run directory that is read again: of a run that ended, goes on, or was killed.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use model::runfile::{RunFile, RunFileError};
use report::{RunParts, events, probes, timeline};

/// A run as its directory tells it.
#[derive(Debug)]
pub struct StoredRun {
    /// `run.json`.
    pub run: RunFile,
    /// The other files.
    pub parts: RunParts,
}

/// Why a directory cannot be read as a run.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Nothing there.
    #[error("there is no run at {}; name the directory that `snapbench run` printed at its end", .0.display())]
    Missing(PathBuf),
    /// A folder that holds runs, or nothing of ours.
    #[error("{} holds no run.json{}", .folder.display(), .newest.as_ref().map_or_else(|| "; name the directory of a run".to_owned(), |newest| format!("; the newest run in it is {}", newest.display())))]
    NotARun {
        /// The folder.
        folder: PathBuf,
        /// The newest run in it.
        newest: Option<PathBuf>,
    },
    /// The system refused.
    #[error("cannot read {}: {source}; check its rights", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Its answer.
        source: io::Error,
    },
    /// A run file that is none, or of a newer version.
    #[error("{}: {source}", path.display())]
    RunFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: RunFileError,
    },
}

/// Reads the run at `path`: its directory, or its `run.json`.
///
/// # Errors
/// When there is none, or `run.json` cannot be understood. Damage to the other files is part of what is read.
pub fn read_run(path: &Path) -> Result<StoredRun, ReadError> {
    let (run, folder) = read_run_file(path)?;
    Ok(StoredRun { run, parts: parts(&folder) })
}

/// Reads the run file alone, and says in which folder it is.
pub(crate) fn read_run_file(path: &Path) -> Result<(RunFile, PathBuf), ReadError> {
    let file = if path.is_dir() { path.join("run.json") } else { path.to_path_buf() };
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && path.is_dir() => {
            return Err(ReadError::NotARun { folder: path.to_path_buf(), newest: newest_run(path) });
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(ReadError::Missing(path.to_path_buf()));
        }
        Err(source) => return Err(ReadError::Io { path: file, source }),
    };
    let run = RunFile::parse(&text).map_err(|source| ReadError::RunFile { path: file.clone(), source })?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok((run, folder.to_path_buf()))
}

/// The files beside `run.json`, as far as they are there.
pub(crate) fn parts(directory: &Path) -> RunParts {
    let bytes = |name: &str| fs::read(directory.join(name)).ok();
    RunParts {
        directory: directory.display().to_string(),
        timeline: bytes("timeline.csv").map(|bytes| timeline::read(&bytes)),
        histograms: bytes("histograms.hlog").map(|bytes| timeline::histograms::read(&bytes)),
        events: bytes("events.ndjson").map(|bytes| events::read(&bytes)),
        probes: bytes("probes.csv").map(|bytes| probes::read(&bytes)),
    }
}

/// Names begin with the time, so the last one is the newest.
fn newest_run(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    entries.filter(|path| path.join("run.json").is_file()).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_runs_names_the_newest() {
        let folder = tempfile::tempdir().unwrap();
        let told = |path: &Path| read_run(path).unwrap_err().to_string();
        assert!(told(folder.path()).ends_with("name the directory of a run"));
        for name in ["20260101T000000Z-a-1", "20260102T000000Z-a-2"] {
            fs::create_dir(folder.path().join(name)).unwrap();
            fs::write(folder.path().join(name).join("run.json"), RunFile::new("0", "1").to_json()).unwrap();
        }
        let newest = folder.path().join("20260102T000000Z-a-2");
        assert!(told(folder.path()).ends_with(&format!("the newest run in it is {}", newest.display())));
        assert_eq!(read_run(&newest).unwrap().run.id, "1");
        assert_eq!(read_run(&newest.join("run.json")).unwrap().run.id, "1");
        assert!(told(&folder.path().join("none")).starts_with("there is no run at "));
    }

    #[test]
    fn a_file_that_is_no_run_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("run.json");
        fs::write(&file, "{}").unwrap();
        let told = read_run(folder.path()).unwrap_err().to_string();
        assert!(told.starts_with(&file.display().to_string()), "{told}");
    }
}
