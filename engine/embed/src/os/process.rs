//! Naming a process so that a recycled pid is never taken for it: pid and start time together.

use std::collections::HashMap;

use rustix::process::{Pid, Signal};

/// A process, told apart from a later one with the same pid by when it started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub(crate) struct ProcessId {
    pub(crate) pid: u32,
    /// Linux: clock ticks since boot. Elsewhere: seconds since the Unix epoch.
    pub(crate) start: u64,
}

/// One row of the process table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: ProcessId,
    pub(crate) parent: u32,
    pub(crate) group: u32,
    /// Ended, but not yet waited for by its parent: it holds nothing and cannot be killed again.
    pub(crate) zombie: bool,
    /// Held by a stop signal.
    pub(crate) stopped: bool,
}

impl ProcessId {
    /// This process.
    pub(crate) fn own() -> Option<ProcessId> {
        ProcessId::of(std::process::id())
    }

    /// The process that has this pid now, `None` when there is none.
    pub(crate) fn of(pid: u32) -> Option<ProcessId> {
        table::row(pid).map(|row| row.id)
    }

    /// Still there, the same one, and not a zombie.
    pub(crate) fn is_alive(self) -> bool {
        table::row(self.pid).is_some_and(|row| row.id == self && !row.zombie)
    }

    /// Does nothing and can do nothing: held by a stop signal, or gone. A stop signal that was sent takes effect when
    /// the process next returns from the kernel, and so not before it is scheduled.
    pub(crate) fn is_still(self) -> bool {
        table::row(self.pid).is_none_or(|row| row.id != self || row.zombie || row.stopped)
    }

    /// Sends a signal, unless the pid has come to mean another process.
    pub(crate) fn signal(self, signal: Signal) {
        if let (true, Some(pid)) = (self.is_alive(), pid_of(self.pid)) {
            // Gone in between is what was wanted; not permitted cannot happen to our own children.
            let _ = rustix::process::kill_process(pid, signal);
        }
    }
}

/// A pid in rustix's clothes; `None` for 0, which would mean "my own group" to kill(2).
pub(crate) fn pid_of(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

/// The whole process table, by pid.
pub(crate) fn snapshot() -> HashMap<u32, Row> {
    table::rows().into_iter().map(|row| (row.id.pid, row)).collect()
}

#[cfg(target_os = "linux")]
mod table {
    use super::{ProcessId, Row};

    pub(super) fn row(pid: u32) -> Option<Row> {
        parse(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    pub(super) fn rows() -> Vec<Row> {
        let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
        entries.flatten().filter_map(|entry| row(entry.file_name().to_str()?.parse().ok()?)).collect()
    }

    /// proc_pid_stat(5): the name in parentheses may hold anything, so fields count from the last `)`.
    pub(super) fn parse(stat: &str) -> Option<Row> {
        let pid = stat.split(' ').next()?.parse().ok()?;
        let fields: Vec<&str> = stat[stat.rfind(')')? + 1..].split_ascii_whitespace().collect();
        Some(Row {
            zombie: matches!(*fields.first()?, "Z" | "X"),
            stopped: matches!(*fields.first()?, "T" | "t"),
            parent: fields.get(1)?.parse().ok()?,
            group: fields.get(2)?.parse().ok()?,
            id: ProcessId { pid, start: fields.get(19)?.parse().ok()? },
        })
    }
}

#[cfg(not(target_os = "linux"))]
mod table {
    use super::{ProcessId, Row};
    use std::process::Command;

    pub(super) fn row(pid: u32) -> Option<Row> {
        ask(&["-p", &pid.to_string()]).into_iter().next()
    }

    pub(super) fn rows() -> Vec<Row> {
        ask(&["-ax"])
    }

    /// ps(1), as every Unix has it; `etime` is turned into a start time, which is why it is in seconds.
    fn ask(which: &[&str]) -> Vec<Row> {
        let output = Command::new("ps")
            .args(which)
            .args(["-o", "pid=", "-o", "ppid=", "-o", "pgid=", "-o", "stat=", "-o", "lstart="])
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .output();
        let Ok(output) = output else { return Vec::new() };
        String::from_utf8_lossy(&output.stdout).lines().filter_map(parse).collect()
    }

    /// `pid ppid pgid stat Thu Nov 20 16:14:03 2025`
    pub(super) fn parse(line: &str) -> Option<Row> {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let [pid, parent, group, stat, _weekday, month, day, clock, year] = fields[..] else { return None };
        Some(Row {
            zombie: stat.starts_with('Z'),
            stopped: stat.starts_with('T'),
            parent: parent.parse().ok()?,
            group: group.parse().ok()?,
            id: ProcessId { pid: pid.parse().ok()?, start: instant(year, month, day, clock)? },
        })
    }

    /// A number that grows with the date: all that is asked of it is to differ between processes.
    fn instant(year: &str, month: &str, day: &str, clock: &str) -> Option<u64> {
        const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
        let month = MONTHS.find(month)? as u64 / 3;
        let mut clock = clock.split(':').map(|part| part.parse::<u64>().ok());
        let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
        let days = (year.parse::<u64>().ok()? * 12 + month) * 31 + day.parse::<u64>().ok()?;
        Some(((days * 24 + hour) * 60 + minute) * 60 + second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_another_start_time_is_not() {
        let own = ProcessId::own().unwrap();
        assert!(own.is_alive() && !own.is_still());
        assert!(!ProcessId { start: own.start + 1, ..own }.is_alive());
        assert!(snapshot().contains_key(&own.pid));
    }

    #[test]
    fn a_recycled_pid_is_not_hit() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let id = ProcessId::of(child.id()).unwrap();
        ProcessId { start: id.start + 7, ..id }.signal(Signal::KILL);
        assert!(child.try_wait().unwrap().is_none());
        id.signal(Signal::KILL);
        assert!(!child.wait().unwrap().success());
        assert!(!id.is_alive());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let stat = "42 (a) b (c)) Z 7 9 9 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 123456 1000 10";
        let row = table::parse(stat).unwrap();
        assert_eq!(row.id, ProcessId { pid: 42, start: 123_456 });
        assert_eq!((row.parent, row.group, row.zombie, row.stopped), (7, 9, true, false));
        assert!(table::parse(&stat.replace(" Z ", " T ")).unwrap().stopped);
        assert_eq!(table::parse("garbage"), None);
    }
}
