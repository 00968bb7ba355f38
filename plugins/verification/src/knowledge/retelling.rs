//! What a grown session's answer tells again of its earlier version.
//!
//! The model tells a fact a little differently each time. That is no other fact where the same words of a user stand
//! behind it, and no paraphrase either, which a correction is never merged by: it is the same event.

use std::collections::{HashMap, HashSet};

use super::{DetectionType, Item, Said, wording::are_of_the_same_words};
use crate::conversation::Place;

/// Evidence that the session's earlier version gave, where it stands in the text of now.
#[derive(Clone, Debug)]
pub(super) struct Told<'a> {
    pub(super) item: &'a Item,
    pub(super) detection_type: DetectionType,
    /// `None` where the text no longer has the quote, or has it more than once.
    pub(super) place: Option<Place>,
}

/// The items of an answer that tell earlier ones again: the id of each, with that of the earlier one.
///
/// Several facts may be said in one breath. So an earlier item is told again by one item at most, and by none where the
/// answer tells it to the letter. An item that is `known` to the letter tells no other again.
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

/// The model cuts a quote a little longer or shorter each time: where it stands counts, not how it reads.
fn is_same_event(said: &Said, told: &Told<'_>) -> bool {
    let is_same_place = match (&said.place, &told.place) {
        (Some(one), Some(other)) => one.overlaps(other),
        _ => false,
    };
    is_same_place && said.verification.detection_type == told.detection_type
}
