//! The processes of a world, and what they hold, as `/proc` shows them.

use std::{fs, path::PathBuf, time::Duration};

use crate::world::World;

/// What a process holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holdings {
    /// How many descriptors it has open.
    pub descriptors: usize,
    /// The names of its threads, without those that serve HTTP, whose number follows the load.
    pub threads: Vec<String>,
    /// Its child processes, and those that have ended and not been waited for.
    pub children: Vec<u32>,
}

impl World {
    /// The processes that were started in this world and have not ended, directly or by others.
    #[must_use]
    pub fn processes(&self) -> Vec<u32> {
        let data = format!("SESSION_HOST_DATA={}", self.path("data").display());
        let is_of_world = |process: &u32| variables_of(*process).contains(&data);
        processes().filter(is_of_world).collect()
    }
}

/// The variables with which a process was started; none if it has ended.
#[must_use]
pub fn variables_of(process: u32) -> Vec<String> {
    let variables = fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
    let texts = variables.split(|byte| *byte == 0);
    texts.map(|text| String::from_utf8_lossy(text).into_owned()).collect()
}

/// The children of a process, with those that have ended and not been waited for.
#[must_use]
pub fn children_of(process: u32) -> Vec<u32> {
    processes().filter(|child| parent_of(*child) == Some(process)).collect()
}

/// Whose CPU time is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cpu {
    /// The process's own.
    Own,
    /// Its own, and that of the children that have ended.
    WithEnded,
}

/// The CPU time that a process has taken; none if it has gone.
#[must_use]
pub fn cpu_of(process: u32, cpu: Cpu) -> Duration {
    // The system tells the times in hundredths of a second, after the name in parentheses.
    let told = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields = told.rsplit_once(") ").map_or("", |(_, fields)| fields);
    let times = fields.split(' ').skip(11).take(match cpu {
        Cpu::Own => 2,
        Cpu::WithEnded => 4,
    });
    times
        .filter_map(|time| time.parse().ok())
        .map(|hundredths: u64| Duration::from_millis(10 * hundredths))
        .sum()
}

/// Whether a process has ended, also if nobody has waited for it.
#[must_use]
pub fn has_ended(process: u32) -> bool {
    status_of(process, "State").is_none_or(|state| state.starts_with(['Z', 'X']))
}

impl Holdings {
    /// What a process holds now.
    #[must_use]
    pub fn of(process: u32) -> Self {
        let folder = PathBuf::from(format!("/proc/{process}"));
        let entries = |below: &str| fs::read_dir(folder.join(below)).into_iter().flatten().flatten();
        let names = entries("task").filter_map(|thread| fs::read_to_string(thread.path().join("comm")).ok());
        let names = names.map(|name| name.trim().to_owned());
        let mut threads: Vec<String> = names.filter(|name| name != "http").collect();
        threads.sort();
        Self {
            descriptors: entries("fd").count(),
            threads,
            children: children_of(process),
        }
    }

    /// Whether it is no more than this.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        self.descriptors <= other.descriptors && self.threads == other.threads && self.children == other.children
    }
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn parent_of(process: u32) -> Option<u32> {
    status_of(process, "PPid")?.parse().ok()
}

/// A line of a process's status; none if it has ended and somebody has waited for it.
fn status_of(process: u32, name: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = |line: &str| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim().to_owned());
    status.lines().find_map(line)
}
