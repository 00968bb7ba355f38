//! Counts what a processor could read of a transcript, for the host to report.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use crate::{Line, LineEnding, abi::message::Reading, transcript::is_known};

/// The maximum number of unreadable lines whose numbers are recorded.
const NAMED: usize = 5;

/// The counts so far. A processor may read in several threads, and several times.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Whether a known record was met. Later records need no check.
    has_known: AtomicBool,
    /// Whether anything else was met.
    has_unknown: AtomicBool,
    /// Whether the processor read to the end.
    is_read: AtomicBool,
    unreadable: Mutex<Unreadable>,
}

#[derive(Debug, Default)]
struct Unreadable {
    lines: u64,
    first: Vec<u64>,
    /// The highest line number counted so far: lines up to it are not counted again.
    up_to: u64,
}

impl Tally {
    /// Notes that the processor met a record that it knows.
    pub(crate) fn knows(&self) {
        self.has_known.store(true, Relaxed);
    }

    /// Notes that a record was read.
    pub(crate) fn reads(&self, record: &[u8]) {
        if self.has_known.load(Relaxed) {
            return;
        }
        match is_known(record) {
            true => self.knows(),
            false => self.has_unknown.store(true, Relaxed),
        }
    }

    /// Notes an unreadable piece, unless it is an incomplete record at the end of the file, which may still be written.
    pub(crate) fn passes_over(&self, piece: &Line<'_>) {
        if piece.ending == LineEnding::EndOfFile && piece.bytes.starts_with(b"{") {
            return;
        }
        self.has_unknown.store(true, Relaxed);
        let mut unreadable = self.lock();
        if piece.number > unreadable.up_to {
            unreadable.up_to = piece.number;
            unreadable.lines += 1;
            if unreadable.first.len() < NAMED {
                unreadable.first.push(piece.number);
            }
        }
    }

    /// Notes that the processor read to the end.
    pub(crate) fn ends(&self) {
        self.is_read.store(true, Relaxed);
    }

    /// The summary; `None` if the processor did not read to the end.
    pub(crate) fn reading(&self) -> Option<Reading> {
        let unreadable = self.lock();
        self.is_read.load(Relaxed).then(|| Reading {
            is_known: self.has_known.load(Relaxed) || !self.has_unknown.load(Relaxed),
            unreadable_lines: unreadable.lines,
            first_unreadable: unreadable.first.clone(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Unreadable> {
        self.unreadable.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
