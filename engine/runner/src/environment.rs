//! The machine the generator runs on, as far as it tells.

use std::{fs, path::Path, thread};

use model::runfile::Environment;

/// Looks at this machine. What it does not tell stays empty.
pub(crate) fn environment() -> Environment {
    let system = rustix::system::uname();
    let cpu_info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpus = thread::available_parallelism().map_or(0, usize::from);
    Environment {
        os: std::env::consts::OS.to_owned(),
        kernel: system.release().to_string_lossy().into_owned(),
        arch: std::env::consts::ARCH.to_owned(),
        cpu_model: cpu_model(&cpu_info),
        cpus: u32::try_from(cpus).unwrap_or(u32::MAX),
        memory_bytes: fs::read_to_string("/proc/meminfo")
            .ok()
            .and_then(|text| memory_bytes(&text))
            .unwrap_or(0),
        container: container(&cpu_info),
    }
}

fn cpu_model(cpu_info: &str) -> String {
    // x86 says "model name"; arm64 often says nothing that a person could read.
    field(cpu_info, "model name").or_else(|| field(cpu_info, "Model")).unwrap_or_default().to_owned()
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim() == name))?;
    line.split_once(':').map(|(_, value)| value.trim())
}

/// `MemTotal:       24606100 kB`
fn memory_bytes(mem_info: &str) -> Option<u64> {
    let kilobytes: u64 = field(mem_info, "MemTotal")?.strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

fn container(cpu_info: &str) -> Option<String> {
    let found = if std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() {
        "kubernetes"
    } else if Path::new("/.dockerenv").exists() {
        "docker"
    } else if Path::new("/run/.containerenv").exists() {
        "podman"
    } else if field(cpu_info, "flags").is_some_and(|flags| flags.split(' ').any(|flag| flag == "hypervisor"))
    {
        "virtual machine"
    } else {
        return None;
    };
    Some(found.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_linux_says_is_understood() {
        let cpu = "processor\t: 0\nmodel name\t: Some CPU @ 2.60GHz\nflags\t\t: fpu hypervisor lm\n";
        assert_eq!(cpu_model(cpu), "Some CPU @ 2.60GHz");
        assert_eq!(memory_bytes("MemTotal:       24606100 kB\nMemFree: 1 kB\n"), Some(24_606_100 * 1024));
        assert_eq!(field(cpu, "flags"), Some("fpu hypervisor lm"));
    }

    #[test]
    fn what_is_not_said_stays_empty() {
        assert_eq!(cpu_model("Hardware : x\n"), "");
        assert_eq!(memory_bytes(""), None);
        let here = environment();
        assert!(here.cpus > 0 && !here.os.is_empty() && !here.arch.is_empty());
    }
}
