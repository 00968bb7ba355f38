//! What a grown session's answer tells again of its earlier version.
//!
//! The model tells a fact in other words each time. That is no other fact where a user's same words stand behind it, and
//! no paraphrase either, which a correction is never merged by: it is the same event.

use super::{DetectionType, Item, Said, Thresholds};
use crate::conversation::Place;

/// Evidence that the session's earlier version gave, where it stands in the text of now.
#[derive(Clone, Debug)]
pub(super) struct Told<'a> {
    pub(super) item: &'a Item,
    pub(super) detection_type: DetectionType,
    /// `None` where the text no longer has the quote, or has it in several turns.
    pub(super) place: Option<Place>,
}

/// For each verification, the id of the item that it tells again.
///
/// An item is told again by one verification at most, the one that is most alike: several facts may be said in one breath.
pub(super) fn told_again(said: &[(Item, Said)], told: &[Told<'_>], thresholds: &Thresholds) -> Vec<Option<String>> {
    let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
    for (verification, (item, said)) in said.iter().enumerate() {
        for (evidence, told) in told.iter().enumerate().filter(|(_, told)| is_same_event(said, told)) {
            pairs.push((item.text.ratio(&told.item.text), verification, evidence));
        }
    }
    pairs.retain(|(likeness, ..)| *likeness >= thresholds.moderate);
    pairs.sort_by(|(one, ..), (other, ..)| other.total_cmp(one));
    let mut claimed = vec![false; told.len()];
    let mut ids = vec![None; said.len()];
    for (_, verification, evidence) in pairs {
        if ids[verification].is_none() && !claimed[evidence] {
            claimed[evidence] = true;
            ids[verification] = Some(told[evidence].item.id.clone());
        }
    }
    ids
}

/// The model cuts a quote a little longer or shorter each time: where it stands counts, not how it reads.
fn is_same_event(said: &Said, told: &Told<'_>) -> bool {
    let is_same_place = match (&said.place, &told.place) {
        (Some(one), Some(other)) => one.overlaps(other),
        _ => false,
    };
    is_same_place && said.verification.detection_type == told.detection_type
}
