//! The CPU time and memory of processes, from /proc.

use std::collections::HashMap;
use std::fs;
use std::ops::Sub;
use std::time::Duration;

use crate::Result;

/// What /proc counts CPU time in. Linux shows 100 per second to programs, whatever the kernel's own clock.
const TICK: Duration = Duration::from_millis(10);

/// The CPU time of a process with all its descendants, also of those that have ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CpuTime {
    ticks: u64,
}

impl CpuTime {
    /// Reads the CPU time so far of these processes and their descendants.
    ///
    /// # Errors
    /// If /proc cannot be read, or a process of `roots` has ended.
    pub(crate) fn of(roots: &[u32]) -> Result<Self> {
        if roots.is_empty() {
            return Ok(Self::default());
        }
        let processes: HashMap<u32, Stat> = fs::read_dir("/proc")?
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter_map(|pid: u32| {
                Some((pid, Stat::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?))
            })
            .collect();
        if let Some(ended) = roots.iter().find(|root| !processes.contains_key(root)) {
            return Err(format!("the process {ended} has ended").into());
        }
        Ok(Self { ticks: tree_ticks(&processes, roots) })
    }

    /// Reads the CPU time so far of this process and of its children that have ended. The programs that it measures are
    /// children, too, but they run on.
    ///
    /// # Errors
    /// If /proc cannot be read.
    pub(crate) fn of_this_process() -> Result<Self> {
        let stat = Stat::parse(&fs::read_to_string("/proc/self/stat")?);
        Ok(Self { ticks: stat.ok_or("/proc/self/stat has another form")?.ticks })
    }

    /// Returns the microseconds per request.
    pub(crate) fn per_request(self, requests: usize) -> f64 {
        (TICK.as_secs_f64() * 1e6 * self.ticks as f64) / requests.max(1) as f64
    }
}

impl Sub for CpuTime {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self { ticks: self.ticks.saturating_sub(earlier.ticks) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stat {
    parent: u32,
    /// Its own time, and that of children that have ended and were waited for.
    ticks: u64,
}

impl Stat {
    /// Parses /proc/<pid>/stat. The name in parentheses may contain anything, so fields count from the last parenthesis.
    fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        // state, parent, …, utime, stime, cutime, cstime
        let parent = fields.get(1)?.parse().ok()?;
        Some(Self { parent, ticks: number(11)? + number(12)? + number(13)? + number(14)? })
    }
}

fn tree_ticks(processes: &HashMap<u32, Stat>, roots: &[u32]) -> u64 {
    let belongs = |mut pid: u32| {
        // Bounded, since the processes were not all read at one moment.
        for _ in 0..64 {
            if roots.contains(&pid) {
                return true;
            }
            match processes.get(&pid) {
                Some(stat) if stat.parent > 0 => pid = stat.parent,
                _ => return false,
            }
        }
        false
    };
    processes.iter().filter(|(pid, _)| belongs(**pid)).map(|(_, stat)| stat.ticks).sum()
}

/// Returns the resident memory of a process in bytes.
///
/// # Errors
/// If the process has ended.
pub(crate) fn resident_bytes(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    resident_in(&status).ok_or_else(|| format!("/proc/{pid}/status has no VmRSS").into())
}

fn resident_in(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "42 (a) b) S 7 42 42 0 -1 4194560 1 2 3 4 11 12 13 14 20 0 9 0 100 1 2";

    #[test]
    fn fields_of_a_process_count_from_the_last_parenthesis() {
        assert_eq!(Stat::parse(STAT), Some(Stat { parent: 7, ticks: 11 + 12 + 13 + 14 }));
        for broken in ["", "42 (a", "42 (a) S", "42 (a) S x 1 1 1 1 1 1 1 1 1 1 1 1 1"] {
            assert_eq!(Stat::parse(broken), None, "{broken}");
        }
    }

    #[test]
    fn a_tree_has_the_time_of_all_descendants_and_of_no_other_process() {
        let processes = [(1, 0, 1_000), (10, 1, 1), (11, 10, 20), (12, 11, 300), (20, 1, 5_000)];
        let processes: HashMap<_, _> =
            processes.into_iter().map(|(pid, parent, ticks)| (pid, Stat { parent, ticks })).collect();
        assert_eq!(tree_ticks(&processes, &[10]), 321);
        assert_eq!(tree_ticks(&processes, &[10, 20]), 5_321);
        assert_eq!(tree_ticks(&processes, &[99]), 0);
    }

    #[test]
    fn time_is_reported_in_microseconds_per_request() {
        let spent = CpuTime { ticks: 150 } - CpuTime { ticks: 50 };
        assert_eq!(spent.per_request(10_000), 100.0);
        assert_eq!(CpuTime::default() - spent, CpuTime::default());
    }

    #[test]
    fn this_process_has_memory_and_time_and_an_ended_one_has_none() {
        assert!(resident_bytes(std::process::id()).unwrap() > 100_000);
        assert_eq!(resident_in("Name:\tx\nVmRSS:\t    2048 kB\nThreads: 1\n"), Some(2_097_152));
        assert_eq!(resident_in("Name:\tx\n"), None);
        assert!(CpuTime::of(&[std::process::id()]).is_ok() && CpuTime::of_this_process().is_ok());
        assert!(CpuTime::of(&[u32::MAX]).is_err());
        assert_eq!(CpuTime::of(&[]).unwrap(), CpuTime::default());
    }
}
