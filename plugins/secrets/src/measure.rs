//! Measures the shipped rules on texts whose secrets are labelled.

use std::collections::BTreeSet;

use labelled_secrets::{Sample, samples};
use secret_detector::{Rules, Settings};
use session_plugin_api::{Session, Timestamp};

use crate::findings::SessionFindings;

/// The correct, missed and wrong findings, counted by sample and rule.
#[derive(Debug, Default)]
struct Measure {
    found: u32,
    missed: Vec<String>,
    wrong: Vec<String>,
}

impl Measure {
    fn of(samples: &[Sample], rules: &Rules) -> Self {
        let mut measure = Self::default();
        for sample in samples {
            let expected: BTreeSet<&str> = sample.rules.iter().map(String::as_str).collect();
            let found = rules_found_in(sample, rules);
            let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
            let named = |rule: &&str| format!("{}: {rule}", sample.name);
            measure.found += expected.intersection(&found).count() as u32;
            measure.missed.extend(expected.difference(&found).map(named));
            measure.wrong.extend(found.difference(&expected).map(named));
        }
        measure
    }

    fn precision(&self) -> f64 {
        share(self.found, self.wrong.len())
    }

    fn recall(&self) -> f64 {
        share(self.found, self.missed.len())
    }
}

fn share(right: u32, others: usize) -> f64 {
    f64::from(right) / (f64::from(right) + others as f64)
}

fn rules_found_in(sample: &Sample, rules: &Rules) -> Vec<String> {
    let line = sample.transcript_line().unwrap();
    let session = Session::from_bytes("a/b.jsonl", "a", Timestamp::from_micros(0), line.as_bytes());
    let found = SessionFindings::of(&session, rules).findings;
    found
        .iter()
        .map(|finding| rules.get(finding.rule).id().to_owned())
        .collect()
}

#[test]
fn precision_and_recall_are_what_they_were() {
    let samples = samples().unwrap();
    let rules = Rules::from_settings(&Settings::default()).unwrap();
    let measure = Measure::of(&samples, &rules);
    let negatives = samples.iter().filter(|sample| sample.rules.is_empty()).count();
    println!("{} samples, {negatives} of them without a secret", samples.len());
    println!(
        "precision {:.4}, recall {:.4}, missed {:#?}, wrong {:#?}",
        measure.precision(),
        measure.recall(),
        measure.missed,
        measure.wrong
    );
    assert!(measure.precision() >= 1.0 && measure.recall() >= 1.0, "{measure:#?}");
}

#[test]
fn every_shipped_rule_has_a_sample() {
    let samples = samples().unwrap();
    let sampled: BTreeSet<&str> = samples
        .iter()
        .flat_map(|sample| &sample.rules)
        .map(String::as_str)
        .collect();
    let rules = Rules::from_settings(&Settings::default()).unwrap();
    let shipped: BTreeSet<&str> = rules.iter().map(|rule| rule.id()).collect();
    assert_eq!(sampled, shipped);
    assert!(shipped.len() >= 60);
}
