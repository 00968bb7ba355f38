//! Measures the shipped rules on errors with labelled classes.

use labelled_errors::{Sample, samples};
use session_plugin_api::{Session, Timestamp};

use crate::{classes::Classes, session_errors::SessionErrors};

fn classes_found_in(sample: &Sample, classes: &Classes) -> Vec<String> {
    let lines: Vec<String> = sample.transcript_lines("u1").iter().map(ToString::to_string).collect();
    let transcript = lines.join("\n");
    let session = Session::from_bytes("a/b.jsonl", "a", Timestamp::from_micros(0), transcript.as_bytes());
    let found = SessionErrors::of(&session, classes, |text| text.into()).errors;
    found.iter().map(|error| error.class.to_owned()).collect()
}

#[test]
fn every_labelled_error_has_its_class() {
    let classes = Classes::shipped().unwrap();
    let samples = samples().unwrap();
    let wrong: Vec<_> = samples
        .iter()
        .map(|sample| (sample, classes_found_in(sample, &classes)))
        .filter(|(sample, found)| *found != [sample.class.as_str()])
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
