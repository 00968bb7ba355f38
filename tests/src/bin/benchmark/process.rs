//! Runs a program to its end and says what it took.

use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// What a program took, and what it printed.
pub(crate) struct Measured {
    /// From its start to its end.
    pub(crate) wall: Duration,
    /// The time of all its threads on a core.
    pub(crate) cpu: Duration,
    /// The most memory that it had at any time.
    pub(crate) peak_bytes: u64,
    /// Its standard output.
    pub(crate) output: Vec<u8>,
}

impl Measured {
    pub(crate) fn milliseconds(&self) -> f64 {
        self.wall.as_secs_f64() * 1e3
    }
}

/// Runs `command`; its failure is an error.
pub(crate) fn measure(command: &mut Command) -> Result<Measured> {
    let begin = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {}", command.get_program().display()))?;
    let mut output = Vec::new();
    if let Some(mut stdout) = child.stdout.take() {
        stdout.read_to_end(&mut output)?;
    }
    let (status, used) = wait(child.id())?;
    let wall = begin.elapsed();
    if !status.success() {
        bail!("{} ended with {status}", command.get_program().display());
    }
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    Ok(Measured {
        wall,
        cpu: duration(used.ru_utime) + duration(used.ru_stime),
        peak_bytes: used.ru_maxrss.unsigned_abs() * unit,
        output,
    })
}

fn duration(time: libc::timeval) -> Duration {
    let (seconds, microseconds) = (u64::try_from(time.tv_sec), u64::try_from(time.tv_usec));
    Duration::from_secs(seconds.unwrap_or(0)) + Duration::from_micros(microseconds.unwrap_or(0))
}

/// Waits for a child and tells what it used, which the standard library does not.
#[expect(unsafe_code, reason = "the standard library does not tell what a child used")]
fn wait(pid: u32) -> io::Result<(ExitStatus, libc::rusage)> {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    loop {
        // SAFETY: both pointers are to live values of the right types, and any bytes are a valid `rusage`.
        let found = unsafe { libc::wait4(pid.cast_signed(), &mut status, 0, usage.as_mut_ptr()) };
        if found >= 0 {
            break;
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    // SAFETY: zeroed at first, then written by `wait4`.
    Ok((ExitStatus::from_raw(status), unsafe { usage.assume_init() }))
}
