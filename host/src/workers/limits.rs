//! What a worker may use: memory, processor time, attempts.

use std::{io, time::Duration};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

/// The limits of a processor's workers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerLimits {
    /// How long the library may take to open, and each step of loading after it.
    pub load_timeout: Duration,
    /// How many attempts a worker makes before a fresh one takes its place.
    pub max_sessions: u64,
    /// How long a worker may wait for an attempt before it is ended.
    pub idle: Duration,
    /// How much memory the plugin may take, in bytes; `None` for as much as there is.
    pub memory: Option<u64>,
    /// How much processor time an attempt may take; `None` for any.
    pub cpu: Option<Duration>,
}

/// The limits that a worker applies to itself, before any code of the plugin runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedLimits {
    /// Memory of the plugin, in bytes.
    pub memory: Option<u64>,
    /// Processor time of an attempt, in seconds.
    pub cpu_seconds: Option<u64>,
}

impl WorkerLimits {
    /// The limits that the worker applies to itself.
    #[must_use]
    pub fn applied(&self) -> AppliedLimits {
        AppliedLimits {
            memory: self.memory,
            cpu_seconds: self.cpu.map(|cpu| cpu.as_secs().max(1)),
        }
    }
}

impl AppliedLimits {
    /// Bounds the memory of this process: what it has now, and the plugin's share.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn bound_memory(self) -> io::Result<()> {
        let Some(memory) = self.memory else { return Ok(()) };
        let bound = own_data()?.saturating_add(memory);
        // Memory that the plugin allocates is private and writable; mapped files do not count.
        Ok(setrlimit(Resource::Data, hard(bound))?)
    }

    /// Bounds the processor time until the end of the next attempt.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn bound_cpu(self) -> io::Result<()> {
        let Some(seconds) = self.cpu_seconds else { return Ok(()) };
        let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime).tv_sec;
        let bound = u64::try_from(used)
            .unwrap_or(0)
            .saturating_add(seconds)
            .saturating_add(1);
        let Rlimit { maximum, .. } = getrlimit(Resource::Cpu);
        let limit = Rlimit {
            current: Some(bound),
            maximum,
        };
        Ok(setrlimit(Resource::Cpu, limit)?)
    }
}

fn hard(bound: u64) -> Rlimit {
    Rlimit {
        current: Some(bound),
        maximum: Some(bound),
    }
}

/// The private, writable memory of this process, in bytes.
fn own_data() -> io::Result<u64> {
    #[cfg(target_os = "linux")]
    {
        let status = std::fs::read_to_string("/proc/self/status")?;
        let kilobytes = status.lines().find_map(|line| {
            line.strip_prefix("VmData:")?
                .trim()
                .strip_suffix("kB")?
                .trim()
                .parse::<u64>()
                .ok()
        });
        let missing = || io::Error::new(io::ErrorKind::InvalidData, "/proc/self/status has no VmData");
        Ok(kilobytes.ok_or_else(missing)?.saturating_mul(1024))
    }
    #[cfg(not(target_os = "linux"))]
    {
        Ok(0)
    }
}
