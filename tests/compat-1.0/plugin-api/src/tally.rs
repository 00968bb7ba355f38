//! What was read of a transcript, for the host to tell.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use crate::{Line, LineEnding, abi::message::Reading, transcript::is_known};

/// How many of the unreadable lines are named.
const NAMED: usize = 5;

/// What was read so far. A processor may read in several threads, and more than once.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Whether a record is known. From then on, no further one is looked at.
    has_known: AtomicBool,
    /// Whether there is anything that is not known.
    has_unknown: AtomicBool,
    /// Whether the end was reached.
    is_read: AtomicBool,
    unreadable: Mutex<Unreadable>,
}

#[derive(Debug, Default)]
struct Unreadable {
    lines: u64,
    first: Vec<u64>,
    /// The last line that was counted: an earlier one was met before.
    up_to: u64,
}

impl Tally {
    /// Notes that the processor knows a record.
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

    /// Notes that something cannot be read, unless it may still be written.
    pub(crate) fn passes_over(&self, piece: &Line<'_>) {
        if piece.ending == LineEnding::EndOfFile {
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

    /// Notes that the end was reached.
    pub(crate) fn ends(&self) {
        self.is_read.store(true, Relaxed);
    }

    /// What was read; `None` where the end was not reached.
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
