//! How long this process was kept from running by its control group's limit.
//!
//! A limit of any group above holds as well, so each level that counts is read and their times are summed;
//! mostly one of them has a limit. Both versions of control groups are understood.

use std::path::{Path, PathBuf};

/// Microseconds of throttling by the folder of each group; empty where no group counts them.
pub(super) fn throttled(proc: &Path) -> Vec<(PathBuf, [i64; 1])> {
    let read = |name: &str| std::fs::read_to_string(proc.join("self").join(name)).unwrap_or_default();
    let folders = folders(&read("cgroup"), &read("mountinfo"));
    let time = |folder: PathBuf| {
        let stat = std::fs::read_to_string(folder.join("cpu.stat")).ok()?;
        Some((folder, [throttled_us(&stat)?]))
    };
    folders.into_iter().filter_map(time).collect()
}

/// Version 2 counts microseconds, version 1 nanoseconds.
fn throttled_us(cpu_stat: &str) -> Option<i64> {
    cpu_stat.lines().find_map(|line| match line.split_once(' ')? {
        ("throttled_usec", time) => time.trim().parse().ok(),
        ("throttled_time", time) => time.trim().parse::<i64>().ok().map(|ns| ns / 1000),
        _ => None,
    })
}

/// The folders of the process's group and of all above it, in each hierarchy that controls the processor.
fn folders(cgroup: &str, mountinfo: &str) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for line in cgroup.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(group)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let is_v2 = controllers.is_empty();
        if !is_v2 && !controllers.split(',').any(|controller| controller == "cpu") {
            continue;
        }
        let mount = mountinfo.lines().find_map(|line| mount(line, is_v2));
        let Some((root, point)) = mount else { continue };
        // What is mounted may be a folder of the hierarchy, as in a container.
        let below = Path::new(group).strip_prefix(root).or_else(|_| Path::new(group).strip_prefix("/"));
        for below in below.unwrap_or(Path::new("")).ancestors() {
            folders.push(Path::new(point).join(below));
        }
    }
    folders
}

/// Root and place of a mount of the hierarchy, when the line of `mountinfo` is one.
fn mount(line: &str, is_v2: bool) -> Option<(&str, &str)> {
    let (front, back) = line.split_once(" - ")?;
    let mut front = front.split(' ').skip(3);
    let (root, point) = (front.next()?, front.next()?);
    let mut back = back.split(' ');
    let (kind, options) = (back.next()?, back.nth(1)?);
    let is_it = match kind {
        "cgroup2" => is_v2,
        "cgroup" => !is_v2 && options.split(',').any(|option| option == "cpu"),
        _ => false,
    };
    is_it.then_some((root, point))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(cgroup: &str, mountinfo: &str) -> Vec<String> {
        folders(cgroup, mountinfo).iter().map(|folder| folder.display().to_string()).collect()
    }

    #[test]
    fn version_two_has_one_hierarchy() {
        let mountinfo = "35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
        assert_eq!(
            paths("0::/user.slice/session-1.scope\n", mountinfo),
            ["/sys/fs/cgroup/user.slice/session-1.scope", "/sys/fs/cgroup/user.slice", "/sys/fs/cgroup/"]
        );
        assert_eq!(paths("0::/\n", mountinfo), ["/sys/fs/cgroup/"]);
    }

    #[test]
    fn version_one_is_found_by_its_controller_and_a_container_by_its_root() {
        let cgroup = "3:cpuset:/x\n2:cpu,cpuacct:/docker/abc\n";
        let mountinfo = "\
41 32 0:31 /docker/abc /sys/fs/cgroup/cpuset ro - cgroup cgroup rw,cpuset
42 32 0:32 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct
";
        assert_eq!(paths(cgroup, mountinfo), ["/sys/fs/cgroup/cpu,cpuacct/"]);
        assert!(paths(cgroup, "").is_empty());
    }

    #[test]
    fn both_units_become_microseconds() {
        assert_eq!(throttled_us("usage_usec 5\nnr_periods 1\nthrottled_usec 1500\n"), Some(1500));
        assert_eq!(throttled_us("nr_periods 0\nnr_throttled 0\nthrottled_time 2000000\n"), Some(2000));
        assert_eq!(throttled_us("usage_usec 5\n"), None);
    }
}
