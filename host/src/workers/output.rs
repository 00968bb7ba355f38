//! What a worker writes to stdout and stderr: log lines of the host, and the explanation of a crash.
//!
//! # Threads
//! A thread reads the pipe of each worker until every process that has it open has ended or closed it.

use std::{
    collections::VecDeque,
    io::{self, BufRead as _, BufReader, PipeReader, Read as _, Write as _},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use session_plugin_api::abi::capped;

use crate::threads;

/// The last output of a worker.
#[derive(Clone)]
pub(super) struct Output {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    kept: Mutex<Kept>,
    ended: Condvar,
}

#[derive(Default)]
struct Kept {
    last: VecDeque<String>,
    has_ended: bool,
}

/// How many lines explain a crash.
const LAST_LINES: usize = 10;

/// How many lines of a worker are logged.
const LOGGED_LINES: u64 = 1000;

/// How long a line may be, in bytes. A longer one is divided.
const LINE: u64 = 4 << 10;

/// How long the end of a worker waits for its last output: another process may hold the pipe open.
const PATIENCE: Duration = Duration::from_millis(500);

/// The line with which a worker separates the output of its attempts.
const BEGINS: &str = "\u{1e}session-host: an attempt begins";

/// Separates the output of the attempt that begins from that of earlier ones. A worker calls this.
pub fn separate_output() {
    // A plugin may have closed stderr: then the host sees no more output either.
    let _ = writeln!(io::stderr(), "\n{BEGINS}");
}

impl Output {
    /// Reads a worker's output from now on, and logs it as lines of this plugin.
    ///
    /// # Errors
    /// When no thread starts.
    pub(super) fn read(pipe: PipeReader, plugin: &str) -> io::Result<Self> {
        let output = Self { shared: Arc::default() };
        let (reader, plugin) = (output.clone(), plugin.to_owned());
        threads::start("worker-output", move || {
            reader.follow(pipe, &plugin);
            reader.lock().has_ended = true;
            reader.shared.ended.notify_all();
        })?;
        Ok(output)
    }

    fn follow(&self, pipe: PipeReader, plugin: &str) {
        let mut pipe = BufReader::new(pipe);
        let mut lines = 0_u64;
        let mut line = Vec::new();
        // An error ends the pipe like its end does.
        while (&mut pipe)
            .take(LINE)
            .read_until(b'\n', &mut line)
            .is_ok_and(|count| count > 0)
        {
            let text = capped(line.trim_ascii_end());
            line.clear();
            if text.is_empty() {
                continue;
            }
            if text == BEGINS {
                self.forget();
                continue;
            }
            lines += 1;
            if lines <= LOGGED_LINES {
                tracing::info!(target: "plugin", processor = plugin, "output: {text}");
            }
            self.keep(text);
        }
        if lines > LOGGED_LINES {
            let unlogged = lines - LOGGED_LINES;
            tracing::warn!(target: "plugin", processor = plugin, unlogged, "the worker wrote more than {LOGGED_LINES} lines of output");
        }
    }

    fn keep(&self, line: String) {
        let mut kept = self.lock();
        if kept.last.len() == LAST_LINES {
            kept.last.pop_front();
        }
        kept.last.push_back(line);
    }

    /// Forgets the lines so far: they belong to an earlier session, perhaps of another user.
    pub(super) fn forget(&self) {
        self.lock().last.clear();
    }

    /// The last lines of a worker that has ended.
    pub(super) fn last_lines(&self) -> Vec<String> {
        let ended = self
            .shared
            .ended
            .wait_timeout_while(self.lock(), PATIENCE, |kept| !kept.has_ended);
        let kept = ended.unwrap_or_else(PoisonError::into_inner).0;
        kept.last.iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
