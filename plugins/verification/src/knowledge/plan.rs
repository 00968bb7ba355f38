//! Plans the additions of a session: new items, and evidence for old and new items.

use std::collections::{HashMap, HashSet};

use session_plugin_api::Timestamp;

use super::{
    DetectionType, Item, Thresholds, Verification,
    confidence::hundredths,
    item::digest,
    retelling::{Told, told_again},
};
use crate::conversation::{Place, UserTurns};

/// The source of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source<'a> {
    pub(crate) user: &'a str,
    pub(crate) session_file: &'a str,
}

/// A verification with a quote that a user said, and when.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) verification: Verification,
    pub(crate) quote: String,
    pub(crate) said_at: Timestamp,
    /// The position of the quote; `None` if it occurs more than once.
    pub(crate) place: Option<Place>,
}

/// Evidence from the session's earlier version.
#[derive(Clone, Debug)]
pub(crate) struct EarlierEvidence {
    pub(crate) item_id: String,
    pub(crate) detection_type: DetectionType,
    pub(crate) user_quote: String,
}

/// A new item.
#[derive(Clone, Debug)]
pub(crate) struct NewItem {
    pub(crate) item: Item,
    pub(crate) entities: Vec<String>,
    pub(crate) said_at: Timestamp,
}

/// Evidence for an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Evidence {
    pub(crate) id: String,
    pub(crate) item_id: String,
    pub(crate) detection_type: DetectionType,
    pub(crate) user_quote: String,
    pub(crate) said_at: Timestamp,
}

/// A hint for people that a new item may be the same as another.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Hint {
    pub(crate) item: String,
    pub(crate) other: String,
    pub(crate) score: f64,
    pub(crate) said_at: Timestamp,
}

/// The additions of a session.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) items: Vec<NewItem>,
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) hints: Vec<Hint>,
    /// The number of verifications that became evidence for an existing item.
    pub(crate) merged: usize,
    /// Items that the session's earlier version supported, and its present text no longer does.
    pub(crate) lost: Vec<String>,
}

/// The maximum number of hints for a new item.
const HINTS: usize = 10;

/// Creates a [`Plan`].
#[derive(Debug)]
pub(crate) struct Planning<'a> {
    pub(crate) source: Source<'a>,
    pub(crate) thresholds: &'a Thresholds,
    pub(crate) earlier: &'a [EarlierEvidence],
    /// Known items. New items are added, so that later ones are compared with them.
    pub(crate) known: &'a mut Vec<Item>,
}

impl Planning<'_> {
    /// The plan for the verifications and for the evidence of the session's earlier version.
    pub(crate) fn plan(mut self, said: Vec<Said>, users: &UserTurns) -> Plan {
        let mut plan = Plan::default();
        self.keep_earlier(&mut plan, users);
        let said: Vec<(Item, Said)> = said
            .into_iter()
            .map(|said| (Item::of(&said.verification), said))
            .collect();
        let told_again = self.told_again(&said, users);
        for (item, said) in said {
            let item_id = match self.already_known(&item, &said, &told_again) {
                Some(known) => {
                    plan.merged += 1;
                    known
                }
                None => self.add_item(&mut plan, item, &said),
            };
            let evidence = self.evidence(item_id, said.verification.detection_type, said.quote, said.said_at);
            plan.add_evidence(evidence);
        }
        let supported: HashSet<&str> = plan.evidence.iter().map(|evidence| evidence.item_id.as_str()).collect();
        let earlier = self.earlier.iter().map(|earlier| &earlier.item_id);
        plan.lost = earlier
            .filter(|item| !supported.contains(item.as_str()))
            .cloned()
            .collect();
        plan
    }

    /// Evidence of an earlier version stays as long as a user's turn supports it, even if the model no longer finds it.
    fn keep_earlier(&self, plan: &mut Plan, users: &UserTurns) {
        for earlier in self.earlier {
            if let Some(found) = users.find(&earlier.user_quote) {
                let item_id = earlier.item_id.clone();
                plan.add_evidence(self.evidence(item_id, earlier.detection_type, found.text, found.said_at));
            }
        }
    }

    fn already_known(&self, item: &Item, said: &Said, told_again: &HashMap<String, String>) -> Option<String> {
        if self.known.iter().any(|known| known.id == item.id) {
            return Some(item.id.clone());
        }
        let detection_type = said.verification.detection_type;
        let paraphrased = || self.thresholds.paraphrased(item, detection_type, self.known);
        let told_again = told_again.get(&item.id).cloned();
        told_again.or_else(|| paraphrased().map(|known| known.id.clone()))
    }

    /// The items that restate an item of the session's earlier version with the same words of a user.
    fn told_again(&self, said: &[(Item, Said)], users: &UserTurns) -> HashMap<String, String> {
        let told = self.earlier.iter().filter_map(|earlier| {
            Some(Told {
                item: self.known.iter().find(|known| known.id == earlier.item_id)?,
                detection_type: earlier.detection_type,
                place: users.find(&earlier.user_quote).and_then(|found| found.place),
            })
        });
        told_again(said, &told.collect::<Vec<_>>(), self.known)
    }

    fn add_item(&mut self, plan: &mut Plan, item: Item, said: &Said) -> String {
        let alike = self.thresholds.of_the_same_entities(&item, self.known);
        plan.hints
            .extend(alike.into_iter().take(HINTS).map(|(score, other)| Hint {
                item: item.id.clone(),
                other: other.id.clone(),
                score,
                said_at: said.said_at,
            }));
        self.known.push(item.clone());
        let id = item.id.clone();
        plan.items.push(NewItem {
            item,
            entities: said.verification.entities.clone(),
            said_at: said.said_at,
        });
        id
    }

    fn evidence(
        &self,
        item_id: String,
        detection_type: DetectionType,
        user_quote: String,
        said_at: Timestamp,
    ) -> Evidence {
        let id = digest(&[&item_id, self.source.user, self.source.session_file]);
        Evidence {
            id: format!("ve_{id}"),
            item_id,
            detection_type,
            user_quote,
            said_at,
        }
    }
}

impl Plan {
    /// Adds evidence. An item has one piece of evidence per session: the strongest, and among equally strong ones the
    /// first.
    fn add_evidence(&mut self, evidence: Evidence) {
        let same = self.evidence.iter_mut().find(|known| known.item_id == evidence.item_id);
        match same {
            None => self.evidence.push(evidence),
            Some(known) if hundredths(evidence.detection_type) > hundredths(known.detection_type) => *known = evidence,
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;
