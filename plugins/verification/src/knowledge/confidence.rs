//! Computes the confidence in an item from its evidence. The model has no influence on it.

use std::collections::BTreeSet;

use super::DetectionType;

/// The properties of a piece of evidence that affect the confidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verifier {
    pub(crate) user: String,
    pub(crate) detection_type: DetectionType,
}

/// The data that an earlier service left about an item, without the evidence.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Inherited {
    pub(crate) user: Option<String>,
    pub(crate) confidence: f64,
}

/// The confidence that each further user adds, in hundredths.
const FURTHER_VERIFIER: usize = 5;

/// The confidence in an item, from its evidence and from data of an earlier service.
///
/// The earlier verifier counts as one more verifier if there is new evidence, and the confidence never falls below the
/// earlier one.
pub(crate) fn confidence(evidence: &[Verifier], inherited: Option<&Inherited>) -> f64 {
    let Some(inherited) = inherited else {
        return of_evidence(evidence);
    };
    let mut verifiers = evidence.to_vec();
    if !verifiers.is_empty() {
        verifiers.extend(inherited.verifier());
    }
    of_evidence(&verifiers).max(inherited.confidence.min(1.0))
}

impl Inherited {
    fn verifier(&self) -> Option<Verifier> {
        let of_a_correction = hundredths(DetectionType::Correction) as f64 / 100.0;
        Some(Verifier {
            user: self.user.clone()?,
            detection_type: match self.confidence >= of_a_correction {
                true => DetectionType::Correction,
                false => DetectionType::Confirmation,
            },
        })
    }
}

/// The confidence from evidence: that of its strongest kind, plus an addition for each further user unless all evidence
/// is confirmations. Without evidence it is zero.
fn of_evidence(evidence: &[Verifier]) -> f64 {
    let Some(strongest) = evidence
        .iter()
        .map(|verifier| hundredths(verifier.detection_type))
        .max()
    else {
        return 0.0;
    };
    let users: BTreeSet<&str> = evidence.iter().map(|verifier| verifier.user.as_str()).collect();
    let further = match strongest > hundredths(DetectionType::Confirmation) {
        true => (users.len() - 1) * FURTHER_VERIFIER,
        false => 0,
    };
    (strongest + further).min(100) as f64 / 100.0
}

/// The confidence of one piece of evidence of this kind.
pub(super) fn hundredths(detection_type: DetectionType) -> usize {
    match detection_type {
        DetectionType::Correction | DetectionType::UnpromptedDefinition => 90,
        DetectionType::Confirmation => 60,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(evidence: &[(&str, DetectionType)]) -> f64 {
        with(None, evidence)
    }

    fn with(inherited: Option<&Inherited>, evidence: &[(&str, DetectionType)]) -> f64 {
        let evidence: Vec<Verifier> = evidence
            .iter()
            .map(|(user, detection_type)| Verifier {
                user: (*user).to_owned(),
                detection_type: *detection_type,
            })
            .collect();
        confidence(&evidence, inherited)
    }

    #[test]
    fn the_strongest_kind_counts() {
        use DetectionType::{Confirmation, Correction, UnpromptedDefinition};
        assert_eq!(of(&[]), 0.0);
        assert_eq!(of(&[("a", Confirmation)]), 0.6);
        assert_eq!(of(&[("a", Correction)]), 0.9);
        assert_eq!(of(&[("a", UnpromptedDefinition)]), 0.9);
        assert_eq!(of(&[("a", Confirmation), ("a", Correction)]), 0.9);
    }

    #[test]
    fn each_further_user_adds_unless_it_is_only_confirmed() {
        use DetectionType::{Confirmation, Correction, UnpromptedDefinition};
        assert_eq!(of(&[("a", Correction), ("b", Correction)]), 0.95);
        assert_eq!(of(&[("a", Correction), ("a", Correction)]), 0.9);
        assert_eq!(of(&[("a", UnpromptedDefinition), ("b", Confirmation)]), 0.95);
        assert_eq!(of(&[("a", Confirmation), ("b", Confirmation)]), 0.6);
        let many = ["a", "b", "c", "d", "e"].map(|user| (user, Correction));
        assert_eq!(of(&many), 1.0);
    }
    #[test]
    fn inherited_confidence_never_falls_and_its_verifier_counts() {
        use DetectionType::{Confirmation, Correction};
        let inherited = |confidence: f64| Inherited {
            user: Some("carol".to_owned()),
            confidence,
        };
        assert_eq!(with(Some(&inherited(0.95)), &[]), 0.95);
        assert_eq!(with(Some(&inherited(0.7)), &[]), 0.7);
        assert_eq!(with(Some(&inherited(0.7)), &[("a", Confirmation)]), 0.7);
        assert_eq!(with(Some(&inherited(95.0)), &[]), 1.0);
        assert_eq!(with(Some(&inherited(0.9)), &[("carol", Confirmation)]), 0.9);
        assert_eq!(with(Some(&inherited(0.9)), &[("a", Confirmation)]), 0.95);
        assert_eq!(with(Some(&inherited(1.0)), &[("a", Confirmation)]), 1.0);
        assert_eq!(with(Some(&inherited(0.6)), &[("a", Confirmation)]), 0.6);
        assert_eq!(with(Some(&inherited(0.6)), &[("a", Correction)]), 0.95);
        let nobodys = Inherited {
            user: None,
            confidence: 0.8,
        };
        assert_eq!(with(Some(&nobodys), &[]), 0.8);
        assert_eq!(with(Some(&nobodys), &[("a", Confirmation)]), 0.8);
        assert_eq!(with(Some(&nobodys), &[("a", Correction)]), 0.9);
    }
}
