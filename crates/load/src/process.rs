//! What a server process costs, read from `/proc`.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// A process under load.
#[derive(Clone, Copy, Debug)]
pub struct Process(pub u32);

impl Process {
    /// Processor time of all its threads so far, to the nanosecond.
    ///
    /// # Errors
    /// When it is gone, or the system is not Linux.
    pub fn cpu(self) -> Result<Duration> {
        let mut used = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.0)).context("the server is gone")? {
            // A thread may end while we look.
            let Ok(text) = fs::read_to_string(thread?.path().join("schedstat")) else { continue };
            used += text.split_whitespace().next().context("an empty schedstat")?.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(used))
    }

    /// Bytes of memory it holds.
    ///
    /// # Errors
    /// When it is gone, or the system is not Linux.
    pub fn resident(self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0)).context("the server is gone")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        Ok(line.trim().trim_end_matches("kB").trim().parse::<u64>()? * 1024)
    }
}
