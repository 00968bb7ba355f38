//! What this machine knows of itself: its incarnation, what it owns, and what its runs have pinned.
//!
//! # Threads
//! The thread `cluster` writes it, everybody reads it. The lock is held for a moment, never while PostgreSQL is asked.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use session_plugin_api::Timestamp;

use super::{
    buckets::{BucketCount, Buckets, Part},
    joining::Divisions,
    machine::MachineId,
    renewal::{ClockDifference, Renewed},
};
use crate::{clock, names::ProcessorName};

/// How a machine stands with the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is one of them.
    Joined(MachineId),
    /// It has not renewed for a lease, so the others may have taken it for dead. It asks PostgreSQL as soon as it can.
    Doubtful(MachineId),
    /// The others have taken it for dead. It joins anew as soon as it can.
    Fenced,
    /// It has left.
    Left,
}

/// What has happened since the start of this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Renewals.
    pub renewals: u64,
    /// Rounds that failed, such as for a server that could not be reached.
    pub failed_rounds: u64,
    /// Dead machines that this one took over.
    pub take_overs: u64,
    /// How often the others took this machine for dead.
    pub fenced: u64,
}

/// Buckets of a processor of this machine that nobody owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unowned {
    /// How many they are.
    pub buckets: usize,
    /// For how long this machine has seen such buckets.
    pub age: Duration,
}

/// What this machine knows of itself.
pub(super) struct Board {
    known: Mutex<Known>,
    lease: Duration,
}

#[derive(Default)]
struct Known {
    incarnation: Option<Incarnation>,
    has_left: bool,
    /// The processors of this machine.
    wanted: Divisions,
    /// How the sessions of these processors are divided now.
    divided: Divisions,
    owned: BTreeMap<ProcessorName, Buckets>,
    pins: BTreeMap<PinId, Pin>,
    last_pin: PinId,
    unowned: BTreeMap<ProcessorName, (usize, Instant)>,
    /// Since when PostgreSQL can be reached again, after it could not or did not run.
    reached_since: Option<Instant>,
    clock: Option<ClockDifference>,
    trouble: Option<String>,
    counters: Counters,
}

struct Incarnation {
    id: MachineId,
    /// Until when nobody can have taken this machine for dead. The clock of this machine stands still while the system
    /// sleeps, so it may be wrong; the commits are not.
    good_until: Option<Instant>,
}

/// The number of a pin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PinId(u64);

/// What a run has pinned.
pub(super) struct Pinned {
    pub(super) id: PinId,
    /// The incarnation that owns it.
    pub(super) by: MachineId,
    /// How the sessions of the processor are divided.
    pub(super) count: BucketCount,
    pub(super) buckets: Buckets,
}

/// Buckets that a run works on, and that are therefore not given away.
struct Pin {
    by: MachineId,
    processor: ProcessorName,
    buckets: Buckets,
    since: Timestamp,
}

impl Known {
    /// The incarnation, unless it is in doubt.
    fn sure(&self) -> Option<MachineId> {
        let incarnation = self.incarnation.as_ref()?;
        let until = incarnation.good_until?;
        (Instant::now() < until).then_some(incarnation.id)
    }

    /// How a processor is divided, if that is as this machine wants it. Otherwise a bucket of PostgreSQL would have other
    /// sessions than one of this machine.
    fn usable(&self, processor: &ProcessorName) -> Option<BucketCount> {
        let wanted = self.wanted.get(processor)?;
        (self.divided.get(processor) == Some(wanted)).then_some(*wanted)
    }

    fn owned(&self, processor: &ProcessorName) -> Buckets {
        self.owned.get(processor).copied().unwrap_or_default()
    }

    /// What runs of the present incarnation work on. What an earlier one works on is refused in any case.
    fn pinned(&self, processor: &ProcessorName) -> Buckets {
        let present = self.incarnation.as_ref().map(|incarnation| incarnation.id);
        let pins = self
            .pins
            .values()
            .filter(|pin| Some(pin.by) == present && pin.processor == *processor);
        pins.fold(Buckets::NONE, |all, pin| all.and(pin.buckets))
    }
}

/// What everybody reads.
impl Board {
    pub(super) fn new(lease: Duration, wanted: Divisions) -> Self {
        let known = Known {
            wanted,
            ..Known::default()
        };
        Self {
            known: Mutex::new(known),
            lease,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn standing(&self) -> Standing {
        let known = self.lock();
        match (&known.incarnation, known.sure()) {
            _ if known.has_left => Standing::Left,
            (Some(_), Some(id)) => Standing::Joined(id),
            (Some(incarnation), None) => Standing::Doubtful(incarnation.id),
            (None, _) => Standing::Fenced,
        }
    }

    pub(super) fn incarnation(&self) -> Option<MachineId> {
        self.lock().sure()
    }

    pub(super) fn owned(&self, processor: &ProcessorName) -> Buckets {
        let known = self.lock();
        match (known.sure(), known.usable(processor)) {
            (Some(_), Some(_)) => known.owned(processor),
            _ => Buckets::NONE,
        }
    }

    /// The sessions of a processor that are this machine's to process.
    pub(super) fn part(&self, processor: &ProcessorName) -> Part {
        let known = self.lock();
        match (known.sure(), known.usable(processor)) {
            (Some(_), Some(count)) => Part {
                count,
                buckets: known.owned(processor),
            },
            _ => Part::NOTHING,
        }
    }

    pub(super) fn unowned(&self) -> BTreeMap<ProcessorName, Unowned> {
        let known = self.lock();
        let unowned = known.unowned.iter().map(|(processor, (buckets, since))| {
            let unowned = Unowned {
                buckets: *buckets,
                age: since.elapsed(),
            };
            (processor.clone(), unowned)
        });
        unowned.collect()
    }

    /// For how long PostgreSQL can be reached again.
    pub(super) fn reached_for(&self) -> Option<Duration> {
        self.lock().reached_since.map(|since| since.elapsed())
    }

    /// Since when a run of each processor is under way, by the clock of this machine.
    pub(super) fn runs(&self) -> BTreeMap<ProcessorName, Timestamp> {
        let known = self.lock();
        let pins = known.pins.values();
        pins.map(|pin| (pin.processor.clone(), pin.since)).collect()
    }

    pub(super) fn clock(&self) -> Option<ClockDifference> {
        self.lock().clock
    }

    pub(super) fn trouble(&self) -> Option<String> {
        self.lock().trouble.clone()
    }

    pub(super) fn counters(&self) -> Counters {
        self.lock().counters
    }
}

/// What runs do.
impl Board {
    /// Pins what the machine owns of a processor, if that is anything.
    pub(super) fn pin(&self, processor: &ProcessorName) -> Option<Pinned> {
        let mut known = self.lock();
        let (by, count) = (known.sure()?, known.usable(processor)?);
        let buckets = known.owned(processor);
        if buckets.is_empty() {
            return None;
        }
        let id = PinId(known.last_pin.0 + 1);
        known.last_pin = id;
        known.pins.insert(
            id,
            Pin {
                by,
                processor: processor.clone(),
                buckets,
                since: clock::now(),
            },
        );
        Some(Pinned { id, by, count, buckets })
    }

    pub(super) fn unpin(&self, pin: PinId) {
        self.lock().pins.remove(&pin);
    }
}

/// What the thread `cluster` finds.
impl Board {
    /// The incarnation, even if it is in doubt.
    pub(super) fn present(&self) -> Option<MachineId> {
        self.lock().incarnation.as_ref().map(|incarnation| incarnation.id)
    }

    /// The machine is a new incarnation. It has yet to renew.
    pub(super) fn join(&self, id: MachineId) {
        self.lock().incarnation = Some(Incarnation { id, good_until: None });
    }

    pub(super) fn renewed(&self, renewed: &Renewed) {
        let mut known = self.lock();
        known.counters.renewals += 1;
        known.clock = Some(renewed.clock);
        if let Some(incarnation) = &mut known.incarnation {
            incarnation.good_until = Some(renewed.sent + self.lease);
        }
    }

    pub(super) fn fence(&self) {
        let mut known = self.lock();
        known.counters.fenced += 1;
        known.end_incarnation();
    }

    pub(super) fn leave(&self) {
        let mut known = self.lock();
        known.has_left = true;
        known.end_incarnation();
    }

    /// PostgreSQL can be reached again, for so long already. What nobody owns, this machine sees anew.
    pub(super) fn reaches_again(&self, reached_for: Duration) {
        let now = Instant::now();
        let mut known = self.lock();
        // A machine that joins anew meanwhile is no less patient with the others.
        known.reached_since = known.reached_since.max(now.checked_sub(reached_for));
        if reached_for < self.lease {
            for (_, since) in known.unowned.values_mut() {
                *since = now;
            }
        }
    }

    pub(super) fn took_over(&self) {
        self.lock().counters.take_overs += 1;
    }

    pub(super) fn failed(&self, trouble: String) {
        let mut known = self.lock();
        known.counters.failed_rounds += 1;
        known.trouble = Some(trouble);
    }

    /// What did not work before works again: what that was.
    pub(super) fn mended(&self) -> Option<String> {
        self.lock().trouble.take()
    }

    /// This is all that the machine owns, and how processors are divided, as PostgreSQL has it.
    pub(super) fn own(&self, owned: BTreeMap<ProcessorName, Buckets>, divided: Divisions) {
        let mut known = self.lock();
        (known.owned, known.divided) = (owned, divided);
    }

    /// So many buckets of these processors have no owner; all of the others have one.
    pub(super) fn see_unowned(&self, unowned: impl Iterator<Item = (ProcessorName, usize)>) {
        let mut known = self.lock();
        let mut before = std::mem::take(&mut known.unowned);
        let seen = unowned.map(|(processor, buckets)| {
            let since = before.remove(&processor).map_or_else(Instant::now, |(_, since)| since);
            (processor, (buckets, since))
        });
        known.unowned = seen.collect();
    }

    /// A processor is divided in this way from now on.
    pub(super) fn divide(&self, processor: &ProcessorName, count: BucketCount) {
        self.lock().divided.insert(processor.clone(), count);
    }

    pub(super) fn want(&self, wanted: Divisions) {
        self.lock().wanted = wanted;
    }

    pub(super) fn wanted(&self) -> Divisions {
        self.lock().wanted.clone()
    }

    pub(super) fn owned_in_any_case(&self) -> BTreeMap<ProcessorName, Buckets> {
        self.lock().owned.clone()
    }

    pub(super) fn add(&self, processor: &ProcessorName, buckets: Buckets) {
        let mut known = self.lock();
        let all = known.owned(processor).and(buckets);
        known.owned.insert(processor.clone(), all);
    }

    /// Takes so many buckets from what the machine owns, to give them away. No run can pin them any more. What runs have
    /// pinned stays until they end.
    pub(super) fn give_up(&self, processor: &ProcessorName, many: usize) -> Buckets {
        let mut known = self.lock();
        let (owned, pinned) = (known.owned(processor), known.pinned(processor));
        let given = owned.without(pinned).last(many);
        known.owned.insert(processor.clone(), owned.without(given));
        given
    }
}

impl Known {
    fn end_incarnation(&mut self) {
        self.incarnation = None;
        self.owned.clear();
    }
}

#[cfg(test)]
mod tests;
