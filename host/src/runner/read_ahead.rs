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
};
use crate::sessions::{OpenTranscript, SnapshotError, UnhashedTranscript, hash_all};

/// How many bytes a worker reads beyond the first transcript.
const BYTES_AHEAD: u64 = 12 << 20;

/// How many transcripts a worker reads at once.
const TRANSCRIPTS_AT_ONCE: usize = 64;

/// The transcripts that a worker reads.
struct ReadAhead<'a> {
    context: &'a RunContext,
    worker: WorkerId,
    read: Vec<Read>,
    room: u64,
}

/// A transcript that was read, or could not be read.
struct Read {
    flight: Arc<Flight>,
    transcript: Result<UnhashedTranscript, SnapshotError>,
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

impl ReadAhead<'_> {
    fn read_first(&mut self, candidate: Candidate) {
        let opened = self.open(&candidate);
        let flight = self.context.flights.begin(self.worker, candidate);
        if let Ok(opened) = &opened {
            flight.holds(self.context.memory.hold(opened.size()));
        }
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
        let Some(held) = held else {
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

    fn read(&mut self, flight: Arc<Flight>, opened: Result<OpenTranscript, SnapshotError>) {
        let transcript = opened.and_then(|opened| {
            let buffer = self.context.buffers.take(opened.size());
            opened.read(buffer)
        });
        flight.has_read();
        self.read.push(Read { flight, transcript });
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
        let (flights, transcripts): (Vec<_>, Vec<_>) =
            self.read.into_iter().map(|read| (read.flight, read.transcript)).unzip();
        let hashed = flights.into_iter().zip(hash_all(transcripts));
        let prepared = hashed.map(|(flight, snapshot)| {
            let read = snapshot.map(|snapshot| ReadTranscript::new(&flight.candidate().transcript, snapshot));
            Prepared { flight, read }
        });
        self.context.dispatcher.put(prepared.collect());
        Worker::GoesOn
    }
}
