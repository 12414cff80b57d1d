//! The memory of this process, and how much it may take: what Linux says.

use std::fs;

/// What the control group allows this process, else what the machine has, in bytes. `None` where the system does not say.
#[must_use]
pub fn limit() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let kib =
            text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?.trim().strip_suffix(" kB")?.parse::<u64>().ok()?;
        Some(kib * 1024)
    });
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let group = groups(&own).into_iter().filter_map(|path| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok());
    machine.into_iter().chain(group).min()
}

/// The files that limit the memory of a process and of all control groups around it, by its line of `/proc/self/cgroup`: those of
/// version 2, and of version 1, which writes a number beyond all machines where there is no limit. In a container its own is the root.
fn groups(own: &str) -> Vec<String> {
    let own = own.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
    let mut group = String::from("/sys/fs/cgroup");
    let mut found = vec![format!("{group}/memory.max"), format!("{group}/memory/memory.limit_in_bytes")];
    for part in own.split('/').filter(|part| !part.is_empty()) {
        group = format!("{group}/{part}");
        found.push(format!("{group}/memory.max"));
    }
    found
}

/// What this process has in memory now, in bytes.
#[must_use]
pub fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().strip_suffix(" kB")?.parse::<u64>().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_limited_by_its_own_group_and_those_around_it() {
        let of_unit = groups("0::/system.slice/grapevine.service\n");
        assert_eq!(of_unit.last().unwrap(), "/sys/fs/cgroup/system.slice/grapevine.service/memory.max");
        assert!(of_unit.contains(&"/sys/fs/cgroup/system.slice/memory.max".to_owned()), "{of_unit:?}");
        assert_eq!(groups("0::/\n"), groups("5:memory:/x\n"), "a container, and version 1");
    }

    #[test]
    fn a_process_takes_some_of_what_it_may() {
        let (limit, resident) = (limit().unwrap(), resident().unwrap());
        assert!((1 << 20..limit).contains(&resident), "{resident} of {limit}");
    }
}
