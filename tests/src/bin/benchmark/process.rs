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
    let (status, peak_bytes) = wait(child.id())?;
    let wall = begin.elapsed();
    if !status.success() {
        bail!("{} ended with {status}", command.get_program().display());
    }
    Ok(Measured {
        wall,
        peak_bytes,
        output,
    })
}

/// Waits for a child and tells its peak memory, which the standard library does not.
#[expect(unsafe_code, reason = "the standard library does not tell what a child used")]
fn wait(pid: u32) -> io::Result<(ExitStatus, u64)> {
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
    let usage = unsafe { usage.assume_init() };
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    Ok((ExitStatus::from_raw(status), usage.ru_maxrss.unsigned_abs() * unit))
}
