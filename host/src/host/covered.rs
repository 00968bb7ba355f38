//! What the runs of this host have covered of what it owns.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{cluster::Buckets, names::ProcessorName};

/// The buckets that the last run of each processor over all sessions worked on, and that this host has owned ever since.
#[derive(Default)]
pub(super) struct Covered(Mutex<BTreeMap<ProcessorName, Buckets>>);

impl Covered {
    /// A run works on these buckets.
    pub(super) fn set(&self, processor: &ProcessorName, buckets: Buckets) {
        self.lock().insert(processor.clone(), buckets);
    }

    /// This host owns these buckets now. One that it gave away counts as covered no more, also if it comes back: the host
    /// that had it may have died before its work was done.
    pub(super) fn keep_only(&self, owned: impl Fn(&ProcessorName) -> Buckets) {
        for (processor, buckets) in self.lock().iter_mut() {
            *buckets = buckets.common(owned(processor));
        }
    }

    /// Whether some of these buckets are not covered.
    pub(super) fn lacks_some_of(&self, processor: &ProcessorName, buckets: Buckets) -> bool {
        let covered = self.lock().get(processor).copied().unwrap_or_default();
        !buckets.without(covered).is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ProcessorName, Buckets>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::BucketCount;

    #[test]
    fn what_was_given_away_and_comes_back_is_not_covered() {
        let all = BucketCount::SixtyFour.all();
        let (kept, given): (Vec<_>, Vec<_>) = all.iter().partition(|bucket| bucket.number() < 32);
        let [kept, given]: [Buckets; 2] = [kept, given].map(|buckets| buckets.into_iter().collect());
        let [usage, errors]: [ProcessorName; 2] = ["usage", "errors"].map(|name| name.parse().unwrap());
        let covered = Covered::default();
        assert!(covered.lacks_some_of(&usage, kept));
        for processor in [&usage, &errors] {
            covered.set(processor, all);
        }
        covered.keep_only(|processor| if *processor == usage { kept } else { all });
        assert!(!covered.lacks_some_of(&usage, kept));
        covered.keep_only(|_| all);
        assert!(covered.lacks_some_of(&usage, given));
        assert!(!covered.lacks_some_of(&errors, all));
    }
}
