//! Folders that cannot be written, disks that are full, ports that are taken.

use std::{fs, net::TcpListener, path::PathBuf, process::Command};

use crate::support::{HEADS, IDLE, Place};

#[test]
fn a_results_folder_that_cannot_be_written_ends_it_before_anything_starts() {
    let place = Place::new();
    place.file("s.rhai", HEADS).file("results", "a file in its place");
    let ended = place.run(["run", "s.rhai"]);
    place.assert_nothing_is_left();
    insta::assert_snapshot!(ended.shown(&place));
}

#[test]
fn a_results_folder_without_room_ends_it_before_anything_starts() {
    let Some(small) = SmallDisk::mount(1) else { return };
    let place = Place::new();
    place.file("s.rhai", IDLE);
    let ended = place.run(["run", "s.rhai", "--out", small.path.to_str().unwrap()]).expect(1);
    assert!(ended.stderr.contains("--out"), "{}", ended.stderr);
    assert_eq!(fs::read_dir(&small.path).unwrap().count(), 0);
}

#[test]
fn a_disk_too_small_for_postgres_is_told_in_its_own_words() {
    let Some(small) = SmallDisk::mount(8) else { return };
    let place = Place::new();
    place.file("s.rhai", HEADS);
    let mut command = place.command(["run", "s.rhai"]);
    let ended =
        crate::support::ended(command.env("SNAPBENCH_DATA_DIR", &small.path).output().unwrap()).expect(1);
    assert!(ended.stderr.contains("No space left on device"), "{}", ended.stderr);
    assert!(place.run_dirs().is_empty());
    place.assert_nothing_is_left();
    assert_eq!(fs::read_dir(&small.path).unwrap().count(), 0, "nothing is left on the small disk");
}

/// Fills the disk of the server from within, with values that are not compressed.
const FILL: &str = r#"
fn options() {
    #{
        scenarios: #{ fill: #{ executor: "per-vu-iterations", vus: 2, iterations: 60, exec: "fill" } },
        thresholds: #{ errors: ["rate < 1%"] },
    }
}
fn setup() {
    pg::batch("CREATE TABLE snapbench_fill (body text); ALTER TABLE snapbench_fill ALTER body SET STORAGE EXTERNAL");
    #{ fill: pg::statement("fill", "INSERT INTO snapbench_fill SELECT repeat('x', 4000000)") }
}
fn fill(vu) { let filled = vu.shared.fill.run([]); }
"#;

#[test]
fn a_disk_that_fills_up_in_mid_run_ends_in_a_verdict() {
    let Some(small) = SmallDisk::mount(200) else { return };
    let place = Place::new();
    place.file("s.rhai", FILL);
    let mut command = place.command(["run", "s.rhai"]);
    crate::support::ended(command.env("SNAPBENCH_DATA_DIR", &small.path).output().unwrap()).expect(99);
    let summary = place.run_file().summary.unwrap();
    let good: u64 = summary.ops.iter().filter(|op| op.errors == 0).map(|op| op.latency.count).sum();
    // Whether the server says so (53100) or goes down for want of room for its log is its own choice.
    assert!(good > 0 && summary.errors > 0, "{:?}", summary.ops);
    assert_eq!(summary.scenarios[0].started, 120, "nothing hangs: {:?}", summary.scenarios);
    place.assert_nothing_is_left();
    assert_eq!(fs::read_dir(&small.path).unwrap().count(), 0, "nothing is left on the small disk");
}

#[test]
fn a_port_that_is_taken_is_told_before_it_is_waited_for() {
    let place = Place::new();
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for flag in ["--postgres-port", "--store-port"] {
        let ended = place.run(["up", flag, &port]).expect(1);
        assert_eq!(ended.stdout, "");
        assert!(
            ended.stderr.contains(&format!("port {port} on 127.0.0.1 is already in use")),
            "{}",
            ended.stderr
        );
        assert!(ended.stderr.contains("help: choose another port"), "{}", ended.stderr);
        place.assert_nothing_is_left();
    }
}

/// A memory file system of so many megabytes; nothing, and loudly so, where mounting is not allowed.
struct SmallDisk {
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl SmallDisk {
    fn mount(megabytes: u32) -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("sbd").tempdir_in("/tmp").unwrap();
        let path = folder.path().join("small");
        fs::create_dir(&path).unwrap();
        let size = format!("size={megabytes}m,mode=0777");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&path).output();
        if mounted.as_ref().is_ok_and(|output| output.status.success()) {
            return Some(Self { path, _folder: folder });
        }
        eprintln!("SKIPPED: a small tmpfs cannot be mounted here (needs root): {mounted:?}");
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, in case somebody still looks into it.
        let _ = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}
