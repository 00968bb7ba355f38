//! Which parts of a memory nobody uses.

use std::{collections::BTreeMap, ops::Range};

/// The free ranges: the end of each by its start. No two of them touch.
#[derive(Debug)]
pub(super) struct FreeRanges {
    ends: BTreeMap<usize, usize>,
}

impl FreeRanges {
    /// The first bytes are free, so many.
    pub(super) fn all(bytes: usize) -> Self {
        Self {
            ends: BTreeMap::from([(0, bytes)]),
        }
    }

    /// Takes so many bytes, at the lowest place that has them: memory that was used before costs less than fresh memory.
    pub(super) fn take(&mut self, bytes: usize) -> Option<Range<usize>> {
        let mut ranges = self.ends.iter().map(|(start, end)| (*start, *end));
        let (start, end) = ranges.find(|(start, end)| end - start >= bytes)?;
        self.ends.remove(&start);
        let taken = start..start + bytes;
        if taken.end < end {
            self.ends.insert(taken.end, end);
        }
        Some(taken)
    }

    /// Takes a range back.
    pub(super) fn give(&mut self, Range { mut start, mut end }: Range<usize>) {
        if let Some((before, _)) = self.ends.range(..start).next_back().filter(|(_, end)| **end == start) {
            start = *before;
        }
        if let Some(after) = self.ends.remove(&end) {
            end = after;
        }
        self.ends.insert(start, end);
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    const ROOM: usize = 64;

    proptest! {
        #[test]
        fn no_byte_is_taken_twice_and_all_are_free_in_the_end(steps in vec((1..20_usize, any::<proptest::sample::Index>()), 0..50)) {
            let mut free = FreeRanges::all(ROOM);
            let mut taken: Vec<Range<usize>> = Vec::new();
            for (bytes, given) in steps {
                match free.take(bytes) {
                    Some(range) => {
                        prop_assert!(range.len() == bytes && range.end <= ROOM);
                        prop_assert!(taken.iter().all(|other| other.end <= range.start || range.end <= other.start));
                        taken.push(range);
                    }
                    None if taken.is_empty() => prop_assert!(false, "{bytes} bytes fit"),
                    None => free.give(taken.swap_remove(given.index(taken.len()))),
                }
            }
            taken.into_iter().for_each(|range| free.give(range));
            prop_assert_eq!(free.take(ROOM), Some(0..ROOM));
        }
    }

    #[test]
    fn the_lowest_place_is_used_again() {
        let mut free = FreeRanges::all(ROOM);
        let first = free.take(8).unwrap();
        let second = free.take(8).unwrap();
        free.give(first.clone());
        assert_eq!(free.take(4), Some(0..4));
        assert_eq!(free.take(8), Some(second.end..second.end + 8));
    }
}
