//! How a worker process ended, in words that an operator understands.

use std::{fmt, os::unix::process::ExitStatusExt as _, process::ExitStatus, time::Duration};

use session_plugin_api::abi::capped;

/// How a worker process ended although it was not asked to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    how: How,
    /// The last lines that it wrote to stdout and stderr.
    last_lines: Vec<String>,
    /// How much processor time the attempt might take that it ended in.
    cpu_limit: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Exited(i32),
    Signalled(i32),
    /// It closed its link and ran on, until the host killed it.
    ClosedLink,
    Unknown,
}

impl Ending {
    pub(super) fn new(status: Option<ExitStatus>, last_lines: Vec<String>) -> Self {
        let how = match status {
            Some(status) => match (status.code(), status.signal()) {
                (Some(code), _) => How::Exited(code),
                (None, Some(signal)) => How::Signalled(signal),
                (None, None) => How::Unknown,
            },
            None => How::ClosedLink,
        };
        Self {
            how,
            last_lines,
            cpu_limit: None,
        }
    }

    /// The same, in an attempt with this limit on its processor time.
    #[must_use]
    pub fn of_attempt(self, cpu_limit: Option<Duration>) -> Self {
        Self { cpu_limit, ..self }
    }

    /// Whether it ran out of memory: its own limit, or the system's.
    #[must_use]
    pub fn lacked_memory(&self) -> bool {
        let killed = matches!(self.how, How::Signalled(libc::SIGKILL));
        killed || self.last_lines.iter().any(|line| tells_of_memory(line))
    }

    /// Whether it used up its processor time.
    #[must_use]
    pub fn lacked_time(&self) -> bool {
        matches!(self.how, How::Signalled(libc::SIGXCPU))
    }
}

/// What Rust's and C++'s allocators write before they end a process.
fn tells_of_memory(line: &str) -> bool {
    [
        "memory allocation of ",
        "std::bad_alloc",
        "out of memory",
        "Cannot allocate memory",
    ]
    .iter()
    .any(|text| line.contains(text))
}

impl fmt::Display for Ending {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.how {
            How::Exited(code) => write!(formatter, "the worker process exited with status {code}")?,
            How::Signalled(signal) => match signal_hook::low_level::signal_name(signal) {
                Some(name) => write!(formatter, "{name} ended the worker process")?,
                None => write!(formatter, "signal {signal} ended the worker process")?,
            },
            How::ClosedLink => {
                formatter
                    .write_str("the worker process closed its link to the host and ran on, so the host killed it")?;
            }
            How::Unknown => formatter.write_str("the worker process ended")?,
        }
        if let Some(limit) = self.cpu_limit.filter(|_| self.lacked_time()) {
            let seconds = limit.as_secs();
            write!(
                formatter,
                ", because the attempt used more processor time than cpu_limit ({seconds} s); raise cpu_limit if it needs more"
            )?;
        }
        if self.last_lines.is_empty() {
            return Ok(());
        }
        let lines = self.last_lines.join("\n");
        write!(formatter, "; its last output: {}", capped(lines.trim()))
    }
}
