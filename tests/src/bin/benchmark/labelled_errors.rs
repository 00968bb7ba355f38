//! How well the classes of errors are told from each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use ::labelled_errors::samples;
use anyhow::{Context, Result};
use serde::Deserialize;

use crate::programs::Host;

/// A sample and the class that it was given.
#[derive(Deserialize)]
struct Found {
    sample: String,
    class: String,
}

/// How often a class was given and should have been.
#[derive(Default)]
struct Counts {
    right: f64,
    given: f64,
    labelled: f64,
}

/// Runs the processor `errors` over the labelled errors, and compares the classes that it gives with the labels.
pub(crate) fn measure(host: &Host, scratch: &Path) -> Result<()> {
    let samples = samples()?;
    let sessions = scratch.join("labelled-errors");
    fs::create_dir_all(sessions.join("someone"))?;
    // A session for each: within one session, what came before may change the meaning of an error.
    for (number, sample) in samples.iter().enumerate() {
        let lines = sample.transcript_lines(&number.to_string());
        let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        fs::write(sessions.join(format!("someone/{number}.jsonl")), lines.join("\n"))?;
    }
    host.forget()?;
    host.run_processor("errors", &sessions)?;
    let found = host.query("SELECT event_uuid AS sample, class FROM session_errors")?;
    let found = serde_json::Deserializer::from_slice(&found).into_iter::<Found>();
    let mut classes: BTreeMap<String, Counts> = BTreeMap::new();
    let mut labels = BTreeSet::new();
    for (number, sample) in samples.iter().enumerate() {
        classes.entry(sample.class.clone()).or_default().labelled += 1.0;
        labels.insert((number.to_string(), sample.class.clone()));
    }
    for found in found {
        let found = found.context("cannot read the errors")?;
        let counts = classes.entry(found.class.clone()).or_default();
        counts.given += 1.0;
        counts.right += f64::from(labels.contains(&(found.sample, found.class)));
    }
    print(&classes, samples.len())
}

fn print(classes: &BTreeMap<String, Counts>, samples: usize) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "\nThe errors processor on {samples} labelled errors")?;
    writeln!(out, "  class                          precision    recall")?;
    for (class, counts) in classes {
        writeln!(
            out,
            "  {class:<26}{:>14.3}{:>10.3}",
            counts.right / counts.given,
            counts.right / counts.labelled
        )?;
    }
    Ok(())
}
