//! What the system tells about a process and the machine, read from /proc.

use std::{fs, time::Duration};

use anyhow::{Context, Result};

/// Ticks of a second in /proc/PID/stat: 100 on every Linux that programs can ask.
const TICKS: u64 = 100;

/// Processor time that a process has taken, in user and in kernel mode.
pub(crate) fn processor_time(process: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name, in parentheses, may hold anything; fields 14 and 15 are counted from behind it.
    let (_, fields) = stat
        .rsplit_once(')')
        .context("/proc/PID/stat has no name")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<u64>().ok());
    let total = ticks(11)
        .zip(ticks(12))
        .context("/proc/PID/stat is short")?;
    Ok(Duration::from_millis((total.0 + total.1) * 1000 / TICKS))
}

/// Memory of a process, in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Memory {
    /// Resident now.
    pub(crate) resident: u64,
    /// The most that was ever resident.
    pub(crate) peak: u64,
    /// The part of `resident` that is of files: the program itself, and what it has mapped.
    pub(crate) of_files: u64,
}

/// Memory of a process that is alive.
pub(crate) fn memory(process: u32) -> Result<Memory> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let bytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kib = line.trim_start_matches(':').trim().strip_suffix(" kB")?;
        Some(kib.parse::<u64>().ok()? * 1024)
    };
    Ok(Memory {
        resident: bytes("VmRSS").context("the process has ended")?,
        peak: bytes("VmHWM").unwrap_or_default(),
        of_files: bytes("RssFile").unwrap_or_default(),
    })
}

/// One line about the machine: processor, cores, and how busy it is.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown processor", |text| {
            text.trim_start_matches([' ', '\t', ':'])
        });
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?").to_owned();
    format!("{cores} cores of {model}, load {load} at the start")
}
