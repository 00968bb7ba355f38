//! One attempt in flight. It either ends or is abandoned; whichever happens first counts.
//!
//! # Threads
//! The worker makes the attempt, and the conductor watches it. An atomic phase decides between them: once the worker
//! has ended the attempt, nobody abandons it; once the conductor has abandoned it, its outcome does not count. The lock
//! on the resources is held only for moments. The lock on the transaction is held while a statement runs. So the
//! conductor only tries to take that lock, and interrupts the statement if it cannot.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

use super::{candidates::Candidate, lane::OnLane, memory::Held, own_transaction::OwnTransaction};
use crate::{
    plugins::{Killer, Watch, Wedge},
    state::{AttemptTurn, Interrupt},
};

/// One attempt, shared by the worker that makes it and the conductor that watches it.
pub(super) struct Flight {
    candidate: Candidate,
    phase: AtomicU8,
    is_repeated: AtomicBool,
    told: Mutex<Option<TimeOver>>,
    resources: Mutex<Resources>,
    transaction: Mutex<OwnTransaction>,
}

/// What an attempt holds, and releases when it is abandoned.
#[derive(Default)]
struct Resources {
    memory: Option<Held>,
    lane: Option<OnLane>,
    query: Option<Interrupt>,
    worker: Option<Killer>,
    killed: Option<(Killed, Instant)>,
    busy_since: Option<Instant>,
    read_in: Duration,
    waited: Duration,
    wedge: Option<Wedge>,
}

/// Why the worker process of an attempt was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Killed {
    /// The attempt took longer than this.
    Overdue(Duration),
    /// The service must end.
    Shutdown,
}

/// How long an attempt may take to end after its worker process was killed.
const END_AFTER_KILL: Duration = Duration::from_secs(10);

/// The time of one session is over, so that the next run would not get further with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimeOver {
    /// The time that an attempt may take.
    OfAttempt,
    /// The time budget of the run, nearly all of which this attempt has had.
    OfRun,
}

const IN_FLIGHT: u8 = 0;
const ENDED: u8 = 1;
const ABANDONED: u8 = 2;

impl Flight {
    pub(super) fn begin(candidate: Candidate) -> Arc<Self> {
        Arc::new(Self {
            candidate,
            phase: AtomicU8::new(IN_FLIGHT),
            is_repeated: AtomicBool::new(false),
            told: Mutex::default(),
            resources: Mutex::default(),
            transaction: Mutex::default(),
        })
    }

    pub(super) fn candidate(&self) -> &Candidate {
        &self.candidate
    }

    /// Since when the attempt has everything that it waits for; `None` while it waits.
    pub(super) fn busy_since(&self) -> Option<Instant> {
        self.resources().busy_since
    }

    /// Ends the attempt; `false` if it was abandoned before, so that its result must be discarded.
    pub(super) fn end(&self) -> bool {
        self.change_phase(IN_FLIGHT, ENDED) || self.phase.load(Ordering::Acquire) == ENDED
    }

    /// Puts an ended attempt back in flight, so that it can be repeated.
    pub(super) fn resume(&self) {
        self.is_repeated.store(true, Ordering::Release);
        self.change_phase(ENDED, IN_FLIGHT);
    }

    /// Whether the attempt is made for the first time.
    pub(super) fn turn(&self) -> AttemptTurn {
        match self.is_repeated.load(Ordering::Acquire) {
            false => AttemptTurn::First,
            true => AttemptTurn::Repeated,
        }
    }

    /// Abandons the attempt: it releases what it holds, and its processor is wedged until it returns. `false` if it
    /// ended before.
    pub(super) fn abandon(&self, wedge: impl FnOnce() -> Wedge) -> bool {
        let mut resources = self.resources();
        let abandoned = self.change_phase(IN_FLIGHT, ABANDONED);
        if abandoned {
            (resources.memory, resources.lane, resources.busy_since) = (None, None, None);
            resources.wedge = Some(wedge());
            drop(resources);
            self.roll_back();
        }
        abandoned
    }

    /// Kills the worker process of the attempt, and interrupts its statement. `false` if the attempt runs in this process, or
    /// does not end although its worker process was killed: then it must be abandoned.
    pub(super) fn kill(&self, why: Killed) -> bool {
        let mut resources = self.resources();
        let Some(worker) = resources.worker.clone() else {
            return false;
        };
        match resources.killed {
            Some((_, since)) => since.elapsed() < END_AFTER_KILL,
            None => {
                resources.killed = Some((why, Instant::now()));
                drop(resources);
                worker.kill();
                self.roll_back();
                true
            }
        }
    }

    /// Why the worker process of the attempt was killed, if it was.
    pub(super) fn killed(&self) -> Option<Killed> {
        self.resources().killed.map(|(why, _)| why)
    }

    /// Removes the wedge of an abandoned attempt that has returned.
    pub(super) fn returns(&self) {
        let wedge = self.resources().wedge.take();
        drop(wedge);
    }

    /// Rolls the attempt's transaction back. If one of its statements is running, interrupts that statement.
    pub(super) fn roll_back(&self) {
        match self.transaction.try_lock() {
            Ok(mut transaction) => transaction.roll_back(),
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner().roll_back(),
            Err(TryLockError::WouldBlock) => {
                if let Some(query) = &self.resources().query {
                    query.interrupt();
                }
            }
        }
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.phase.load(Ordering::Acquire) == ABANDONED
    }

    /// Releases the memory of the snapshot: no attempt is made.
    pub(super) fn lets_go(&self) {
        self.resources().memory = None;
    }

    /// Holds the memory of the snapshot until the attempt ends or is abandoned. The transcript is read next.
    pub(super) fn holds(&self, memory: Held) {
        let mut resources = self.resources();
        resources.memory = Some(memory);
        resources.busy_since = Some(Instant::now());
    }

    /// The transcript was read. Until the attempt is made, the time does not count as its time.
    pub(super) fn has_read(&self) {
        let mut resources = self.resources();
        let busy_since = resources.busy_since.take();
        resources.read_in = busy_since.map_or(Duration::ZERO, |since| since.elapsed());
    }

    /// How long reading the transcript took.
    pub(super) fn read_in(&self) -> Duration {
        self.resources().read_in
    }

    /// Lets `enter` wait for a place on the lane; `false` if it gives none. The wait does not count as time of the
    /// attempt.
    pub(super) fn enters(&self, enter: impl FnOnce() -> Option<OnLane>) -> bool {
        self.resources().busy_since = None;
        let began = Instant::now();
        let lane = enter();
        *self.told() = None;
        let mut resources = self.resources();
        resources.waited += began.elapsed();
        resources.busy_since = lane.is_some().then(Instant::now);
        resources.lane = lane;
        resources.lane.is_some()
    }

    /// How long the attempt has waited for places on the lane.
    pub(super) fn waited(&self) -> Duration {
        self.resources().waited
    }

    /// Notes that the processor asked, and was told that its time is over.
    pub(super) fn tell_time_over(&self, over: TimeOver) {
        *self.told() = Some(over);
    }

    /// Which time the processor was told to be over.
    pub(super) fn told_time_over(&self) -> Option<TimeOver> {
        *self.told()
    }

    /// Releases the place on the lane.
    pub(super) fn leaves(&self) {
        let mut resources = self.resources();
        (resources.lane, resources.worker) = (None, None);
    }

    /// Stores the handle that interrupts the attempt's query.
    pub(super) fn queries_with(&self, query: Interrupt) {
        self.resources().query = Some(query);
    }

    /// The attempt's own transaction. The worker holds this lock while a statement runs.
    pub(super) fn transaction(&self) -> MutexGuard<'_, OwnTransaction> {
        self.transaction.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change_phase(&self, from: u8, to: u8) -> bool {
        self.phase
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    fn told(&self) -> MutexGuard<'_, Option<TimeOver>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn resources(&self) -> MutexGuard<'_, Resources> {
        self.resources.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch for Flight {
    fn runs_in(&self, worker: Option<Killer>) {
        self.resources().worker = worker;
    }

    fn is_abandoned(&self) -> bool {
        self.is_abandoned()
    }
}

impl fmt::Debug for Flight {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Flight")
            .field("candidate", &self.candidate)
            .finish_non_exhaustive()
    }
}
