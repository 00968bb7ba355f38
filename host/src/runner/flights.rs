//! The attempts in flight of one run.
//!
//! # Threads
//! Workers add their attempts and remove them when they return. The conductor looks for those that take too long. It
//! works on copies of the `Arc`s, so the lock is never held while an attempt waits for anything.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use super::{candidates::Candidate, flight::Flight, message::WorkerId};

/// The attempts in flight, each with the worker that makes it.
#[derive(Debug, Default)]
pub(super) struct Flights {
    of_workers: Mutex<Vec<(WorkerId, Arc<Flight>)>>,
}

impl Flights {
    /// Begins an attempt at this candidate.
    pub(super) fn begin(&self, worker: WorkerId, candidate: Candidate) -> Arc<Flight> {
        let flight = Flight::begin(candidate);
        self.lock().push((worker, Arc::clone(&flight)));
        flight
    }

    /// Lets another worker make an attempt whose transcript was read.
    pub(super) fn pass(&self, to: WorkerId, passed: &Arc<Flight>) {
        let mut flights = self.lock();
        let passed = flights.iter_mut().find(|(_, flight)| Arc::ptr_eq(flight, passed));
        if let Some((worker, _)) = passed {
            *worker = to;
        }
    }

    /// Removes an attempt that has returned.
    pub(super) fn remove(&self, returned: &Arc<Flight>) {
        self.lock().retain(|(_, flight)| !Arc::ptr_eq(flight, returned));
        returned.returns();
    }

    /// The attempts that take too long: those whose `busy_since` is too long ago according to `is_overdue`.
    pub(super) fn overdue(&self, is_overdue: impl Fn(Instant) -> bool) -> Vec<(WorkerId, Arc<Flight>)> {
        let flights = self.lock();
        let overdue = flights
            .iter()
            .filter(|(_, flight)| flight.busy_since().is_some_and(&is_overdue));
        overdue.map(|(worker, flight)| (*worker, Arc::clone(flight))).collect()
    }

    /// Rolls back the transactions of all attempts.
    pub(super) fn roll_back(&self) {
        for (_, flight) in self.lock().iter() {
            flight.roll_back();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(WorkerId, Arc<Flight>)>> {
        self.of_workers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
