//! Measures redaction on texts whose possible secrets are labelled.

use labelled_secrets::{MaskSample, mask_samples};

use super::*;

/// The counts of correct, excess and missing masks.
#[derive(Debug, Default)]
struct Measure {
    masked: u32,
    missed: Vec<String>,
    wrong: Vec<String>,
}

impl Measure {
    fn of(samples: &[MaskSample], rules: &Rules) -> Self {
        let mut measure = Self::default();
        for sample in samples {
            let redacted = redact(&sample.text, rules);
            let named = || format!("{}: {redacted}", sample.name);
            match &sample.secret {
                Some(secret) if is_masked(&sample.text, secret, &redacted) => measure.masked += 1,
                Some(_) => measure.missed.push(named()),
                None if redacted == sample.text => {}
                None => measure.wrong.push(named()),
            }
        }
        measure
    }

    fn precision(&self) -> f64 {
        self.share(&self.wrong)
    }

    fn recall(&self) -> f64 {
        self.share(&self.missed)
    }

    fn share(&self, others: &[String]) -> f64 {
        f64::from(self.masked) / (f64::from(self.masked) + others.len() as f64)
    }
}

/// Whether a reason replaces the complete secret, and the text around it is unchanged.
fn is_masked(text: &str, secret: &str, redacted: &str) -> bool {
    let Some((before, behind)) = text.split_once(secret) else {
        return false;
    };
    let reason = redacted.strip_prefix(before).and_then(|rest| rest.strip_suffix(behind));
    reason.is_some_and(|reason| reason.starts_with("[redacted: ") && reason.find(']') == Some(reason.len() - 1))
}

#[test]
fn precision_and_recall_are_what_they_were() {
    let samples = mask_samples().unwrap();
    let measure = Measure::of(&samples, &Rules::shipped().unwrap());
    let negatives = samples.iter().filter(|sample| sample.secret.is_none()).count();
    println!("{} samples, {negatives} of them without a secret", samples.len());
    println!("precision {:.4}, recall {:.4}", measure.precision(), measure.recall());
    // Random text sometimes looks like a name.
    assert!(measure.precision() >= 1.0 && measure.recall() >= 0.98, "{measure:#?}");
}
