//! Reads the transcript of a candidate and those of the next ones, and hashes them together, which is faster.
//!
//! # Threads
//! A worker waits for the memory of the first transcript alone: it holds none then. It reads as many others as need no wait.
//! All become attempts at the same time, and other workers make some of them.

use std::sync::Arc;

use super::{
    candidates::Candidate,
    context::RunContext,
    flight::Flight,
    message::WorkerId,
    prepared::{Prepared, ReadTranscript},
    share::{Found, Reading},
};
use crate::sessions::{OpenTranscript, Snapshot, SnapshotError, UnhashedTranscript, hash_all};

/// How many bytes a worker reads beyond the first transcript.
const BYTES_AHEAD: u64 = 12 << 20;

/// How many transcripts a worker reads at once.
const TRANSCRIPTS_AT_ONCE: usize = 64;

/// The transcripts that a worker reads.
struct ReadAhead<'a> {
    context: &'a RunContext,
    worker: WorkerId,
    read: Vec<Read<'a>>,
    room: u64,
}

/// A transcript that was read, or could not be read.
struct Read<'a> {
    flight: Arc<Flight>,
    transcript: Result<UnhashedTranscript, NotHashed>,
    /// Lets other runs wait for it, if this one reads it.
    reading: Option<Reading<'a>>,
}

/// Why there is nothing to hash.
enum NotHashed {
    /// Another run has done it.
    Shared(Arc<Snapshot>),
    /// The transcript cannot be read.
    Unreadable(SnapshotError),
}

/// Whether a worker goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worker {
    /// It does.
    GoesOn,
    /// It was abandoned, or the run has ended.
    Ends,
}

/// Reads the transcript of this candidate and of some that follow, and hands them to the dispatcher as attempts.
pub(super) fn read_ahead(context: &RunContext, worker: WorkerId, first: Candidate) -> Worker {
    let mut ahead = ReadAhead {
        context,
        worker,
        read: Vec::new(),
        room: BYTES_AHEAD,
    };
    ahead.read_first(first);
    while ahead.read.len() < TRANSCRIPTS_AT_ONCE && ahead.read_next().is_some() {}
    ahead.end()
}

impl<'a> ReadAhead<'a> {
    fn read_first(&mut self, candidate: Candidate) {
        let RunContext { dispatcher, share, .. } = self.context;
        share.wait_for_room(&candidate.transcript.session, || dispatcher.is_over());
        if dispatcher.is_over() {
            dispatcher.take_back(candidate);
            return;
        }
        let opened = self.open(&candidate);
        let flight = self.context.flights.begin(self.worker, candidate);
        let opened = opened.map(|opened| {
            let held = self.context.memory.hold(opened.size());
            let found = share.come_to(&flight.candidate().transcript.session, || dispatcher.is_over());
            // The waits are no time of the attempt.
            flight.holds(held);
            (opened, found)
        });
        self.read(flight, opened);
    }

    /// Reads the next transcript, if that needs no wait.
    fn read_next(&mut self) -> Option<()> {
        if self.is_abandoned() {
            return None;
        }
        let fits = |candidate: &Candidate| candidate.transcript.size <= self.room;
        let candidate = self.context.dispatcher.next_that(fits)?;
        let opened = self.open(&candidate);
        // It may have grown since the scan.
        let size = opened.as_ref().map_or(0, OpenTranscript::size);
        let held = self.context.memory.try_hold(size).filter(|_| size <= self.room);
        let session = &candidate.transcript.session;
        let ready = held.and_then(|held| {
            let opened = opened.map(|opened| Some((opened, self.context.share.try_come_to(session)?)));
            Some((held, opened.transpose()?))
        });
        let Some((held, opened)) = ready else {
            self.context.dispatcher.take_back(candidate);
            return None;
        };
        self.room -= size;
        let flight = self.context.flights.begin(self.worker, candidate);
        flight.holds(held);
        self.read(flight, opened);
        Some(())
    }

    fn open(&self, candidate: &Candidate) -> Result<OpenTranscript, SnapshotError> {
        OpenTranscript::open(&candidate.transcript.path, self.context.limits.max_session_bytes)
    }

    /// Reads an open transcript, unless another run has read it.
    fn read(&mut self, flight: Arc<Flight>, opened: Result<(OpenTranscript, Found<'a>), SnapshotError>) {
        let (transcript, reading) = match opened {
            // The memory that is held is enough for it.
            Ok((opened, Found::Held(snapshot))) if snapshot.size <= opened.size() => {
                (Err(NotHashed::Shared(snapshot)), None)
            }
            Ok((opened, found)) => {
                let buffer = self.context.buffers.take(opened.size());
                (opened.read(buffer).map_err(NotHashed::Unreadable), found.reading())
            }
            Err(error) => {
                self.context.share.passes(&flight.candidate().transcript.session);
                (Err(NotHashed::Unreadable(error)), None)
            }
        };
        flight.has_read();
        self.read.push(Read {
            flight,
            transcript,
            reading,
        });
    }

    fn is_abandoned(&self) -> bool {
        self.read.iter().any(|read| read.flight.is_abandoned())
    }

    /// Hashes what was read. If reading took so long that it was abandoned, nobody waits for it any more.
    fn end(self) -> Worker {
        if self.is_abandoned() {
            let flights = self.read.iter().map(|read| &read.flight);
            flights.for_each(|flight| self.context.flights.remove(flight));
            return Worker::Ends;
        }
        let read = self.read.into_iter();
        let (begun, transcripts): (Vec<_>, Vec<_>) =
            read.map(|read| ((read.flight, read.reading), read.transcript)).unzip();
        let hashed = begun.into_iter().zip(hash_all(transcripts));
        let prepared = hashed.map(|((flight, reading), snapshot)| {
            let read = shared(snapshot, reading);
            let read = read.map(|snapshot| ReadTranscript::new(&flight.candidate().transcript, snapshot));
            Prepared { flight, read }
        });
        self.context.dispatcher.put(prepared.collect());
        Worker::GoesOn
    }
}

/// Offers a snapshot to other runs, unless it is another run's.
fn shared(hashed: Result<Snapshot, NotHashed>, reading: Option<Reading<'_>>) -> Result<Arc<Snapshot>, SnapshotError> {
    match hashed {
        Ok(snapshot) => {
            let snapshot = Arc::new(snapshot);
            reading.into_iter().for_each(|reading| reading.offer(&snapshot));
            Ok(snapshot)
        }
        Err(NotHashed::Shared(snapshot)) => Ok(snapshot),
        Err(NotHashed::Unreadable(error)) => Err(error),
    }
}
