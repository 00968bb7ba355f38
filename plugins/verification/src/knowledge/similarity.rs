//! The similarity of two texts: the ratio of Ratcliff and Obershelp, over their longest matching blocks.
//!
//! It equals Python's `difflib.SequenceMatcher(None, a, b, autojunk=False).ratio()` over characters. The `autojunk`
//! heuristic ignores frequent characters in texts of 200 characters or more, so that nearly equal texts would count as
//! different.

use std::{collections::HashMap, ops::Range};

/// A text prepared for comparison.
#[derive(Clone, Debug, Default)]
pub(crate) struct Comparable {
    characters: Vec<char>,
    /// The positions of each character.
    places: HashMap<char, Vec<usize>>,
}

impl Comparable {
    /// Prepares a text, which is compared as it is.
    pub(crate) fn new(text: &str) -> Self {
        let characters: Vec<char> = text.chars().collect();
        let mut places: HashMap<char, Vec<usize>> = HashMap::new();
        for (place, character) in characters.iter().enumerate() {
            places.entry(*character).or_default().push(place);
        }
        Self { characters, places }
    }

    /// The similarity of the texts, from 0 to 1.
    pub(crate) fn ratio(&self, other: &Self) -> f64 {
        let mut matching = 0;
        let mut parts = vec![(0..self.characters.len(), 0..other.characters.len())];
        while let Some((here, there)) = parts.pop() {
            let block = self.longest_block(other, here.clone(), there.clone());
            if block.length > 0 {
                matching += block.length;
                parts.push((here.start..block.here, there.start..block.there));
                parts.push((
                    block.here + block.length..here.end,
                    block.there + block.length..there.end,
                ));
            }
        }
        self.share(other, matching)
    }

    /// An upper bound of [`ratio`](Self::ratio), computed from the characters regardless of their order.
    pub(crate) fn ratio_at_most(&self, other: &Self) -> f64 {
        let common = self.places.iter().map(|(character, here)| {
            let there = other.places.get(character).map_or(0, Vec::len);
            here.len().min(there)
        });
        self.share(other, common.sum())
    }

    fn share(&self, other: &Self, matching: usize) -> f64 {
        match self.characters.len() + other.characters.len() {
            0 => 1.0,
            length => 2.0 * matching as f64 / length as f64,
        }
    }

    /// The longest common block of both ranges. Among equally long blocks, the first in `self`, then the first in
    /// `other`.
    fn longest_block(&self, other: &Self, here: Range<usize>, there: Range<usize>) -> Block {
        let mut longest = Block {
            here: here.start,
            there: there.start,
            length: 0,
        };
        // For each character in `there`: the last equal character in `here`, and the length of the block that ends with
        // the two.
        let mut ending = vec![(usize::MAX, 0); there.len()];
        for place in here {
            let places = other.places.get(&self.characters[place]).map_or(&[][..], Vec::as_slice);
            let first = places.partition_point(|candidate| *candidate < there.start);
            let beyond = places.partition_point(|candidate| *candidate < there.end);
            // In reverse, so that the entry of the character before is not yet overwritten.
            for candidate in places[first..beyond].iter().rev() {
                let column = candidate - there.start;
                let before = column.checked_sub(1).map(|before| ending[before]);
                let length = match before {
                    Some((row, length)) if row.checked_add(1) == Some(place) => length + 1,
                    _ => 1,
                };
                ending[column] = (place, length);
                let block = Block {
                    here: place + 1 - length,
                    there: candidate + 1 - length,
                    length,
                };
                if length > longest.length || length == longest.length && block.here == longest.here {
                    longest = block;
                }
            }
        }
        longest
    }
}

#[derive(Clone, Copy, Debug)]
struct Block {
    here: usize,
    there: usize,
    length: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio(here: &str, there: &str) -> f64 {
        Comparable::new(here).ratio(&Comparable::new(there))
    }

    #[test]
    fn ratios_are_those_of_difflib() {
        let known = [
            ("", "", 1.0),
            ("a", "", 0.0),
            ("abcd", "bcde", 0.75),
            ("abcd", "dcba", 0.25),
            (" abcd", "abcd abcd", 0.7142857142857143),
            (
                "private Thread currentThread;",
                "private volatile Thread currentThread;",
                0.8656716417910447,
            ),
            (
                "net revenue\nrevenue is reported net of vat.",
                "net revenue\nrevenues are always reported net of vat.",
                0.8842105263157894,
            ),
            ("größe 日本", "grösse 日本語", 0.7777777777777778),
            ("tide", "diet", 0.25),
            ("diet", "tide", 0.5),
            (
                &"the refund limit is 50 eur and needs the approval of the lead on call; ".repeat(4),
                &"the refund limit is 80 eur and needs an approval of the lead on duty; ".repeat(4),
                0.8936170212765957,
            ),
        ];
        for (here, there, expected) in known {
            let found = ratio(here, there);
            assert!((found - expected).abs() < 1e-12, "{here:?} {there:?}: {found}");
        }
    }

    #[test]
    fn the_bound_is_never_exceeded() {
        let texts = [
            "",
            "abcd",
            "dcba",
            "the quick brown fox",
            "fox brown quick the",
            "aaaa",
            "aabb",
        ];
        for here in texts {
            for there in texts {
                let (here, there) = (Comparable::new(here), Comparable::new(there));
                assert!(here.ratio(&there) <= here.ratio_at_most(&there));
            }
        }
    }
}
