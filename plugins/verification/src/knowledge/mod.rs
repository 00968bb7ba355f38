//! The known items, and the additions that a session makes to them.

mod confidence;
mod item;
mod likeness;
mod plan;
mod retelling;
mod similarity;
mod store;
mod wording;

pub(crate) use confidence::{Verifier, confidence};
pub(crate) use item::{DetectionType, Domain, Item, Verification};
pub(crate) use likeness::{Candidates, Thresholds, most_alike};
pub(crate) use plan::{EarlierEvidence, Evidence, Hint, NewItem, Plan, Planning, Said, Source};
pub(crate) use store::Store;
