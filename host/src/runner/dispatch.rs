//! Hands the candidates out, one after the other, within the run's limits.
//!
//! # Threads
//! Workers take candidates. A worker waits only while other candidates hold all free places under the cap. The wait
//! ends when another worker has compared its transcript, or when the conductor closes the queue.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use super::{candidates::Candidate, stop::StopToken};

/// The queue of a run's candidates.
///
/// The cap counts attempts, but only reading a candidate shows whether it needs one. So each candidate that is handed
/// out holds a place under the cap until then, and the next one waits if no place is left.
#[derive(Debug)]
pub(super) struct Dispatcher {
    queue: Mutex<Queue>,
    decided: Condvar,
    ends_at: Option<Instant>,
    stop: StopToken,
}

#[derive(Debug)]
struct Queue {
    waiting: VecDeque<Candidate>,
    places_left: u64,
    undecided: u64,
    closed: bool,
}

/// Whether a candidate that was handed out needed an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// It did.
    Attempt,
    /// It did not.
    Nothing,
}

impl Dispatcher {
    pub(super) fn new(
        candidates: Vec<Candidate>,
        max_attempts: Option<u64>,
        ends_at: Option<Instant>,
        stop: StopToken,
    ) -> Self {
        Self {
            queue: Mutex::new(Queue {
                waiting: candidates.into(),
                places_left: max_attempts.unwrap_or(u64::MAX),
                undecided: 0,
                closed: false,
            }),
            decided: Condvar::new(),
            ends_at,
            stop,
        }
    }

    /// The next candidate; waits while all places under the cap are held. `None` if the run must end.
    pub(super) fn next(&self) -> Option<Candidate> {
        let queue = self.lock();
        let mut queue = self
            .decided
            .wait_while(queue, |queue| queue.is_full() && queue.undecided > 0)
            .unwrap_or_else(PoisonError::into_inner);
        if queue.is_full() || queue.closed || self.time_is_up() {
            return None;
        }
        let candidate = queue.waiting.pop_front()?;
        queue.places_left -= 1;
        queue.undecided += 1;
        Some(candidate)
    }

    /// Records whether a candidate that was handed out needs an attempt.
    pub(super) fn decide(&self, need: Need) {
        let mut queue = self.lock();
        queue.undecided -= 1;
        if need == Need::Nothing {
            queue.places_left += 1;
        }
        self.decided.notify_all();
    }

    /// Hands out no further candidate.
    pub(super) fn close(&self) {
        let mut queue = self.lock();
        queue.closed = true;
        self.decided.notify_all();
    }

    /// How many candidates were not handed out.
    pub(super) fn left(&self) -> u64 {
        self.lock().waiting.len() as u64
    }

    /// Since when the end is wished; `None` while it is not.
    pub(super) fn stopped_at(&self) -> Option<Instant> {
        self.stop.stopped_at()
    }

    /// Whether no further attempt may begin.
    pub(super) fn is_over(&self) -> bool {
        self.lock().closed || self.time_is_up()
    }

    /// Whether the run is to end: by its time budget, or because the end is wished.
    pub(super) fn time_is_up(&self) -> bool {
        self.stop.stopped_at().is_some() || self.ends_at.is_some_and(|end| Instant::now() >= end)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn is_full(&self) -> bool {
        self.places_left == 0 && !self.closed
    }
}
