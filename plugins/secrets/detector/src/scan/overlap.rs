//! Reduces overlapping hits to one, because they are the same secret.

use std::{cmp::Reverse, collections::BTreeMap};

use super::Hit;

/// Of overlapping hits, keeps the most specific one, then the longest, then that of the first rule. Returns the
/// remaining hits in the order of the text.
pub(super) fn resolve(mut hits: Vec<Hit>) -> Vec<Hit> {
    if hits.len() > 1 {
        hits.sort_by_key(|hit| {
            (
                Reverse(hit.specificity),
                Reverse(hit.secret.len()),
                hit.rule,
                hit.secret.start,
            )
        });
        let mut kept: BTreeMap<usize, usize> = BTreeMap::new();
        hits.retain(|hit| {
            let before = kept.range(..hit.secret.end).next_back();
            let is_free = before.is_none_or(|(_, end)| *end <= hit.secret.start);
            if is_free {
                kept.insert(hit.secret.start, hit.secret.end);
            }
            is_free
        });
        hits.sort_by_key(|hit| hit.secret.start);
    }
    hits
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;
    use crate::rules::Specificity::{self, Form, Generic, Surroundings};

    fn hit(rule: usize, specificity: Specificity, secret: Range<usize>) -> Hit {
        Hit {
            rule,
            specificity,
            secret,
        }
    }

    fn kept(hits: &[Hit]) -> Vec<usize> {
        resolve(hits.to_vec()).into_iter().map(|hit| hit.rule).collect()
    }

    #[test]
    fn the_most_specific_of_overlapping_hits_is_kept() {
        let generic = hit(0, Generic, 0..50);
        let surroundings = hit(1, Surroundings, 5..50);
        let form = hit(2, Form, 10..40);
        assert_eq!(kept(&[generic.clone(), surroundings.clone(), form]), [2]);
        assert_eq!(kept(&[generic, surroundings]), [1]);
    }

    #[test]
    fn the_longest_then_the_first_of_equally_specific_ones_is_kept() {
        assert_eq!(kept(&[hit(0, Form, 0..10), hit(1, Form, 0..11)]), [1]);
        assert_eq!(kept(&[hit(1, Form, 0..10), hit(0, Form, 0..10)]), [0]);
    }

    #[test]
    fn hits_side_by_side_are_all_kept() {
        let hits = [
            hit(0, Generic, 20..30),
            hit(1, Form, 0..10),
            hit(2, Surroundings, 10..20),
        ];
        assert_eq!(kept(&hits), [1, 2, 0]);
    }
}
