//! The server's configuration: what we choose, and why.

use std::fmt::Write;
use std::path::Path;

use super::find::Binaries;
use super::options::PgOptions;
use crate::{Durability, EmbedError};

/// All settings in the order in which they are written: ours, then the caller's (the last one counts).
pub(crate) fn settings(
    options: &PgOptions,
    binaries: &Binaries,
    socket_dir: &Path,
    port: u16,
) -> Result<Vec<(String, String)>, EmbedError> {
    if let Some((name, _)) = options.settings.iter().find(|(name, _)| !is_name(name)) {
        return Err(EmbedError::BadSetting { name: name.clone() });
    }
    let mut all: Vec<(String, String)> = Vec::new();
    let mut set = |name: &str, value: &str| all.push((name.to_owned(), value.to_owned()));
    set("listen_addresses", if options.tcp.is_some() { "127.0.0.1" } else { "" });
    set("port", &port.to_string());
    set("unix_socket_directories", &socket_dir.to_string_lossy());
    set("max_connections", &options.max_connections.to_string());
    set("shared_buffers", &format!("{}MB", shared_buffers_mb(memory_bytes())));
    // Runs compare only when they agree on what a day is.
    set("timezone", "UTC");
    set("log_timezone", "UTC");
    set("track_io_timing", "on");
    if has_library(binaries, "pg_stat_statements") {
        set("shared_preload_libraries", "pg_stat_statements");
    }
    if cfg!(target_os = "linux") && binaries.version.major >= 14 {
        // After kill -9 the server syncs its data directory before recovery: file by file that takes seconds.
        set("recovery_init_sync_method", "syncfs");
    }
    if options.durability == Durability::Off {
        set("fsync", "off");
        set("synchronous_commit", "off");
        set("full_page_writes", "off");
    }
    all.extend(options.settings.iter().cloned());
    Ok(all)
}

/// As text for `postgresql.conf`.
pub(crate) fn as_conf(settings: &[(String, String)]) -> String {
    settings.iter().fold(String::from("\n# Written by snapbench.\n"), |mut text, (name, value)| {
        let value = value.replace('\\', "\\\\").replace('\'', "''").replace(['\n', '\r'], " ");
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{name} = '{value}'");
        text
    })
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.')
}

/// 256 MB, or an eighth of a small machine's memory, and no less than 16 MB.
fn shared_buffers_mb(memory_bytes: u64) -> u64 {
    (memory_bytes / 8 / (1024 * 1024)).clamp(16, 256)
}

/// What this process may use: the machine's memory, or its control group's limit if that is less.
#[cfg(target_os = "linux")]
fn memory_bytes() -> u64 {
    let info = rustix::system::sysinfo();
    // Both fields are C longs, whose width differs between architectures.
    let machine = (info.totalram as u64).saturating_mul(u64::from(info.mem_unit));
    let limit = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let limit = limit.and_then(|text| text.trim().parse::<u64>().ok());
    limit.map_or(machine, |limit| limit.min(machine))
}

/// What this process may use: not asked here, and every machine that runs this system has enough.
#[cfg(not(target_os = "linux"))]
fn memory_bytes() -> u64 {
    8 << 30
}

/// Whether the server can load a library: asked of `pg_config` beside it, else looked for where builds put it.
fn has_library(binaries: &Binaries, name: &str) -> bool {
    let mut folders = vec![
        binaries.folder.join("../lib"),
        binaries.folder.join("../lib/postgresql"),
        binaries.folder.join("../lib64/pgsql"),
    ];
    if let Ok(output) = std::process::Command::new(binaries.program("pg_config")).arg("--pkglibdir").output()
    {
        folders.push(String::from_utf8_lossy(&output.stdout).trim().into());
    }
    let extensions = ["so", "dylib"];
    folders
        .iter()
        .any(|folder| extensions.iter().any(|extension| folder.join(format!("{name}.{extension}")).exists()))
}

#[cfg(test)]
mod tests {
    use super::super::find::PgVersion;
    use super::*;

    fn binaries(major: u32) -> Binaries {
        Binaries {
            folder: "/nonexistent".into(),
            version: PgVersion { major, minor: 0, text: String::new() },
        }
    }

    fn value_of<'a>(settings: &'a [(String, String)], name: &str) -> Option<&'a str> {
        settings.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn fsync_is_left_alone_unless_durability_is_off() {
        let on = settings(&PgOptions::default(), &binaries(15), Path::new("/s"), 5432).unwrap();
        assert_eq!(value_of(&on, "fsync"), None);
        let options = PgOptions { durability: Durability::Off, ..PgOptions::default() };
        let off = settings(&options, &binaries(15), Path::new("/s"), 5432).unwrap();
        for name in ["fsync", "synchronous_commit", "full_page_writes"] {
            assert_eq!(value_of(&off, name), Some("off"));
        }
    }

    #[test]
    fn the_callers_settings_come_last() {
        let wanted = vec![("max_connections".to_owned(), "17".to_owned())];
        let options = PgOptions { settings: wanted, ..PgOptions::default() };
        let all = settings(&options, &binaries(13), Path::new("/s"), 5432).unwrap();
        assert_eq!(value_of(&all, "max_connections"), Some("17"));
        assert_eq!(value_of(&all, "recovery_init_sync_method"), None, "version 13 does not know it");
    }

    #[test]
    fn a_value_cannot_leave_its_line() {
        let conf = as_conf(&[("a".into(), "it's\n\\ fsync = off".into())]);
        assert_eq!(conf.lines().last(), Some(r"a = 'it''s \\ fsync = off'"));
        let options = PgOptions { settings: vec![("a=b\nc".into(), "1".into())], ..PgOptions::default() };
        let refused = settings(&options, &binaries(15), Path::new("/s"), 5432);
        assert!(matches!(refused, Err(EmbedError::BadSetting { .. })));
    }

    #[test]
    fn shared_buffers_follow_small_machines() {
        assert_eq!(shared_buffers_mb(64 << 30), 256);
        assert_eq!(shared_buffers_mb(1 << 30), 128);
        assert_eq!(shared_buffers_mb(1 << 20), 16);
    }
}
