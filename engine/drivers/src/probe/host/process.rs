//! This process, and trees of processes.
//!
//! Memory of a tree is what it really takes: the private memory of each process, and once what they share (a
//! Postgres's shared buffers appear in each backend that touched them). What is shared is taken for as much as the
//! process that touched the most of it has: a little less than all. Pages that a fork shares until somebody writes
//! to them count for both.
//!
//! Processor time of a tree is that of all its processes and of the children that they have waited for, so that
//! what a backend used is not lost when it ends between two looks.

use std::path::Path;
use std::time::Instant;

use crate::probe::counters::{Backwards, Tally};
use crate::probe::harvest::Harvest;

/// Of `/proc/<pid>/stat`; times in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stat {
    parent: u32,
    own_ticks: i64,
    /// Of children that have ended and were waited for.
    children_ticks: i64,
    threads: i64,
    started: u64,
}

/// Of `/proc/<pid>/statm`, in pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Memory {
    private: u64,
    shared: u64,
}

fn parse_stat(stat: &str) -> Option<Stat> {
    // The name may hold anything, parentheses and spaces included.
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<i64>().ok();
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        own_ticks: number(11)? + number(12)?,
        children_ticks: number(13)? + number(14)?,
        threads: number(17)?,
        started: fields.get(19)?.parse().ok()?,
    })
}

fn parse_statm(statm: &str) -> Option<Memory> {
    let mut fields = statm.split_whitespace().skip(1).map(str::parse::<u64>);
    let (resident, shared) = (fields.next()?.ok()?, fields.next()?.ok()?);
    Some(Memory { private: resident.saturating_sub(shared), shared })
}

/// A process, or the tree below it.
#[derive(Debug)]
pub(super) struct Tree {
    name: String,
    root: u32,
    /// By pid and start of the root: another process with the same pid is another.
    ticks: Tally<(u32, u64), 1>,
}

impl Tree {
    pub(super) fn new(name: &str, root: u32) -> Tree {
        Tree { name: name.to_owned(), root, ticks: Tally::new(Backwards::Noise) }
    }

    /// The process without what it has started.
    pub(super) fn report_alone(&mut self, proc: &Path, at: Instant, harvest: &mut Harvest) {
        let Some((stat, memory)) = read(proc, self.root) else {
            harvest.fail(format!("{} (pid {}) cannot be read", self.name, self.root));
            return;
        };
        self.report_cpu(at, stat, stat.own_ticks, harvest);
        harvest.add(format!("{}.rss_bytes", self.name), bytes(memory.private + memory.shared));
        harvest.add(format!("{}.threads", self.name), stat.threads as f64);
    }

    /// The process and all below it.
    fn report_all(&mut self, proc: &Path, family: &Family, at: Instant, harvest: &mut Harvest) {
        let members = family.tree(proc, self.root);
        let Some((root, _)) = members.first() else {
            harvest.fail(format!("there is no process {} (pid {})", self.name, self.root));
            harvest.add(format!("{}.processes", self.name), 0.0);
            return;
        };
        let ticks = members.iter().map(|(stat, _)| stat.own_ticks + stat.children_ticks).sum();
        let private: u64 = members.iter().map(|(_, memory)| memory.private).sum();
        let shared = members.iter().map(|(_, memory)| memory.shared).max().unwrap_or_default();
        self.report_cpu(at, *root, ticks, harvest);
        harvest.add(format!("{}.rss_bytes", self.name), bytes(private + shared));
        harvest.add(format!("{}.processes", self.name), members.len() as f64);
    }

    fn report_cpu(&mut self, at: Instant, root: Stat, ticks: i64, harvest: &mut Harvest) {
        let step = self.ticks.look(at, [((self.root, root.started), [ticks])]);
        let ticks_per_s = rustix::param::clock_ticks_per_second() as f64;
        harvest.add_some(
            format!("{}.cpu_percent", self.name),
            step.rate(0).map(|ticks| 100.0 * ticks / ticks_per_s),
        );
    }
}

/// The trees of a plan.
#[derive(Debug)]
pub(super) struct Trees(Vec<Tree>);

impl Trees {
    pub(super) fn new(processes: Vec<(String, u32)>) -> Trees {
        Trees(processes.into_iter().map(|(name, pid)| Tree::new(&name, pid)).collect())
    }

    pub(super) fn set(&mut self, name: &str, pid: u32) {
        match self.0.iter_mut().find(|tree| tree.name == name) {
            Some(tree) => tree.root = pid,
            None => self.0.push(Tree::new(name, pid)),
        }
    }

    pub(super) fn report(&mut self, proc: &Path, at: Instant, harvest: &mut Harvest) {
        if self.0.is_empty() {
            return;
        }
        let family = Family::of(proc);
        for tree in &mut self.0 {
            tree.report_all(proc, &family, at, harvest);
        }
    }
}

/// Who is whose child.
enum Family {
    /// The kernel lists the children of each thread.
    Listed,
    /// It does not: children and parents of all processes of the machine.
    Scanned(Vec<(u32, u32)>),
}

impl Family {
    fn of(proc: &Path) -> Family {
        let own = std::process::id();
        if proc.join(format!("{own}/task/{own}/children")).exists() {
            return Family::Listed;
        }
        let pids = numbers(proc).into_iter();
        Family::Scanned(pids.filter_map(|pid| Some((pid, read_stat(proc, pid)?.parent))).collect())
    }

    /// The root, if it is there, and all below it. What ends on the way is not there, and its time is its
    /// parent's.
    fn tree(&self, proc: &Path, root: u32) -> Vec<(Stat, Memory)> {
        let (mut members, mut open) = (Vec::new(), vec![root]);
        while let Some(pid) = open.pop() {
            if let Some((stat, memory)) = read(proc, pid) {
                open.extend(self.children(proc, pid, stat.threads));
                members.push((stat, memory));
            }
        }
        members
    }

    fn children(&self, proc: &Path, parent: u32, threads: i64) -> Vec<u32> {
        let pairs = match self {
            Family::Listed => return listed_children(proc, parent, threads),
            Family::Scanned(pairs) => pairs,
        };
        pairs.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid).collect()
    }
}

/// The folder of threads is walked only where there are several.
fn listed_children(proc: &Path, parent: u32, threads: i64) -> Vec<u32> {
    let tasks = proc.join(format!("{parent}/task"));
    let ids = if threads > 1 { numbers(&tasks) } else { vec![parent] };
    let lists = ids.into_iter().map(|id| tasks.join(format!("{id}/children")));
    let texts = lists.filter_map(|list| std::fs::read_to_string(list).ok());
    texts
        .flat_map(|text| text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<u32>>())
        .collect()
}

/// The entries of a folder that are numbers.
fn numbers(folder: &Path) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn read_stat(proc: &Path, pid: u32) -> Option<Stat> {
    parse_stat(&std::fs::read_to_string(proc.join(format!("{pid}/stat"))).ok()?)
}

fn read(proc: &Path, pid: u32) -> Option<(Stat, Memory)> {
    let statm = std::fs::read_to_string(proc.join(format!("{pid}/statm"))).ok()?;
    Some((read_stat(proc, pid)?, parse_statm(&statm)?))
}

fn bytes(pages: u64) -> f64 {
    pages as f64 * rustix::param::page_size() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_anything_in_it_is_no_trap() {
        let stat =
            "26595 (a) (b 7) S 26586 26595 26586 0 -1 4194304 90 11 0 0 21 4 300 40 20 0 6 0 8500 312 4 0 0";
        let parsed = parse_stat(stat).unwrap();
        assert_eq!(
            parsed,
            Stat { parent: 26586, own_ticks: 25, children_ticks: 340, threads: 6, started: 8500 }
        );
        assert_eq!(parse_stat("1 (cut"), None);
        assert_eq!(parse_stat("1 (cut) S 0 1"), None);
    }

    #[test]
    fn resident_memory_is_private_or_shared() {
        assert_eq!(parse_statm("3060 427 399 5 0 123 0\n"), Some(Memory { private: 28, shared: 399 }));
        assert_eq!(parse_statm("3060"), None);
    }

    /// A process as its kernel shows it: ticks of its own and of children, private and shared pages.
    fn put(proc: &Path, pid: u32, parent: u32, ticks: [u32; 2], pages: [u64; 2]) {
        let folder = proc.join(pid.to_string());
        let (own, children) = (ticks[0], ticks[1]);
        let stat = format!("{pid} (p) S {parent} 1 1 0 -1 0 0 0 0 0 {own} 0 {children} 0 20 0 1 0 77 0 0");
        let statm = format!("9999 {} {} 0 0 0 0", pages[0] + pages[1], pages[1]);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("stat"), stat).unwrap();
        std::fs::write(folder.join("statm"), statm).unwrap();
    }

    fn list(proc: &Path, parent: u32, children: &str) {
        let folder = proc.join(format!("{parent}/task/{parent}"));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("children"), children).unwrap();
    }

    fn look(tree: &mut Tree, family: &Family, proc: &Path, at: Instant) -> Vec<(String, f64)> {
        let mut harvest = Harvest::default();
        tree.report_all(proc, family, at, &mut harvest);
        assert_eq!(harvest.failure, None);
        harvest.samples.into_iter().map(|sample| (sample.series, sample.value)).collect()
    }

    #[test]
    fn a_tree_is_measured_as_one_and_loses_no_time_of_those_that_end() {
        let folder = tempfile::tempdir().unwrap();
        let proc = folder.path();
        put(proc, 10, 1, [100, 0], [10, 500]);
        put(proc, 11, 10, [50, 0], [20, 700]);
        put(proc, 12, 11, [5, 0], [30, 100]);
        put(proc, 13, 1, [9000, 0], [9000, 9000]);
        list(proc, 10, "11 ");
        list(proc, 11, "12 ");
        let scanned = Family::of(proc);
        assert!(matches!(scanned, Family::Scanned(_)), "no child of ours is listed there");
        let memory = ("t.rss_bytes".to_owned(), bytes(10 + 20 + 30 + 700));
        let processes = |count| ("t.processes".to_owned(), count);
        let start = Instant::now();
        let mut tree = Tree::new("t", 10);
        for family in [&scanned, &Family::Listed] {
            let mut tree = Tree::new("t", 10);
            assert_eq!(look(&mut tree, family, proc, start), [memory.clone(), processes(3.0)]);
        }
        look(&mut tree, &Family::Listed, proc, start);
        // One ends after 20 ticks more, which its parent has waited for; the root works for 30.
        std::fs::remove_dir_all(proc.join("12")).unwrap();
        put(proc, 10, 1, [130, 0], [10, 500]);
        put(proc, 11, 10, [50, 25], [20, 700]);
        let ticks_per_s = rustix::param::clock_ticks_per_second() as f64;
        let after = start + std::time::Duration::from_secs(1);
        let seen = look(&mut tree, &Family::Listed, proc, after);
        assert_eq!(seen[0], ("t.cpu_percent".to_owned(), 100.0 * 50.0 / ticks_per_s));
        assert_eq!(seen[2], processes(2.0));
    }
}
