//! Limits how many attempts of a run call the processor at once, and keeps their transactions out of each other's way
//! after a conflict.
//!
//! If two transactions write the same row, DuckDB fails the second. If its attempt is repeated beside others, it may
//! fail again and again. If it is repeated alone, it meets no other attempt of its processor.
//!
//! # Threads
//! Workers wait for their passage, in the order of their arrival. A worker that waits to pass alone blocks later ones,
//! so it waits only for attempts that are already on the lane. An abandoned attempt releases its place.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Attempts pass side by side; one that is repeated after a write conflict passes alone. Clones share the lane.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// How many attempts may pass side by side.
    places: usize,
    traffic: Mutex<Traffic>,
    changed: Condvar,
}

impl Shared {
    /// Waits until a passage is blocked no more.
    fn wait_while<'a>(
        &self,
        traffic: MutexGuard<'a, Traffic>,
        is_blocked: impl FnMut(&mut Traffic) -> bool,
    ) -> MutexGuard<'a, Traffic> {
        let changed = self.changed.wait_while(traffic, is_blocked);
        changed.unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
struct Traffic {
    together: usize,
    alone: bool,
    waiting_to_be_alone: u32,
    /// How many attempts have come to pass together, and whose turn it is among them.
    arrived: u64,
    turn: u64,
}

impl Traffic {
    /// Whether the attempt that arrived as this one can pass beside others.
    fn lets_in(&self, arrival: u64, places: usize) -> bool {
        self.turn == arrival && self.together < places && !self.alone && self.waiting_to_be_alone == 0
    }
}

/// How an attempt passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passage {
    /// Beside others.
    Together,
    /// By itself.
    Alone,
}

/// A place on the lane, released when it is dropped.
#[derive(Debug)]
pub(super) struct OnLane {
    shared: Arc<Shared>,
    passage: Passage,
}

impl Lane {
    /// A lane with places for so many attempts, at least one.
    pub(super) fn new(places: usize) -> Self {
        Self {
            shared: Arc::new(Shared {
                places: places.max(1),
                traffic: Mutex::default(),
                changed: Condvar::new(),
            }),
        }
    }

    /// Waits for a place beside others. `None` if there was none at once, and `is_over` when there was.
    pub(super) fn enter(&self, is_over: impl Fn() -> bool) -> Option<OnLane> {
        let mut traffic = self.lock();
        let arrival = traffic.arrived;
        traffic.arrived += 1;
        let places = self.shared.places;
        let waits = !traffic.lets_in(arrival, places);
        traffic = self
            .shared
            .wait_while(traffic, |traffic| !traffic.lets_in(arrival, places));
        traffic.turn += 1;
        traffic.together += 1;
        drop(traffic);
        self.shared.changed.notify_all();
        let place = self.place(Passage::Together);
        (!waits || !is_over()).then_some(place)
    }

    /// Waits until nobody else is on the lane. This goes before attempts that wait to pass beside others.
    pub(super) fn enter_alone(&self) -> OnLane {
        let mut traffic = self.lock();
        traffic.waiting_to_be_alone += 1;
        let is_blocked = |traffic: &mut Traffic| traffic.alone || traffic.together > 0;
        traffic = self.shared.wait_while(traffic, is_blocked);
        traffic.waiting_to_be_alone -= 1;
        traffic.alone = true;
        drop(traffic);
        self.place(Passage::Alone)
    }

    /// Whether an attempt that came now would wait.
    pub(super) fn is_full(&self) -> bool {
        let traffic = self.lock();
        !traffic.lets_in(traffic.arrived, self.shared.places)
    }

    fn place(&self, passage: Passage) -> OnLane {
        OnLane {
            shared: Arc::clone(&self.shared),
            passage,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Traffic> {
        self.shared.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OnLane {
    fn drop(&mut self) {
        let mut traffic = self.shared.traffic.lock().unwrap_or_else(PoisonError::into_inner);
        match self.passage {
            Passage::Together => traffic.together -= 1,
            Passage::Alone => traffic.alone = false,
        }
        self.shared.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::mpsc::channel,
        thread::{self, JoinHandle},
    };

    use super::*;

    /// Lets another thread enter, and waits until it has arrived.
    fn arrive(lane: &Lane, is_over: bool, pass: impl FnOnce(Option<OnLane>) + Send + 'static) -> JoinHandle<()> {
        let arrived = lane.lock().arrived;
        let entering = lane.clone();
        let thread = thread::spawn(move || pass(entering.enter(|| is_over)));
        while lane.lock().arrived == arrived {
            thread::yield_now();
        }
        thread
    }

    #[test]
    fn as_many_pass_together_as_there_are_places() {
        let lane = Lane::new(2);
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let lane = lane.clone();
                thread::spawn(move || {
                    for _ in 0..200 {
                        let place = lane.enter(|| false);
                        assert!(place.is_some() && lane.lock().together <= 2);
                        thread::yield_now();
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(lane.lock().together, 0);
    }

    #[test]
    fn it_is_full_while_a_further_attempt_would_wait() {
        let lane = Lane::new(2);
        let one = lane.enter(|| false);
        assert!(!lane.is_full());
        let other = lane.enter(|| false);
        assert!(lane.is_full());
        drop(other);
        assert!(!lane.is_full());
        drop(one);
        let _alone = lane.enter_alone();
        assert!(lane.is_full());
    }

    #[test]
    fn places_are_given_in_the_order_of_arrival() {
        let lane = Lane::new(1);
        let (passed, passes) = channel();
        let place = lane.enter(|| false);
        let threads: Vec<_> = (0..4)
            .map(|number| {
                let passed = passed.clone();
                arrive(&lane, false, move |_place| passed.send(number).unwrap())
            })
            .collect();
        drop((place, passed));
        assert_eq!(passes.iter().collect::<Vec<_>>(), [0, 1, 2, 3]);
        for thread in threads {
            thread.join().unwrap();
        }
    }

    #[test]
    fn an_attempt_that_waits_while_the_run_ends_gets_no_place() {
        let lane = Lane::new(1);
        let place = lane.enter(|| false);
        let waits = arrive(&lane, true, |place| assert!(place.is_none()));
        drop(place);
        waits.join().unwrap();
        assert!(lane.enter(|| true).is_some(), "nobody waits for a place that is free");
    }

    #[test]
    fn an_attempt_that_passes_alone_goes_before_those_that_wait() {
        let lane = Lane::new(1);
        let place = lane.enter(|| false);
        let (passed, passes) = channel();
        let together = passed.clone();
        let waits = arrive(&lane, false, move |_place| together.send("together").unwrap());
        let alone = thread::spawn({
            let lane = lane.clone();
            move || {
                let _place = lane.enter_alone();
                passed.send("alone").unwrap();
            }
        });
        while lane.lock().waiting_to_be_alone == 0 {
            thread::yield_now();
        }
        drop(place);
        assert_eq!(passes.iter().collect::<Vec<_>>(), ["alone", "together"]);
        for thread in [waits, alone] {
            thread.join().unwrap();
        }
    }
}
