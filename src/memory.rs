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
    // Version 2, and version 1, which writes a number beyond all machines where there is no limit.
    let groups = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    let group = groups.into_iter().filter_map(|path| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok());
    machine.into_iter().chain(group).min()
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
    fn a_process_takes_some_of_what_it_may() {
        let (limit, resident) = (limit().unwrap(), resident().unwrap());
        assert!((1 << 20..limit).contains(&resident), "{resident} of {limit}");
    }
}
