//! What ran in plugins when an earlier process ended, and nothing told why: it was killed, or a plugin called `_exit`.
//!
//! A suspect stays in the journal until it is cleared, whoever kills the process meanwhile. The journal keeps a hash of its name,
//! so that no name of a user stays in it.

use std::sync::atomic::{
    AtomicUsize,
    Ordering::{AcqRel, Acquire},
};

use sha2::{Digest as _, Sha256};

use super::{
    slot::{Slot, Stage, Usage},
    work::{LeftWork, Plugin, Work},
};
use crate::names::{ProcessorName, SessionKey};

/// How many suspects are kept: half of the slots.
pub(super) const MOST: usize = super::pages::SLOTS / 2;

/// What names a suspect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct SuspectKey([u8; 32]);

impl SuspectKey {
    fn of(parts: [&str; 3]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part.len().to_ne_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    fn attempt(processor: &str, session: &str) -> Self {
        Self::of(["attempt", processor, session])
    }

    fn loading(digest: &str) -> Self {
        Self::of(["loading", digest, ""])
    }

    pub(super) fn of_work(work: &LeftWork) -> Self {
        match &work.attempt {
            Some(attempt) => Self::attempt(attempt.processor.as_str(), attempt.session.as_str()),
            None => Self::loading(&work.plugin.digest),
        }
    }

    /// The key that a slot of an earlier process keeps.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        text.try_into().ok().map(Self)
    }
}

/// The suspects that nobody has cleared.
#[derive(Debug, Default)]
pub(super) struct SuspectCount(AtomicUsize);

impl SuspectCount {
    /// Writes suspects into free slots, as many as are kept.
    pub(super) fn keep(&self, slots: &[Slot], suspects: &[SuspectKey]) {
        let mut free = slots.iter();
        for suspect in suspects.iter().take(MOST) {
            let Some(slot) = free.find(|slot| slot.claim()) else {
                return;
            };
            slot.fill(Usage::Suspect, Stage::Attempt, 0, &suspect.0);
            self.0.fetch_add(1, AcqRel);
        }
    }

    fn clear(&self, slots: &[Slot], key: SuspectKey) {
        if find(slots, key).is_some_and(Slot::claim_suspect_and_clear) {
            self.0.fetch_sub(1, AcqRel);
        }
    }
}

fn find(slots: &[Slot], key: SuspectKey) -> Option<&Slot> {
    slots.iter().find(|slot| slot.is_suspect() && slot.text() == key.0)
}

/// The suspects of the process's journal.
#[derive(Clone, Copy)]
pub struct Suspects<'a> {
    pub(super) found: Option<(&'a SuspectCount, &'a [Slot])>,
}

impl Suspects<'_> {
    /// Whether an attempt of this processor at this session was in flight when an earlier process ended without a reason.
    /// Such a session is attempted in isolation, and is a suspect until it is cleared.
    #[must_use]
    pub fn has(&self, processor: &ProcessorName, session: &SessionKey) -> bool {
        self.has_key(|| SuspectKey::attempt(processor.as_str(), session.as_str()))
    }

    /// Whether the file with this digest was being loaded, or dropped, when an earlier process ended without a reason.
    #[must_use]
    pub fn has_loading(&self, digest: &str) -> bool {
        self.has_key(|| SuspectKey::loading(digest))
    }

    /// Clears a session whose attempt has ended.
    pub fn clear(&self, processor: &ProcessorName, session: &SessionKey) {
        self.clear_key(|| SuspectKey::attempt(processor.as_str(), session.as_str()));
    }

    /// Clears a file that is loaded or rejected by now.
    pub fn clear_loading(&self, digest: &str) {
        self.clear_key(|| SuspectKey::loading(digest));
    }

    /// Clears this work.
    pub(super) fn clear_work(&self, plugin: &Plugin, work: Work<'_>) {
        match work {
            Work::Attempt(attempt) => self.clear(attempt.processor, attempt.session),
            Work::Loading | Work::Drop => self.clear_loading(&plugin.digest),
        }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.found.map_or(0, |(count, _)| count.0.load(Acquire))
    }

    fn has_key(&self, key: impl FnOnce() -> SuspectKey) -> bool {
        let found = self.found.filter(|(count, _)| count.0.load(Acquire) > 0);
        found.is_some_and(|(_, slots)| find(slots, key()).is_some())
    }

    fn clear_key(&self, key: impl FnOnce() -> SuspectKey) {
        if let Some((count, slots)) = self.found.filter(|(count, _)| count.0.load(Acquire) > 0) {
            count.clear(slots, key());
        }
    }
}

impl Slot {
    fn claim_suspect_and_clear(&self) -> bool {
        let claimed = self.claim_suspect();
        if claimed {
            self.clear();
        }
        claimed
    }
}
