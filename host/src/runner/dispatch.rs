//! Hands the work out within the run's limits: transcripts to be read, and then the attempts at them.
//!
//! # Threads
//! Workers take candidates, read their transcripts, and put them back as attempts, which any worker makes. So an attempt
//! waits for no certain worker. A worker waits only while others read and there is nothing else to do. The wait ends when
//! one of them has read its transcripts, or when the conductor closes the queue.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use super::{
    candidates::Candidate,
    prepared::{Need, Prepared},
    stop::StopToken,
};

/// The queue of a run's candidates.
///
/// The cap counts attempts, but only reading a candidate shows whether it needs one. So each candidate that is handed
/// out holds a place under the cap until it is read, and the next one waits if no place is left.
#[derive(Debug)]
pub(super) struct Dispatcher {
    queue: Mutex<Queue>,
    changed: Condvar,
    ends_at: Option<Instant>,
    stop: StopToken,
}

#[derive(Debug)]
struct Queue {
    /// The candidates that are not yet read.
    waiting: VecDeque<Candidate>,
    /// How many candidates workers read.
    reading: u64,
    /// Those that are read.
    prepared: VecDeque<Prepared>,
    places_left: u64,
    closed: bool,
}

/// What a worker does next.
#[derive(Debug)]
pub(super) enum Next {
    /// It reads the transcript of a candidate.
    Read(Candidate),
    /// It makes an attempt.
    Attempt(Prepared),
}

/// What a worker does first if there are both attempts to make and transcripts to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum First {
    /// The attempts.
    Attempts,
    /// The reading, unless enough is read: an attempt would wait for its place.
    Reading,
}

/// How many transcripts are enough for the attempts that are made while others are read. The memory budget may allow fewer.
const ENOUGH: usize = 96;

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
                reading: 0,
                prepared: VecDeque::new(),
                places_left: max_attempts.unwrap_or(u64::MAX),
                closed: false,
            }),
            changed: Condvar::new(),
            ends_at,
            stop,
        }
    }

    /// What to do next; waits while others read and there is nothing else to do. `None` if the run must end.
    pub(super) fn next(&self, first: First) -> Option<Next> {
        let mut queue = self
            .changed
            .wait_while(self.lock(), |queue| queue.must_wait())
            .unwrap_or_else(PoisonError::into_inner);
        if self.time_is_up() {
            drop(queue);
            self.close();
            return None;
        }
        if first == First::Reading
            && queue.prepared.len() < ENOUGH
            && let Some(candidate) = queue.hand_out(|_| true)
        {
            return Some(Next::Read(candidate));
        }
        match queue.prepared.pop_front() {
            Some(prepared) => Some(Next::Attempt(prepared)),
            None => queue.hand_out(|_| true).map(Next::Read),
        }
    }

    /// The next candidate, if it can be handed out now and `fits`.
    pub(super) fn next_that(&self, fits: impl FnOnce(&Candidate) -> bool) -> Option<Candidate> {
        let mut queue = self.lock();
        match self.time_is_up() {
            true => None,
            false => queue.hand_out(fits),
        }
    }

    /// Takes a candidate back that was not read.
    pub(super) fn take_back(&self, candidate: Candidate) {
        let mut queue = self.lock();
        queue.reading -= 1;
        queue.places_left += 1;
        queue.waiting.push_front(candidate);
        self.changed.notify_all();
    }

    /// Takes the candidates that a worker has read. If the queue is closed, no attempt at them is made.
    pub(super) fn put(&self, prepared: Vec<Prepared>) {
        let mut queue = self.lock();
        queue.reading -= prepared.len() as u64;
        queue.places_left += prepared.iter().filter(|one| one.need() == Need::Nothing).count() as u64;
        let refused = match queue.closed {
            true => prepared,
            false => {
                queue.prepared.extend(prepared);
                Vec::new()
            }
        };
        drop(queue);
        self.changed.notify_all();
        let_go(refused);
    }

    /// Hands nothing further out, and lets go of the transcripts that were read ahead.
    pub(super) fn close(&self) {
        let mut queue = self.lock();
        queue.closed = true;
        let left = std::mem::take(&mut queue.prepared);
        drop(queue);
        self.changed.notify_all();
        let_go(left);
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

/// Lets go of transcripts at which no attempt is made. Their memory must be free at once: another worker may wait for it, and
/// the run ends only after that worker.
fn let_go(prepared: impl IntoIterator<Item = Prepared>) {
    for one in prepared {
        one.flight.lets_go();
    }
}

impl Queue {
    /// Whether a worker has nothing to do, but may get something from those that read.
    fn must_wait(&self) -> bool {
        let has_work = !self.prepared.is_empty() || (self.places_left > 0 && !self.waiting.is_empty());
        self.reading > 0 && !has_work && !self.closed
    }

    fn hand_out(&mut self, fits: impl FnOnce(&Candidate) -> bool) -> Option<Candidate> {
        if self.closed || self.places_left == 0 {
            return None;
        }
        self.waiting.front().filter(|candidate| fits(candidate))?;
        let candidate = self.waiting.pop_front()?;
        self.places_left -= 1;
        self.reading += 1;
        Some(candidate)
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, thread};

    use super::*;
    use crate::{
        runner::{
            MemoryBudget,
            flight::Flight,
            sample::{self, candidate},
        },
        sessions::SnapshotError,
    };

    fn dispatcher(candidates: usize, cap: Option<u64>) -> Dispatcher {
        Dispatcher::new(vec![candidate(); candidates], cap, None, StopToken::default())
    }

    fn read(dispatcher: &Dispatcher) -> Option<Candidate> {
        match dispatcher.next(First::Attempts) {
            Some(Next::Read(candidate)) => Some(candidate),
            Some(Next::Attempt(_)) | None => None,
        }
    }

    fn prepared(need: Need) -> Prepared {
        let read = match need {
            Need::Attempt => Ok(sample::read()),
            Need::Nothing => Err(SnapshotError::Read(std::io::ErrorKind::NotFound.into())),
        };
        Prepared {
            flight: Flight::begin(candidate()),
            read,
        }
    }

    #[test]
    fn what_is_not_attempted_any_more_holds_no_memory() {
        let memory = MemoryBudget::new(10);
        let dispatcher = dispatcher(2, None);
        let (before, after) = (prepared(Need::Attempt), prepared(Need::Attempt));
        // A run keeps its flights until their attempts return.
        let flights = [&before, &after].map(|one| Arc::clone(&one.flight));
        for (flight, bytes) in flights.iter().zip([4, 6]) {
            flight.holds(memory.hold(bytes));
        }
        assert!(read(&dispatcher).is_some() && read(&dispatcher).is_some());
        dispatcher.put(vec![before]);
        dispatcher.close();
        assert!(memory.try_hold(0).is_none());
        dispatcher.put(vec![after]);
        assert!(memory.try_hold(5).is_some());
    }

    #[test]
    fn one_that_needs_no_attempt_leaves_its_place_to_another() {
        let dispatcher = dispatcher(3, Some(1));
        assert!(read(&dispatcher).is_some());
        assert!(dispatcher.next_that(|_| true).is_none(), "its place is taken");
        dispatcher.put(vec![prepared(Need::Nothing)]);
        assert!(matches!(dispatcher.next(First::Attempts), Some(Next::Attempt(_))));
        assert!(read(&dispatcher).is_some());
        dispatcher.put(vec![prepared(Need::Attempt)]);
        assert!(matches!(dispatcher.next(First::Attempts), Some(Next::Attempt(_))));
        assert!(dispatcher.next(First::Attempts).is_none(), "the cap is reached");
    }

    #[test]
    fn who_would_wait_for_a_place_reads_until_enough_is_read() {
        let dispatcher = dispatcher(ENOUGH + 2, None);
        for _ in 0..ENOUGH {
            assert!(matches!(dispatcher.next(First::Reading), Some(Next::Read(_))));
            dispatcher.put(vec![prepared(Need::Attempt)]);
        }
        assert!(matches!(dispatcher.next(First::Reading), Some(Next::Attempt(_))));
        assert!(matches!(dispatcher.next(First::Attempts), Some(Next::Attempt(_))));
        assert!(matches!(dispatcher.next(First::Reading), Some(Next::Read(_))));
        assert!(matches!(dispatcher.next(First::Reading), Some(Next::Read(_))));
        assert!(matches!(dispatcher.next(First::Reading), Some(Next::Attempt(_))));
    }

    #[test]
    fn one_that_is_taken_back_is_the_next_again() {
        let dispatcher = dispatcher(1, Some(1));
        let taken = dispatcher.next_that(|_| true).unwrap();
        dispatcher.take_back(taken);
        assert!(dispatcher.next_that(|_| false).is_none());
        assert!(read(&dispatcher).is_some());
    }

    #[test]
    fn who_has_nothing_to_do_waits_for_what_others_read() {
        let dispatcher = Arc::new(dispatcher(1, None));
        assert!(read(&dispatcher).is_some());
        let waits = thread::spawn({
            let dispatcher = Arc::clone(&dispatcher);
            move || matches!(dispatcher.next(First::Attempts), Some(Next::Attempt(_)))
        });
        dispatcher.put(vec![prepared(Need::Attempt)]);
        assert!(waits.join().unwrap());
        assert!(dispatcher.next(First::Attempts).is_none());
    }

    #[test]
    fn nobody_waits_for_a_closed_queue_and_it_holds_no_transcript() {
        let dispatcher = dispatcher(3, None);
        assert!(read(&dispatcher).is_some() && read(&dispatcher).is_some());
        let (ready, late) = (prepared(Need::Attempt), prepared(Need::Attempt));
        let flights = [Arc::clone(&ready.flight), Arc::clone(&late.flight)];
        dispatcher.put(vec![ready]);
        dispatcher.close();
        assert!(dispatcher.next(First::Attempts).is_none());
        dispatcher.put(vec![late]);
        assert!(dispatcher.next(First::Attempts).is_none());
        assert!(flights.iter().all(|flight| Arc::strong_count(flight) == 1));
    }
}
