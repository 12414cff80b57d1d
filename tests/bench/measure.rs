//! What the benchmarks measure with: CPU time, wall time and memory of a process of its own.
//!
//! CPU time and memory are read from `/proc`, so these benchmarks run on Linux only. A figure is printed by
//! a child as `name value` lines, so that no measurement inherits the memory or the threads of another.

#![expect(dead_code, reason = "each benchmark uses a part")]

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::Instant;

/// The variable that makes a benchmark's own program a child that measures one thing.
pub(crate) const CHILD: &str = "GRAPEVINE_BENCH_CHILD";

/// CPU time of a process and wall time, since this was made.
pub(crate) struct Stopwatch {
    cpu: f64,
    started: Instant,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Stopwatch { cpu: cpu_seconds("self"), started: Instant::now() }
    }

    /// Seconds of wall time.
    pub(crate) fn wall(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// Seconds of CPU (all threads, those that ended too), and of wall time.
    pub(crate) fn read(&self) -> (f64, f64) {
        (cpu_seconds("self") - self.cpu, self.started.elapsed().as_secs_f64())
    }
}

/// User and system time of a process, to a hundredth of a second.
pub(crate) fn cpu_seconds(process: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("these benchmarks need Linux's /proc");
    // The name in brackets may hold spaces; the fields are counted behind it.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields[at].parse::<f64>().expect("a number of ticks");
    (ticks(11) + ticks(12)) / 100.0
}

/// Resident memory of this process, in bytes.
pub(crate) fn resident_bytes() -> f64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("these benchmarks need Linux's /proc");
    statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<f64>().ok()).expect("a number of pages") * 4096.0
}

/// The most resident memory that this process has ever had, in bytes.
pub(crate) fn peak_bytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("these benchmarks need Linux's /proc");
    let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix("kB"));
    kib.and_then(|kib| kib.trim().parse::<f64>().ok()).expect("a number of KiB") * 1024.0
}

/// Runs this program again as a child that measures `what`; gives the figures that it printed.
pub(crate) fn in_a_child(what: &str, variables: &[(&str, &str)]) -> BTreeMap<String, f64> {
    let program = std::env::current_exe().expect("this program has a path");
    let output = Command::new(program)
        .env(CHILD, what)
        .envs(variables.iter().copied())
        .stderr(Stdio::inherit())
        .output()
        .expect("this program can be run again");
    assert!(output.status.success(), "the measurement of {what} failed: {}", output.status);
    let text = String::from_utf8(output.stdout).expect("figures are text");
    let figures = text.lines().filter_map(|line| line.split_once(' '));
    figures.map(|(name, value)| (name.to_owned(), value.parse().expect("a figure"))).collect()
}

/// The least, the middle and the greatest of some figures.
#[derive(Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) least: f64,
    pub(crate) middle: f64,
    pub(crate) most: f64,
}

impl Spread {
    pub(crate) fn of(mut figures: Vec<f64>) -> Self {
        figures.sort_by(f64::total_cmp);
        Spread { least: figures[0], middle: figures[figures.len() / 2], most: figures[figures.len() - 1] }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let places = formatter.precision().unwrap_or(2);
        let Spread { least, middle, most } = self;
        write!(formatter, "{least:.places$} / {middle:.places$} / {most:.places$}")
    }
}

/// What else the machine had to do: its load averages, those of the benchmark itself included.
pub(crate) fn load() -> String {
    let averages = std::fs::read_to_string("/proc/loadavg").expect("these benchmarks need Linux's /proc");
    format!("load averages {}", averages.split_whitespace().take(3).collect::<Vec<_>>().join(" "))
}
