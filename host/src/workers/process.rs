//! One worker process, from its start to its end.
//!
//! # Threads
//! Whoever has the process makes requests, one at a time. Any thread may kill it through its [`Killer`]. The process is waited
//! for under the killer's lock, so that a signal never reaches another process of the same number.
//!
//! A worker leads a process group of its own. So the interrupt of a terminal does not reach it, and processes that its plugin
//! started end with it, unless they leave the group.

use std::{
    io,
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream, process::CommandExt as _},
    },
    path::PathBuf,
    process::{Child, Command, ExitStatus},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::{
    buffer::RowsBuffer,
    confinement::Confinement,
    ending::Ending,
    launcher_thread::launch,
    link::{Link, LinkError},
    output::Output,
};
use crate::names::API_TOKEN_VARIABLE;

/// The hidden subcommand of a worker.
const SUBCOMMAND: &str = "worker";

impl From<LinkError> for WorkerError {
    fn from(error: LinkError) -> Self {
        Self::Link(error)
    }
}

/// A running worker.
pub struct WorkerProcess {
    /// The socket to it.
    pub link: Link,
    /// The buffer for its rows.
    pub rows: RowsBuffer,
    /// The number of the last attempt that it was given; 0 before the first.
    given: u64,
    output: Output,
    killer: Killer,
}

/// Kills a worker process.
#[derive(Clone, Debug)]
pub struct Killer {
    child: Arc<Mutex<Running>>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    ended: Option<ExitStatus>,
}

/// Why a request to a worker failed.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// It does not start.
    #[error("cannot start a worker process: {0}; see that this user may start processes and has memory")]
    Start(io::Error),
    /// It ended.
    #[error("{0}")]
    Ended(Ending),
    /// It ended before it began the attempt that it was given, so the attempt is not to blame.
    #[error("{0}, before it began the attempt")]
    EndedBefore(Ending),
    /// It did not answer in time, and was killed.
    #[error("it did not return within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// Its message makes no sense, and it was killed.
    #[error("{0}")]
    Link(LinkError),
}

impl WorkerProcess {
    /// Starts a worker for a plugin of this name. It is confined before any of its threads starts.
    ///
    /// # Errors
    /// When the system cannot start it.
    pub fn start(plugin: &str, confinement: Option<&Confinement>) -> Result<Self, WorkerError> {
        Self::try_start(plugin, confinement).map_err(WorkerError::Start)
    }

    fn try_start(plugin: &str, confinement: Option<&Confinement>) -> io::Result<Self> {
        let (here, there) = UnixStream::pair()?;
        let (reader, writer) = io::pipe()?;
        let mut command = Command::new(own_program()?);
        command
            .arg(SUBCOMMAND)
            .stdin(OwnedFd::from(there))
            .stdout(writer.try_clone()?)
            .stderr(writer)
            .process_group(0)
            .env_remove(API_TOKEN_VARIABLE);
        if let Some(confinement) = confinement {
            command.arg(serde_json::to_string(confinement)?);
        }
        let child = launch(command)?;
        let killer = Killer {
            child: Arc::new(Mutex::new(Running { child, ended: None })),
        };
        // From here on, a worker that is dropped is killed.
        let guard = KilledOnDrop(Some(killer.clone()));
        let ended = killer.clone();
        let started = Self {
            link: Link::new(here)?.until(move || ended.ended().is_some())?,
            rows: RowsBuffer::new()?,
            given: 0,
            output: Output::read(reader, plugin)?,
            killer,
        };
        guard.disarm();
        Ok(started)
    }

    /// Notes that it is given its attempt of this number: only the attempt's own output explains its end.
    pub fn is_given(&mut self, attempt: u64) {
        self.given = attempt;
        self.output.forget();
    }

    /// What kills the worker.
    #[must_use]
    pub fn killer(&self) -> Killer {
        self.killer.clone()
    }

    /// Kills a worker whose link failed, and says how it ended.
    #[must_use]
    pub fn end_of(self, error: LinkError, allowed: Duration) -> WorkerError {
        match error {
            LinkError::Closed if self.has_begun() => WorkerError::Ended(self.ending()),
            LinkError::Closed => WorkerError::EndedBefore(self.ending()),
            LinkError::TimedOut => WorkerError::TimedOut(allowed),
            error => WorkerError::Link(error),
        }
    }

    /// Notes that it has begun the attempt that it was given, whatever it wrote to the buffer.
    pub fn begins(&mut self) {
        self.given = 0;
    }

    /// Whether it began the attempt that it was given. Who spoils the buffer is not excused.
    fn has_begun(&self) -> bool {
        self.rows.begun().map_or(true, |begun| begun >= self.given)
    }

    /// How it ended; `None` while it runs.
    #[must_use]
    pub fn ended(&self) -> Option<Ending> {
        self.killer.ended().map(|_| self.ending())
    }

    fn ending(&self) -> Ending {
        // A link that is closed belongs to a process that ends, or that a plugin has closed it in.
        let status = self.killer.wait(PATIENCE);
        Ending::new(status, self.output.last_lines())
    }

    /// Waits for a worker that ends by itself; kills it where that takes too long.
    pub fn wait(self) {
        self.killer.wait(PATIENCE);
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        self.killer.kill();
    }
}

/// How long a worker may take to end after it was killed.
const AFTER_KILL: Duration = Duration::from_secs(1);

/// How long a worker may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(5);

struct KilledOnDrop(Option<Killer>);

impl KilledOnDrop {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for KilledOnDrop {
    fn drop(&mut self) {
        if let Some(killer) = &self.0 {
            killer.kill();
        }
    }
}

impl Killer {
    /// Kills the worker, and waits for its end for a moment: a process that another one traces ends only when that lets it.
    pub fn kill(&self) {
        let mut running = self.running();
        if running.ended.is_some() {
            return;
        }
        running.kill_group();
        // One that has just ended is waited for all the same.
        let _ = running.child.kill();
        drop(running);
        self.ends_within(AFTER_KILL);
    }

    /// The number of the process.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.running().child.id()
    }

    /// Waits until the worker has ended, for at most `patience`; kills it then.
    fn wait(&self, patience: Duration) -> Option<ExitStatus> {
        let status = self.ends_within(patience);
        if status.is_none() {
            self.kill();
        }
        status
    }

    fn ends_within(&self, patience: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + patience;
        let mut pause = Duration::from_micros(100);
        loop {
            if let Some(status) = self.ended() {
                return Some(status);
            }
            if Instant::now() >= deadline {
                return None;
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    /// How the worker ended; `None` while it runs.
    fn ended(&self) -> Option<ExitStatus> {
        let mut running = self.running();
        if running.ended.is_none() && running.is_over() {
            // Its number, and so that of its group, is its own until it is waited for.
            running.kill_group();
            running.ended = running.child.wait().ok();
        }
        running.ended
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    /// Whether the process has ended. It is not waited for yet.
    fn is_over(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let waited = waitid(WaitId::Pid(Pid::from_child(&self.child)), options);
        waited.is_ok_and(|status| status.is_some())
    }

    /// Kills the worker, and what its plugin has started.
    fn kill_group(&self) {
        // A group that has ended needs no signal.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
    }
}

/// The program of this process, even if another one lies at its path by now.
fn own_program() -> io::Result<PathBuf> {
    match cfg!(target_os = "linux") {
        true => Ok(PathBuf::from("/proc/self/exe")),
        false => std::env::current_exe(),
    }
}

/// Makes this process a worker: gives the link to the host, and leaves nothing else of the host's open.
///
/// # Errors
/// When the process was not started by a host.
pub fn begin_as_worker() -> io::Result<Link> {
    end_with_the_parent()?;
    leave_signals_to_the_host()?;
    let link = UnixStream::from(rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?);
    close_all_but(&link)?;
    // It fails if stdin was no socket: the subcommand was typed.
    link.peer_addr()?;
    let nothing = std::fs::File::open("/dev/null")?;
    rustix::stdio::dup2_stdin(&nothing)?;
    Link::new(link)
}

fn end_with_the_parent() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        // If the host has ended already, no signal comes; the closed socket then ends the worker.
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    }
    Ok(())
}

/// A service manager sends SIGTERM to every process of the service. The host decides what becomes of an attempt then.
fn leave_signals_to_the_host() -> io::Result<()> {
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        // A handler that only sets a flag nobody reads.
        signal_hook::flag::register(signal, Arc::default())?;
    }
    Ok(())
}

/// Closes what a library of the host may have left open across `exec`.
#[allow(unsafe_code, reason = "the system call has no safe wrapper in std")]
fn close_all_but(link: &UnixStream) -> io::Result<()> {
    use std::os::fd::AsRawFd as _;
    let kept = link.as_raw_fd();
    #[cfg(target_os = "linux")]
    for (first, last) in [(3, kept - 1), (kept + 1, i32::MAX)] {
        if first <= last {
            // SAFETY: the process has just begun, and nothing in it owns a descriptor from 3 on except the link.
            let closed = unsafe { libc::close_range(first as u32, last as u32, 0) };
            if closed != 0 {
                return Err(io::Error::last_os_error());
            }
        }
    }
    let _ = kept;
    Ok(())
}
