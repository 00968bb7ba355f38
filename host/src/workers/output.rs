//! What a worker writes to stdout and stderr: log lines of the host, and the explanation of a crash.
//!
//! # Threads
//! A thread reads the pipe of each worker until every process that has it open has ended or closed it. Whoever begins an
//! attempt reads what the pipe still holds. So the output of the attempt is told from that of earlier ones, and no worker has
//! to separate them.

use std::{
    collections::VecDeque,
    io::{self, PipeReader},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rustix::event::{PollFd, PollFlags, poll};
use session_plugin_api::abi::capped;

use crate::threads;

/// The last output of a worker.
#[derive(Clone)]
pub(super) struct Output {
    shared: Arc<Shared>,
}

struct Shared {
    /// Its reads do not wait.
    pipe: PipeReader,
    plugin: String,
    kept: Mutex<Kept>,
    ended: Condvar,
}

#[derive(Default)]
struct Kept {
    /// The beginning of a line.
    line: Vec<u8>,
    last: VecDeque<String>,
    /// How many lines the worker has written.
    lines: u64,
    has_ended: bool,
}

/// How many lines explain a crash.
const LAST_LINES: usize = 10;

/// How many lines of a worker are logged.
const LOGGED_LINES: u64 = 1000;

/// How long a line may be, in bytes. A longer one is divided.
const LINE: usize = 4 << 10;

/// How many bytes are read at most until the reader looks again: as many as a pipe holds.
const AT_ONCE: usize = 64 << 10;

/// How long the end of a worker waits for its last output: another process may hold the pipe open.
const PATIENCE: Duration = Duration::from_millis(500);

impl Output {
    /// Reads a worker's output from now on, and logs it as lines of this plugin.
    ///
    /// # Errors
    /// When no thread starts.
    pub(super) fn read(pipe: PipeReader, plugin: &str) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&pipe, true)?;
        let output = Self {
            shared: Arc::new(Shared {
                pipe,
                plugin: plugin.to_owned(),
                kept: Mutex::default(),
                ended: Condvar::new(),
            }),
        };
        let reader = output.clone();
        threads::start("worker-output", move || reader.follow())?;
        Ok(output)
    }

    fn follow(&self) {
        while self.wait() {
            self.take_in(Line::MayGoOn);
        }
        let mut kept = self.lock();
        kept.has_ended = true;
        let unlogged = kept.lines.saturating_sub(LOGGED_LINES);
        drop(kept);
        self.shared.ended.notify_all();
        if unlogged > 0 {
            let processor = self.shared.plugin.as_str();
            tracing::warn!(target: "plugin", processor, unlogged, "the worker wrote more than {LOGGED_LINES} lines of output");
        }
    }

    /// Waits until there is something to read; `false` once nothing can come any more.
    fn wait(&self) -> bool {
        let mut pipe = [PollFd::new(&self.shared.pipe, PollFlags::IN)];
        let waited = rustix::io::retry_on_intr(|| poll(&mut pipe, None));
        waited.is_ok() && !self.lock().has_ended
    }

    /// Reads what the pipe holds, and logs it.
    fn take_in(&self, line: Line) {
        let mut kept = self.lock();
        let mut logged = kept.take_in(&self.shared.pipe);
        if line == Line::Ends {
            logged.extend(kept.end_line());
        }
        drop(kept);
        for text in logged {
            let processor = self.shared.plugin.as_str();
            // Not a part of the attempt that begins.
            tracing::info!(target: "plugin", parent: None, processor, "output: {text}");
        }
    }

    /// Forgets the output so far: it belongs to an earlier session, perhaps of another user.
    pub(super) fn forget(&self) {
        self.take_in(Line::Ends);
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

/// What becomes of the beginning of a line when nothing more can be read now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// It waits for its end.
    MayGoOn,
    /// It counts as a line.
    Ends,
}

impl Kept {
    /// Takes what can be read now. Returns the lines that are to be logged.
    fn take_in(&mut self, mut pipe: impl io::Read) -> Vec<String> {
        let mut logged = Vec::new();
        let mut piece = [0; LINE];
        let mut left = AT_ONCE;
        while left > 0 && !self.has_ended {
            match pipe.read(&mut piece) {
                Ok(count) if count > 0 => {
                    self.add(&piece[..count], &mut logged);
                    left = left.saturating_sub(count);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // An error ends the pipe like its end does.
                Ok(_) | Err(_) => {
                    self.has_ended = true;
                    logged.extend(self.end_line());
                }
            }
        }
        logged
    }

    fn add(&mut self, mut bytes: &[u8], logged: &mut Vec<String>) {
        while !bytes.is_empty() {
            let room = &bytes[..bytes.len().min(LINE - self.line.len())];
            let end = room.iter().position(|byte| *byte == b'\n');
            let (piece, rest) = bytes.split_at(end.map_or(room.len(), |end| end + 1));
            self.line.extend_from_slice(piece);
            if end.is_some() || self.line.len() == LINE {
                logged.extend(self.end_line());
            }
            bytes = rest;
        }
    }

    /// Ends the line. Returns it if it is to be logged.
    fn end_line(&mut self) -> Option<String> {
        let text = capped(self.line.trim_ascii_end());
        self.line.clear();
        if text.is_empty() {
            return None;
        }
        if self.last.len() == LAST_LINES {
            self.last.pop_front();
        }
        self.last.push_back(text.clone());
        self.lines += 1;
        (self.lines <= LOGGED_LINES).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn only_what_was_written_since_it_was_told_to_forget_is_kept() {
        let (pipe, mut worker) = io::pipe().unwrap();
        let output = Output::read(pipe, "probe").unwrap();
        worker.write_all(b"earlier\nan unfinished line").unwrap();
        output.forget();
        worker.write_all(b"\n\none\ntwo").unwrap();
        drop(worker);
        assert_eq!(output.last_lines(), ["one", "two"]);
    }

    #[test]
    fn lines_are_found_however_they_arrive() {
        let text = b"first\n\n  second \nthe rest";
        for at_once in 1..text.len() {
            let mut kept = Kept::default();
            let mut logged = Vec::new();
            text.chunks(at_once).for_each(|piece| kept.add(piece, &mut logged));
            assert_eq!(logged, ["first", "  second"]);
            assert_eq!(kept.take_in(io::empty()), ["the rest"]);
            assert!(kept.has_ended);
        }
    }

    #[test]
    fn a_long_line_is_divided_and_many_lines_are_not_logged() {
        let mut kept = Kept::default();
        let mut logged = Vec::new();
        kept.add(&[b'x'; LINE + 1], &mut logged);
        assert_eq!(logged, ["x".repeat(LINE)]);
        (0..2 * LOGGED_LINES).for_each(|_| kept.add(b"\nx", &mut logged));
        assert_eq!(logged.len() as u64, LOGGED_LINES);
        assert_eq!(kept.last.len(), LAST_LINES);
    }
}
