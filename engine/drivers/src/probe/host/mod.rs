//! The host: processor, memory, disks, control group, and trees of processes, from `/proc`.
//!
//! Everything is parsed from text, so that a sample of each file can be a test's data. What is sampled is the
//! machine that this process runs on; for a server elsewhere it says nothing. The control group is this
//! process's own.
//!
//! Processor time of a process tree is a share of one core: 200 % is two of them. `host.cpu_percent` is a share of
//! all cores.

mod cgroup;
mod cpu;
mod disk;
mod memory;
mod process;

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::probe::counters::{Backwards, Step, Tally};
use crate::probe::harvest::{Harvest, Told};
use process::{Tree, Trees};

/// What to look at beside the machine and this process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostPlan {
    /// Trees of processes by name (`postgres`) and the pid at their root.
    pub processes: Vec<(String, u32)>,
}

/// Looks at the host.
#[derive(Debug)]
pub struct HostProbe {
    proc: Box<Path>,
    trees: Trees,
    cpu: Tally<(), { cpu::FIELDS }>,
    disks: disk::Disks,
    throttled: Tally<PathBuf, 1>,
    generator: Tree,
    told: Told,
}

/// How this process is called among the trees.
const GENERATOR: &str = "generator";

impl HostProbe {
    /// Reads nothing yet.
    pub fn new(plan: HostPlan) -> HostProbe {
        HostProbe::at(Path::new("/proc"), plan)
    }

    fn at(proc: &Path, plan: HostPlan) -> HostProbe {
        HostProbe {
            proc: proc.into(),
            trees: Trees::new(plan.processes),
            cpu: Tally::new(Backwards::Noise),
            disks: disk::Disks::default(),
            throttled: Tally::new(Backwards::Noise),
            generator: Tree::new(GENERATOR, std::process::id()),
            told: Told::default(),
        }
    }

    /// The root of a tree is another process now: its server was restarted.
    pub fn set_process(&mut self, name: &str, pid: u32) {
        self.trees.set(name, pid);
    }

    /// One look. Costs some file reads, and three for each process of a tree; blocks for no longer than that.
    pub fn sample(&mut self) -> Harvest {
        let mut harvest = Harvest::default();
        if self.proc.join("stat").exists() {
            self.look(&mut harvest);
        } else {
            harvest.lack(format!(
                "there is no {} on this system: nothing can be read of the host and its processes",
                self.proc.display()
            ));
        }
        self.told.once(&mut harvest.lacks);
        harvest
    }

    fn look(&mut self, harvest: &mut Harvest) {
        let at = Instant::now();
        let read = |name: &str| {
            let file = self.proc.join(name);
            std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))
        };
        match read("stat").map(|text| cpu::parse(&text)) {
            Ok(Some(times)) => cpu::report(&self.cpu.look(at, [((), times)]), harvest),
            Ok(None) => harvest.fail("/proc/stat has no line `cpu`"),
            Err(error) => harvest.fail(error),
        }
        match read("loadavg") {
            Ok(text) => harvest.add_some("host.load1", cpu::load1(&text)),
            Err(error) => harvest.fail(error),
        }
        match read("meminfo") {
            Ok(text) => memory::report(&text, harvest),
            Err(error) => harvest.fail(error),
        }
        match read("diskstats") {
            Ok(text) => self.disks.report(at, disk::parse(&text), harvest),
            Err(_) => harvest.lack("there is no /proc/diskstats here: nothing is known of disks"),
        }
        let groups = cgroup::throttled(&self.proc);
        if groups.is_empty() {
            harvest.lack(
                "no control group limits this process's processor time: host.cgroup_throttled_ms_per_s is \
                 missing",
            );
        } else {
            let step: Step<1> = self.throttled.look(at, groups);
            harvest.add_some("host.cgroup_throttled_ms_per_s", step.rate(0).map(|us| us / 1000.0));
        }
        self.generator.report_alone(&self.proc, at, harvest);
        self.trees.report(&self.proc, at, harvest);
    }
}
