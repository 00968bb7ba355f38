//! A piece of knowledge, and the verification in a session that it came from.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use session_plugin_api::hex;
use sha2::{Digest, Sha256};

use super::similarity::Comparable;

/// The way a user verified a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DetectionType {
    /// A user corrected the assistant.
    Correction,
    /// A user confirmed a statement of the assistant.
    Confirmation,
    /// A user stated the fact without being asked.
    UnpromptedDefinition,
}

/// The subject area of a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Domain {
    Finance,
    Engineering,
    Product,
    Data,
    Operations,
    Infrastructure,
}

/// A fact that the model found in a session, with a quote of a user.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Verification {
    pub(crate) detection_type: DetectionType,
    pub(crate) title: String,
    pub(crate) content: String,
    pub(crate) user_quote: String,
    pub(crate) domain: Domain,
    pub(crate) entities: Vec<String>,
}

/// A piece of knowledge, with the properties that comparisons need.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) content: String,
    /// `None` for a domain that this version does not know.
    pub(crate) domain: Option<Domain>,
    /// In lower case, without duplicates.
    pub(crate) entities: BTreeSet<String>,
    pub(crate) text: Comparable,
}

impl DetectionType {
    /// All ways.
    pub(crate) const ALL: [Self; 3] = [Self::Correction, Self::Confirmation, Self::UnpromptedDefinition];

    /// The name in tables and answers.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Correction => "correction",
            Self::Confirmation => "confirmation",
            Self::UnpromptedDefinition => "unprompted_definition",
        }
    }

    /// The way with this name.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|detection_type| detection_type.name() == name)
    }
}

impl Domain {
    /// All domains.
    pub(crate) const ALL: [Self; 6] = [
        Self::Finance,
        Self::Engineering,
        Self::Product,
        Self::Data,
        Self::Operations,
        Self::Infrastructure,
    ];

    /// The name in tables and answers.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Finance => "finance",
            Self::Engineering => "engineering",
            Self::Product => "product",
            Self::Data => "data",
            Self::Operations => "operations",
            Self::Infrastructure => "infrastructure",
        }
    }

    /// The domain with this name.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|domain| domain.name() == name)
    }
}

impl Item {
    /// An item with these properties.
    pub(crate) fn new(id: String, title: &str, content: &str, domain: Option<Domain>, entities: &[String]) -> Self {
        Self {
            id,
            title: title.to_owned(),
            content: content.to_owned(),
            domain,
            entities: entities.iter().map(|entity| normalised(entity)).collect(),
            text: Comparable::new(&format!("{}\n{}", normalised(title), normalised(content))),
        }
    }

    /// The item of a verification.
    pub(crate) fn of(verification: &Verification) -> Self {
        let Verification { title, content, .. } = verification;
        let id = format!("kv_{}", digest(&[title, content]));
        Self::new(id, title, content, Some(verification.domain), &verification.entities)
    }

    /// The number of entities that both items have.
    pub(crate) fn shared_entities(&self, other: &Self) -> usize {
        self.entities.intersection(&other.entities).count()
    }
}

/// The first 12 hex digits of the SHA-256 of the parts, joined by `:`.
pub(super) fn digest(parts: &[&str]) -> String {
    let digest = Sha256::digest(parts.join(":"));
    hex(&digest[..6])
}

/// The text in lower case, with white space folded.
fn normalised(text: &str) -> String {
    text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_items_id_follows_from_title_and_content() {
        let verification = Verification {
            detection_type: DetectionType::Correction,
            title: "Net revenue".to_owned(),
            content: "Revenue is reported net of VAT.".to_owned(),
            user_quote: String::new(),
            domain: Domain::Finance,
            entities: vec![],
        };
        // printf '%s' 'Net revenue:Revenue is reported net of VAT.' | sha256sum
        assert_eq!(Item::of(&verification).id, "kv_0caeb91ae197");
    }

    #[test]
    fn names_are_those_of_serde() {
        for domain in Domain::ALL {
            assert_eq!(serde_json::to_value(domain).unwrap(), domain.name());
            assert_eq!(Domain::of(domain.name()), Some(domain));
        }
        for detection_type in DetectionType::ALL {
            assert_eq!(serde_json::to_value(detection_type).unwrap(), detection_type.name());
            assert_eq!(DetectionType::of(detection_type.name()), Some(detection_type));
        }
        assert_eq!((Domain::of("gossip"), DetectionType::of("gossip")), (None, None));
    }

    #[test]
    fn entities_are_shared_whatever_their_case() {
        let item = |entities: &[&str]| {
            let entities: Vec<String> = entities.iter().map(|entity| (*entity).to_owned()).collect();
            Item::new(String::new(), "", "", None, &entities)
        };
        assert_eq!(
            item(&["VAT", "vat", " Net  revenue"]).shared_entities(&item(&["Vat", "net revenue", "x"])),
            2
        );
    }
}
