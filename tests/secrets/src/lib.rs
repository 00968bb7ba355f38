//! Texts of which it is known what secrets stand in them: the measure of the processor `secrets`, and of redaction.
//!
//! `labelled.jsonl` holds one sample a line: `{"name": "...", "text": ["gh", "p_", "..."], "rules": ["github-pat"]}`.
//! The text is the parts joined; nothing in the file itself looks like a secret, so no host of repositories stops a
//! push of it. No sample was ever valid anywhere. One without rules holds no secret, although it may look like it.
//!
//! `masks.jsonl` holds texts with a secret that no rule finds: `{"name": "...", "text": ["...", "..."], "secret": ["..."]}`.
//! One without a secret is to be left as it is.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// A text and the secrets in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// What the sample is about.
    pub name: String,
    /// The text.
    pub text: String,
    /// The shipped rules that find something in it, in alphabetical order; none where there is no secret.
    pub rules: Vec<String>,
}

/// A text and the secret in it that redaction masks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaskSample {
    /// What the sample is about.
    pub name: String,
    /// The text.
    pub text: String,
    /// What is masked; nothing where there is no secret.
    pub secret: Option<String>,
}

/// Why the samples cannot be read: the set is damaged.
#[derive(Debug, thiserror::Error)]
#[error("cannot read line {line} of tests/secrets/{file}; restore the file")]
pub struct Damaged {
    file: &'static str,
    line: usize,
    r#source: serde_json::Error,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    text: Vec<String>,
    rules: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MaskEntry {
    name: String,
    text: Vec<String>,
    secret: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    uuid: &'a str,
    session_id: &'static str,
    timestamp: &'static str,
    message: Message<'a>,
}

/// The samples.
///
/// # Errors
/// Names the line of the set that is damaged.
pub fn samples() -> Result<Vec<Sample>, Damaged> {
    let entries = entries("labelled.jsonl", include_str!("../labelled.jsonl"));
    let samples = entries.map(|entry| {
        let Entry { name, text, mut rules } = entry?;
        rules.sort();
        Ok(Sample {
            name,
            text: text.concat(),
            rules,
        })
    });
    samples.collect()
}

/// The samples of what is masked.
///
/// # Errors
/// Names the line of the set that is damaged.
pub fn mask_samples() -> Result<Vec<MaskSample>, Damaged> {
    let entries = entries("masks.jsonl", include_str!("../masks.jsonl"));
    let samples = entries.map(|entry| {
        let MaskEntry { name, text, secret } = entry?;
        Ok(MaskSample {
            name,
            text: text.concat(),
            secret: secret.map(|parts| parts.concat()),
        })
    });
    samples.collect()
}

fn entries<E: DeserializeOwned>(file: &'static str, set: &'static str) -> impl Iterator<Item = Result<E, Damaged>> {
    (1..)
        .zip(set.lines())
        .map(move |(line, entry)| serde_json::from_str(entry).map_err(|source| Damaged { file, line, source }))
}

impl Sample {
    /// The sample as a line of a transcript, in which a person says it.
    ///
    /// # Errors
    /// Never, but that serde_json says so.
    pub fn transcript_line(&self) -> serde_json::Result<String> {
        serde_json::to_string(&Line {
            kind: "user",
            uuid: &self.name,
            session_id: "labelled-secrets",
            timestamp: "2026-03-01T09:15:00Z",
            message: Message {
                role: "user",
                content: &self.text,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_sample_has_a_name_of_its_own_and_a_text() {
        let samples = samples().unwrap();
        let names: HashSet<_> = samples.iter().map(|sample| &sample.name).collect();
        assert_eq!(names.len(), samples.len());
        assert!(samples.iter().all(|sample| !sample.text.is_empty()));
    }

    #[test]
    fn every_sample_of_a_mask_has_a_name_of_its_own_and_holds_its_secret() {
        let samples = mask_samples().unwrap();
        let names: HashSet<_> = samples.iter().map(|sample| &sample.name).collect();
        assert_eq!(names.len(), samples.len());
        let holds = |sample: &MaskSample| sample.secret.as_ref().is_none_or(|secret| sample.text.contains(secret));
        assert!(samples.iter().all(holds));
    }

    #[test]
    fn both_kinds_of_samples_are_many() {
        let samples = samples().unwrap();
        let with_secrets = samples.iter().filter(|sample| !sample.rules.is_empty()).count();
        assert!(with_secrets >= 60 && samples.len() - with_secrets >= 60);
    }

    #[test]
    fn a_sample_is_said_by_a_person() {
        let sample = Sample {
            name: "one".to_owned(),
            text: "say \"hello\"".to_owned(),
            rules: Vec::new(),
        };
        let line = sample.transcript_line().unwrap();
        assert!(line.contains(r#""uuid":"one""#) && line.contains(r#""content":"say \"hello\"""#));
    }
}
