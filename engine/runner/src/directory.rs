//! The directory that a run leaves: `<time>-<scenario>-<id>/` with its files, written as the run goes.
//!
//! Every line is handed to the system at once and `run.json` is replaced in one step, so a run that is killed leaves
//! everything up to its last second; it has its name from the moment it holds a `run.json`. Trouble with the disk in mid-run is told once for each file and does not end the
//! load: the verdict still reaches the terminal.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use model::{histogram::log::LogWriter, runfile::RunFile, trace::Trace};
use report::{
    events::{Event, EventWriter, What},
    probes::ProbeWriter,
    timeline::{Second, TimelineWriter, histograms},
    traces,
};

use crate::error::RunError;

/// The files, and what they are.
const FILES: [(&str, &str); 6] = [
    ("run.json", "everything about the run: what it was, what it found"),
    ("timeline.csv", "one row a second and thing"),
    ("events.ndjson", "what happened and when"),
    ("histograms.hlog", "HdrHistogram V2 interval log, one line a second, operation and outcome"),
    (PROBES, "what probes sampled"),
    ("report.md", "the report"),
];

/// Only there when the script has probes.
const PROBES: &str = "probes.csv";

const RUN_FILE: &str = "run.json";
/// Ids are drawn until a folder of that name does not exist.
const ATTEMPTS: u32 = 100;

/// What a directory is called before it holds a run file: hidden, so that nobody takes it for a run.
const UNBORN: &str = ".unborn-";
/// One that was left so by a run that was killed is removed when it is this old.
const UNBORN_FOR: Duration = Duration::from_secs(60);

/// An open run directory.
pub(crate) struct RunDirectory {
    /// Where it is now.
    path: PathBuf,
    /// Where it will be.
    name: PathBuf,
    id: String,
    events: EventWriter<File>,
    timeline: TimelineWriter<BufWriter<File>>,
    /// Opened when the run's epoch is known: it is the first line.
    histograms: Option<LogWriter<BufWriter<File>>>,
    probes: Option<ProbeWriter<File>>,
    /// Files that could not be written at least once. A disk that is full stays so for every second to come.
    troubled: Vec<&'static str>,
    /// What was not told yet.
    trouble: Vec<String>,
}

impl RunDirectory {
    /// Makes the directory in `out` (made too, when it is missing) and opens its files.
    pub(crate) fn create(out: &Path, scenario: &str, has_probes: bool) -> Result<Self, RunError> {
        fs::create_dir_all(out).map_err(results("create", out))?;
        remove_unborn(out);
        let (path, name, id) = fresh(out, scenario)?;
        let open = |name: &str| {
            let file = path.join(name);
            File::options().append(true).create_new(true).open(&file).map_err(results("write", &file))
        };
        let timeline = TimelineWriter::new(BufWriter::new(open("timeline.csv")?));
        let events = EventWriter::new(open("events.ndjson")?);
        let probes = has_probes.then(|| open(PROBES).map(ProbeWriter::new)).transpose()?;
        let (troubled, trouble) = (Vec::new(), Vec::new());
        Ok(Self { path, name, id, events, timeline, histograms: None, probes, troubled, trouble })
    }

    /// Where it is: under its own name once it holds a run file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The run's id.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Removes it: the run never began.
    pub(crate) fn discard(self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "the directory of a run that never began stays");
        }
    }

    /// The files that the directory will hold, and what they are.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let has_probes = self.probes.is_some();
        FILES.into_iter().filter(move |(name, _)| has_probes || *name != PROBES)
    }

    /// What went wrong with writing since the last call, once for each file.
    pub(crate) fn take_trouble(&mut self) -> Vec<String> {
        std::mem::take(&mut self.trouble)
    }

    /// Begins the histogram log: the load clock runs.
    pub(crate) fn begin(&mut self, epoch_unix_us: u64) {
        let file = self.path.join("histograms.hlog");
        let begun = File::options().append(true).create(true).open(&file);
        let begun = begun.and_then(|file| LogWriter::begin(BufWriter::new(file), epoch_unix_us));
        match begun {
            Ok(mut log) => {
                let flushed = log.flush();
                self.histograms = Some(log);
                self.note("histograms.hlog", flushed);
            }
            Err(error) => self.note("histograms.hlog", Err(error)),
        }
    }

    /// A phase begins: rows from here on say so.
    pub(crate) fn phase(&mut self, name: &str, at_ns: u64) {
        self.timeline.phase(name, at_ns);
    }

    /// Writes one complete second.
    pub(crate) fn second(&mut self, second: &Second) {
        let written = self.timeline.write(second);
        self.note("timeline.csv", written);
        if let Some(log) = &mut self.histograms {
            let written = histograms::write(log, second);
            self.note("histograms.hlog", written);
        }
    }

    /// Writes one value of a probe.
    pub(crate) fn sample(&mut self, at_ns: u64, probe: &str, value: f64) {
        if let Some(probes) = &mut self.probes {
            let written = probes.write(at_ns, probe, value);
            self.note(PROBES, written);
        }
    }

    /// Writes one event, which happened now.
    pub(crate) fn event(&mut self, at_ns: Option<u64>, what: What) {
        let written =
            self.events.write(&Event { unix_us: unix_us(), at_ns, what }).and_then(|()| self.events.flush());
        self.note("events.ndjson", written);
    }

    /// Replaces `run.json` in one step.
    pub(crate) fn run_file(&mut self, run: &RunFile) {
        let written = replace(&self.path.join(RUN_FILE), run.to_json().as_bytes());
        self.note(RUN_FILE, written);
    }

    /// The same, as an error: for the first time, before anything has started. The directory gets its name.
    pub(crate) fn first_run_file(&mut self, run: &RunFile) -> Result<(), RunError> {
        let file = self.path.join(RUN_FILE);
        replace(&file, run.to_json().as_bytes()).map_err(results("write", &file))?;
        fs::rename(&self.path, &self.name).map_err(results("create", &self.name))?;
        self.path.clone_from(&self.name);
        Ok(())
    }

    /// Writes the traces, once the load has ended; the file and what it is.
    pub(crate) fn traces(&mut self, traces: &[Trace]) -> (&'static str, &'static str) {
        let written = replace(&self.path.join(traces::FILE), &traces::write(traces));
        self.note(traces::FILE, written);
        (traces::FILE, "single iterations, operation by operation: failed ones and the slowest")
    }

    /// Writes the report.
    pub(crate) fn report(&mut self, markdown: &str) {
        let written = replace(&self.path.join("report.md"), markdown.as_bytes());
        self.note("report.md", written);
    }

    fn note(&mut self, file: &'static str, written: io::Result<()>) {
        if let Err(error) = written
            && !self.troubled.contains(&file)
        {
            self.troubled.push(file);
            let path = self.path.join(file);
            self.trouble
                .push(format!("cannot write {}: {error}; the run goes on without it", path.display()));
        }
    }
}

/// Makes a folder that was not there before; says what it will be called, and the id in that.
fn fresh(out: &Path, scenario: &str) -> Result<(PathBuf, PathBuf, String), RunError> {
    let mut refused = io::Error::other("no name was free");
    let mut path = out.to_path_buf();
    for _ in 0..ATTEMPTS {
        let id = random_id();
        let name = format!("{}-{}-{id}", time_stamp(), file_name(scenario));
        path = out.join(format!("{UNBORN}{name}"));
        let name = out.join(name);
        if name.exists() {
            continue;
        }
        match fs::create_dir(&path) {
            Ok(()) => return Ok((path, name, id)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => refused = error,
            Err(error) => return Err(results("create", &path)(error)),
        }
    }
    Err(results("create", &path)(refused))
}

/// Removes what runs have left that were killed before they had a run file.
fn remove_unborn(out: &Path) {
    for entry in fs::read_dir(out).into_iter().flatten().flatten() {
        let is_unborn = entry.file_name().to_string_lossy().starts_with(UNBORN);
        let age = entry.metadata().and_then(|it| it.modified()).ok().and_then(|at| at.elapsed().ok());
        if is_unborn && age.is_some_and(|age| age > UNBORN_FOR) {
            // Somebody else may remove it at the same moment.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Six hexadecimal digits nobody chose.
pub(crate) fn random_id() -> String {
    use std::hash::{BuildHasher, RandomState};
    format!("{:06x}", RandomState::new().hash_one(unix_us()) & 0xff_ffff)
}

/// `20260131T235959Z`
fn time_stamp() -> String {
    jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// The name with everything that is awkward in a path replaced.
fn file_name(scenario: &str) -> String {
    let is_fine = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let name: String = scenario.chars().take(60).map(|c| if is_fine(c) { c } else { '_' }).collect();
    if name.is_empty() { "run".to_owned() } else { name }
}

pub(crate) fn unix_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// Whoever reads `path` sees the old text or the new one, never a part.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = File::create(&beside)?;
    let written = file.write_all(bytes).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

fn results(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> RunError {
    let path = path.to_path_buf();
    move |source| RunError::Results { action, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_a_folder_of_its_own_with_all_files_from_the_beginning() {
        let out = tempfile::tempdir().unwrap();
        let below = out.path().join("not/yet");
        let mut first = RunDirectory::create(&below, "s6 burst/ä", false).unwrap();
        let second = RunDirectory::create(&below, "s6 burst/ä", false).unwrap();
        assert_ne!(first.path(), second.path());
        assert!(first.path().file_name().unwrap().to_str().unwrap().starts_with(UNBORN), "it is no run yet");
        first.first_run_file(&RunFile::new("0", first.id())).unwrap();
        let name = first.path().file_name().unwrap().to_str().unwrap().to_owned();
        assert!(name.ends_with(&format!("Z-s6_burst__-{}", first.id())) && !name.starts_with('.'), "{name}");
        first.begin(1);
        first.event(Some(7), What::Mark { text: "here".into() });
        let mut names: Vec<String> = fs::read_dir(first.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let listed: Vec<&str> =
            first.files().map(|(name, _)| name).filter(|name| *name != "report.md").collect();
        assert!(listed.iter().all(|name| names.contains(&(*name).to_owned())), "{listed:?}");
        assert_eq!(names, ["events.ndjson", "histograms.hlog", "run.json", "timeline.csv"]);
        assert_eq!(first.take_trouble(), [""; 0]);
    }

    #[test]
    fn what_a_killed_run_left_before_it_was_one_goes_when_it_is_old() {
        let out = tempfile::tempdir().unwrap();
        let unborn = RunDirectory::create(out.path(), "x", false).unwrap();
        RunDirectory::create(out.path(), "y", false)
            .unwrap()
            .first_run_file(&RunFile::new("0", "id"))
            .unwrap();
        assert!(unborn.path().exists(), "it may be somebody's who has just begun");
        let old = SystemTime::now() - 2 * UNBORN_FOR;
        File::open(unborn.path()).unwrap().set_modified(old).unwrap();
        RunDirectory::create(out.path(), "z", false).unwrap();
        assert!(!unborn.path().exists());
    }

    #[test]
    fn what_is_replaced_is_whole_and_nothing_stays_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("run.json");
        replace(&file, b"one").unwrap();
        replace(&file, b"two").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_place_that_cannot_be_written_is_an_error_with_a_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("results");
        fs::write(&file, "I am a file").unwrap();
        let Err(error) = RunDirectory::create(&file, "x", false) else { panic!("created below a file") };
        let told = &error.diagnostics()[0];
        assert!(told.message.starts_with(&format!("cannot create {}", file.display())), "{told}");
        assert!(told.help.as_ref().unwrap().contains("--out"));
    }

    #[test]
    fn trouble_in_mid_run_is_told_once_for_each_file_and_ends_nothing() {
        let out = tempfile::tempdir().unwrap();
        let mut directory = RunDirectory::create(out.path(), "x", true).unwrap();
        fs::remove_dir_all(directory.path()).unwrap();
        directory.report("one");
        directory.run_file(&RunFile::new("0", "id"));
        let told = directory.take_trouble();
        assert!(told[0].contains("report.md") && told[0].contains("goes on"), "{told:?}");
        assert!(told.len() == 2 && told[1].contains("run.json"), "{told:?}");
        for _ in 0..100 {
            directory.report("one");
            directory.run_file(&RunFile::new("0", "id"));
            assert_eq!(directory.take_trouble(), [""; 0], "it was told");
        }
    }
}
