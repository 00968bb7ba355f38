//! Lets runs that begin together list, read and hash each transcript once.
//!
//! The first run that comes to a session reads its transcript. The snapshot is held while another of these runs still wants it,
//! and each of them takes it when it comes to that session. So each keeps its order, its limits and its failures. All snapshots
//! are newer than the one scan, so each run gets a version that it could have read itself. No run depends on what is held: it
//! reads a transcript that is not held.
//!
//! # Threads
//! The workers of all these runs meet here. There are two waits, and both end when their run is over:
//!
//! - A worker that is to read waits while [`ROOM`] is held for another run. It holds no memory of the budget then.
//! - A worker that comes to a transcript which another run reads waits for it. That run holds the memory for it already.
//!
//! A run for which others have waited too long, in sum, is left behind: what it reads and wants no longer counts. It may make
//! others wait for [`PATIENCE`], and a second longer for each [`PACE`] that it takes or reads. The lock is held only for
//! moments, except that on the scan.

mod held;
#[cfg(test)]
mod tests;

use std::{
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use held::{Awaited, Transcripts};

use crate::{
    names::SessionKey,
    sessions::{Scan, Snapshot},
    shared_memory::SharedMemory,
};

/// How many bytes may be held for a run before the others wait for it. What they read before they wait comes on top.
const ROOM: u64 = 24 << 20;

/// The room of the memory that worker processes can read, in bytes. What does not fit it is copied on its way to a worker.
/// Only what runs have in flight at once takes memory.
const MEMORY: usize = 128 << 20;

/// How long others wait for a run that makes no progress. A commit may take long on a busy machine.
const PATIENCE: Duration = Duration::from_secs(3);

/// For how many bytes others wait a second longer.
const PACE: u64 = 2 << 20;

/// How often a run that waits looks whether it is over.
const WATCH: Duration = Duration::from_millis(100);

/// The part of one run in what it shares with others. It leaves them when this is dropped.
#[derive(Debug)]
pub struct Share {
    run: usize,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    patience: Duration,
    runs: usize,
    scan: Mutex<SharedScan>,
    memory: OnceLock<SharedMemory>,
    transcripts: Mutex<Transcripts>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct SharedScan {
    scan: Option<Scan>,
    /// How many runs have it.
    taken: usize,
}

/// What a run finds that comes to a session.
#[derive(Debug)]
pub(super) enum Found<'a> {
    /// Another run has read its transcript.
    Held(Arc<Snapshot>),
    /// The run reads it.
    Nothing(Reading<'a>),
}

/// The transcript that a run reads. Other runs wait until this is dropped.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    share: &'a Share,
    session: SessionKey,
}

impl Share {
    /// The parts of so many runs that begin together.
    #[must_use]
    pub fn among(runs: usize) -> Vec<Self> {
        Self::with_patience(runs, PATIENCE)
    }

    /// The part of a run that shares with nobody.
    #[must_use]
    pub fn alone() -> Self {
        let shared = Arc::new(Shared::new(1, PATIENCE));
        Self { run: 0, shared }
    }

    fn with_patience(runs: usize, patience: Duration) -> Vec<Self> {
        let shared = Arc::new(Shared::new(runs, patience));
        let parts = (0..runs).map(|run| Self {
            run,
            shared: Arc::clone(&shared),
        });
        parts.collect()
    }

    /// What a scan finds. The first run scans for all.
    pub(super) fn scan<E>(&self, scan: impl FnOnce() -> Result<Scan, E>) -> Result<Scan, E> {
        if !self.has_others() {
            return scan();
        }
        let mut scanned = self.shared.scan.lock().unwrap_or_else(PoisonError::into_inner);
        let scan = match scanned.scan.take() {
            Some(scan) => scan,
            None => scan()?,
        };
        scanned.taken += 1;
        if scanned.taken < self.shared.runs {
            scanned.scan = Some(scan.clone());
        }
        Ok(scan)
    }

    /// The memory into which these runs read transcripts, once one of them is in process isolation.
    pub(super) fn memory(&self) -> Option<&SharedMemory> {
        self.shared.memory.get()
    }

    /// Lets the runs read transcripts into memory that worker processes can read.
    ///
    /// # Errors
    /// When there is not enough memory.
    pub(super) fn begin_to_share_memory(&self) -> io::Result<()> {
        if self.memory().is_none() {
            // Another run may have been faster.
            let _ = self.shared.memory.set(SharedMemory::with_room_for(MEMORY)?);
        }
        Ok(())
    }

    /// Tells the others which sessions this run comes to.
    pub(super) fn wants<'a>(&self, sessions: impl Iterator<Item = &'a SessionKey>) {
        if self.has_others() {
            self.change(|transcripts| transcripts.want(self.run, sessions.cloned().collect()));
        }
    }

    /// Waits until the session need not be read, or no other run has too much to take, or this run `is_over`.
    pub(super) fn wait_for_room(&self, session: &SessionKey, is_over: impl Fn() -> bool) {
        if !self.has_others() {
            return;
        }
        drop(self.wait_while(|transcripts| transcripts.slow_for(self.run, session).filter(|_| !is_over())));
    }

    /// The snapshot of a session that another run has read; waits while another one reads it, unless this run `is_over`. If
    /// there is none, this run reads it.
    pub(super) fn come_to(&self, session: &SessionKey, is_over: impl Fn() -> bool) -> Found<'_> {
        if self.has_others() {
            let transcripts = self.wait_while(|transcripts| transcripts.reader(session).filter(|_| !is_over()));
            return self.take(transcripts, session);
        }
        Found::Nothing(self.reading(session))
    }

    /// As [`come_to`](Self::come_to), but `None` where the run would have to wait.
    pub(super) fn try_come_to(&self, session: &SessionKey) -> Option<Found<'_>> {
        if !self.has_others() {
            return Some(Found::Nothing(self.reading(session)));
        }
        let transcripts = self.lock();
        let must_wait = transcripts.reader(session).is_some() || transcripts.slow_for(self.run, session).is_some();
        (!must_wait).then(|| self.take(transcripts, session))
    }

    /// This run does not take a session, because it cannot open the transcript.
    pub(super) fn passes(&self, session: &SessionKey) {
        if self.has_others() {
            self.change(|transcripts| transcripts.pass(self.run, session));
        }
    }

    /// The run has ended: nobody waits for it, and it wants nothing.
    pub fn leave(&self) {
        if self.has_others() {
            self.change(|transcripts| transcripts.leave(self.run));
        }
    }

    fn take(&self, mut transcripts: MutexGuard<'_, Transcripts>, session: &SessionKey) -> Found<'_> {
        let taken = transcripts.take(self.run, session);
        drop(transcripts);
        self.shared.changed.notify_all();
        taken.map_or_else(|| Found::Nothing(self.reading(session)), Found::Held)
    }

    fn reading(&self, session: &SessionKey) -> Reading<'_> {
        Reading {
            share: self,
            session: session.clone(),
        }
    }

    fn has_others(&self) -> bool {
        self.shared.runs > 1
    }

    fn change(&self, change: impl FnOnce(&mut Transcripts)) {
        change(&mut self.lock());
        self.shared.changed.notify_all();
    }

    /// Waits while there is a run to wait for, and leaves it behind if that takes too long.
    fn wait_while(&self, awaited: impl Fn(&Transcripts) -> Option<Awaited>) -> MutexGuard<'_, Transcripts> {
        let mut transcripts = self.lock();
        while let Some(slow) = awaited(&transcripts) {
            if transcripts.waited_for(slow) > self.shared.patience {
                tracing::debug!("a run is too slow: those that began with it hold no transcripts for it any more");
                transcripts.leave(slow.run);
                self.shared.changed.notify_all();
                continue;
            }
            let began = Instant::now();
            // Whether the run is over changes without a notice.
            let waited = self.shared.changed.wait_timeout(transcripts, WATCH);
            transcripts = waited.unwrap_or_else(PoisonError::into_inner).0;
            transcripts.waits(slow, began.elapsed());
        }
        transcripts
    }

    fn lock(&self) -> MutexGuard<'_, Transcripts> {
        self.shared.transcripts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> Found<'a> {
    /// What this run reads, if others wait for it.
    pub(super) fn reading(self) -> Option<Reading<'a>> {
        match self {
            Self::Held(_) => None,
            Self::Nothing(reading) => Some(reading),
        }
    }
}

impl Reading<'_> {
    /// Holds what was read as long as other runs want it.
    pub(super) fn offer(self, snapshot: &Arc<Snapshot>) {
        if self.share.has_others() {
            let (run, session) = (self.share.run, &self.session);
            self.share.change(|transcripts| transcripts.put(run, session, snapshot));
        }
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        if self.share.has_others() {
            let (run, session) = (self.share.run, &self.session);
            self.share.change(|transcripts| transcripts.ends_reading(run, session));
        }
    }
}

impl Shared {
    fn new(runs: usize, patience: Duration) -> Self {
        Self {
            patience,
            runs,
            scan: Mutex::default(),
            memory: OnceLock::new(),
            transcripts: Mutex::new(Transcripts::of_runs(runs, ROOM)),
            changed: Condvar::new(),
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.leave();
    }
}
