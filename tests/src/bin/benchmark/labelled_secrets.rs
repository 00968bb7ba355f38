//! How well secrets are told from what only looks like them.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use ::labelled_secrets::samples;
use anyhow::{Context, Result};
use serde::Deserialize;

use crate::programs::Host;

/// What the processor found: a sample and a rule.
#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    sample: String,
    rule: String,
}

/// Runs the processor `secrets` over the labelled samples, and compares what it finds with the labels.
pub(crate) fn measure(host: &Host, scratch: &Path) -> Result<()> {
    let samples = samples()?;
    let lines: serde_json::Result<Vec<String>> = samples.iter().map(|sample| sample.transcript_line()).collect();
    let sessions = scratch.join("labelled");
    fs::create_dir_all(sessions.join("someone"))?;
    fs::write(sessions.join("someone/labelled.jsonl"), lines?.join("\n"))?;
    host.forget()?;
    host.run_processor("secrets", &sessions)?;
    let found = host.query("SELECT first_event_uuid AS sample, rule_id AS rule FROM secret_findings")?;
    let found = serde_json::Deserializer::from_slice(&found).into_iter();
    let found: BTreeSet<Found> = found
        .collect::<serde_json::Result<_>>()
        .context("cannot read the findings")?;
    let labels = samples.iter().flat_map(|sample| {
        sample.rules.iter().map(|rule| Found {
            sample: sample.name.clone(),
            rule: rule.clone(),
        })
    });
    let labels: BTreeSet<Found> = labels.collect();
    let right = found.intersection(&labels).count() as f64;
    let without = samples.iter().filter(|sample| sample.rules.is_empty()).count();
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "\nThe secrets processor on the labelled set: {} samples, {without} of them without a secret",
        samples.len()
    )?;
    writeln!(
        out,
        "  precision                       {:>8.3}",
        right / found.len() as f64
    )?;
    writeln!(
        out,
        "  recall                          {:>8.3}",
        right / labels.len() as f64
    )?;
    Ok(())
}
