//! Recognises items of a grown session that restate items of its earlier version.
//!
//! The model phrases a fact a little differently each time. If the same words of a user are behind both phrasings, they
//! are one event and one fact. Paraphrase detection does not suffice here, because it never merges corrections.

use std::collections::{HashMap, HashSet};

use super::{DetectionType, Item, Said, wording::are_of_the_same_words};
use crate::conversation::Place;

/// Evidence of the session's earlier version, and its position in the present text.
#[derive(Clone, Debug)]
pub(super) struct Told<'a> {
    pub(super) item: &'a Item,
    pub(super) detection_type: DetectionType,
    /// `None` if the text no longer contains the quote, or contains it more than once.
    pub(super) place: Option<Place>,
}

/// The items of an answer that restate earlier items: the id of each, with the id of the earlier item.
///
/// One sentence may contain several facts. So at most one item restates an earlier item, and none does if the answer
/// contains the earlier item verbatim. An item that is already `known` verbatim restates no other.
pub(super) fn told_again(said: &[(Item, Said)], told: &[Told<'_>], known: &[Item]) -> HashMap<String, String> {
    let known: HashSet<&str> = known.iter().map(|item| item.id.as_str()).collect();
    let to_the_letter: HashSet<&str> = said.iter().map(|(item, _)| item.id.as_str()).collect();
    let mut found = HashMap::new();
    let mut taken = HashSet::new();
    for (item, said) in said.iter().filter(|(item, _)| !known.contains(item.id.as_str())) {
        let same_event = told.iter().filter(|told| is_same_event(said, told));
        let open = same_event.filter(|told| !to_the_letter.contains(told.item.id.as_str()));
        let mut same_fact = open.filter(|told| tells_the_same(item, told.item));
        if !found.contains_key(&item.id)
            && let Some(earlier) = same_fact.find(|told| taken.insert(&told.item.id))
        {
            found.insert(item.id.clone(), earlier.item.id.clone());
        }
    }
    found
}

fn tells_the_same(item: &Item, earlier: &Item) -> bool {
    are_of_the_same_words(&item.title, &earlier.title) && are_of_the_same_words(&item.content, &earlier.content)
}

/// The model quotes a little more or less each time, so the position of the quote counts, not its text.
fn is_same_event(said: &Said, told: &Told<'_>) -> bool {
    let is_same_place = match (&said.place, &told.place) {
        (Some(one), Some(other)) => one.overlaps(other),
        _ => false,
    };
    is_same_place && said.verification.detection_type == told.detection_type
}
